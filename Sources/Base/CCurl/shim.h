// curl_easy_setopt and curl_easy_getinfo take a variable number of arguments, which Swift cannot pass. Each function
// here is one of them for one type of value, as libcurl's documentation gives it for the option.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode weir_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode weir_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

// libcurl copies the text.
static inline CURLcode weir_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

// Lists, buffers and the last argument of callbacks: libcurl keeps the pointer.
static inline CURLcode weir_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

// CURLOPT_READFUNCTION, CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION
typedef size_t (*weir_data_callback)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode weir_set_data_callback(CURL *handle, CURLoption option, weir_data_callback callback) {
    return curl_easy_setopt(handle, option, callback);
}

static inline CURLcode weir_set_open_socket(CURL *handle, curl_opensocket_callback callback) {
    return curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, callback);
}

static inline CURLcode weir_set_close_socket(CURL *handle, curl_closesocket_callback callback) {
    return curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, callback);
}

static inline CURLcode weir_set_progress(CURL *handle, curl_xferinfo_callback callback) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, callback);
}

static inline long weir_info_long(CURL *handle, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

static inline curl_off_t weir_info_offset(CURL *handle, CURLINFO info) {
    curl_off_t value = 0;
    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

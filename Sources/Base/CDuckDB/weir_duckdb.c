#define _GNU_SOURCE
#include "weir_duckdb.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

static char message[512];

static const char *last_error(const char *what) {
    const char *reason = dlerror();
    snprintf(message, sizeof message, "%s: %s", what, reason ? reason : "unknown reason");
    return message;
}

const char *weir_duckdb_load(const char *runtime, const char *library, weir_duckdb_api *api) {
    if (runtime && !dlopen(runtime, RTLD_NOW | RTLD_GLOBAL)) return last_error(runtime);
    void *object = dlopen(library, RTLD_LAZY);
    if (!object) return last_error(library);

// `memcpy` because ISO C does not let an object pointer be cast to a function pointer.
#define WEIR_DUCKDB_RESOLVE(type, name, arguments)                      \
    {                                                                   \
        void *symbol = dlsym(object, "duckdb_" #name);                  \
        if (!symbol) return last_error("duckdb_" #name);                \
        memcpy(&api->name, &symbol, sizeof symbol);                     \
    }
    WEIR_DUCKDB_FUNCTIONS(WEIR_DUCKDB_RESOLVE)
    return NULL;
}

void weir_release_freed_memory(void) { malloc_trim(0); }

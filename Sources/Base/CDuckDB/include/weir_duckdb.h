// The part of DuckDB's C API that Weirhouse calls, as function pointers that are filled from a shared object at run time.
// Source of the signatures: DuckDB 1.5 documentation, "C API" (duckdb.org/docs/stable/clients/c/api). Written by hand:
// no system package of libduckdb exists in Debian, and the Python wheel carries no header.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t weir_idx;

// Opaque handles. DuckDB passes each by value as a pointer to a struct.
typedef struct weir_duckdb_handle *weir_handle;

// `duckdb_result`: deprecated fields, then the internal pointer. Passed by value to `fetch_chunk`.
typedef struct {
    weir_idx deprecated_column_count;
    weir_idx deprecated_row_count;
    weir_idx deprecated_rows_changed;
    void *deprecated_columns;
    char *deprecated_error_message;
    void *internal_data;
} weir_result;

// `duckdb_string_t`: 12 bytes or fewer lie inside.
typedef struct {
    union {
        struct {
            uint32_t length;
            char prefix[4];
            char *pointer;
        } far;
        struct {
            uint32_t length;
            char inlined[12];
        } near;
    } value;
} weir_string;

typedef struct {
    uint64_t lower;
    int64_t upper;
} weir_hugeint;

typedef struct {
    int32_t months;
    int32_t days;
    int64_t micros;
} weir_interval;

typedef struct {
    uint64_t offset;
    uint64_t length;
} weir_list_entry;

#define WEIR_DUCKDB_FUNCTIONS(F) \
    F(const char *, library_version, (void)) \
    F(int, create_config, (weir_handle * config)) \
    F(int, set_config, (weir_handle config, const char *name, const char *value)) \
    F(void, destroy_config, (weir_handle * config)) \
    F(int, open_ext, (const char *path, weir_handle *database, weir_handle config, char **error)) \
    F(void, close, (weir_handle * database)) \
    F(int, connect, (weir_handle database, weir_handle *connection)) \
    F(void, disconnect, (weir_handle * connection)) \
    F(void, interrupt, (weir_handle connection)) \
    F(void, free, (void *memory)) \
    F(int, query, (weir_handle connection, const char *sql, weir_result *result)) \
    F(void, destroy_result, (weir_result * result)) \
    F(const char *, result_error, (weir_result * result)) \
    F(int, result_error_type, (weir_result * result)) \
    F(weir_idx, column_count, (weir_result * result)) \
    F(const char *, column_name, (weir_result * result, weir_idx column)) \
    F(weir_handle, column_logical_type, (weir_result * result, weir_idx column)) \
    F(weir_handle, fetch_chunk, (weir_result result)) \
    F(weir_idx, data_chunk_get_size, (weir_handle chunk)) \
    F(weir_handle, data_chunk_get_vector, (weir_handle chunk, weir_idx column)) \
    F(void, destroy_data_chunk, (weir_handle * chunk)) \
    F(void *, vector_get_data, (weir_handle vector)) \
    F(uint64_t *, vector_get_validity, (weir_handle vector)) \
    F(weir_handle, list_vector_get_child, (weir_handle vector)) \
    F(weir_handle, array_vector_get_child, (weir_handle vector)) \
    F(weir_handle, struct_vector_get_child, (weir_handle vector, weir_idx index)) \
    F(int, get_type_id, (weir_handle type)) \
    F(char *, logical_type_get_alias, (weir_handle type)) \
    F(uint8_t, decimal_width, (weir_handle type)) \
    F(uint8_t, decimal_scale, (weir_handle type)) \
    F(int, decimal_internal_type, (weir_handle type)) \
    F(int, enum_internal_type, (weir_handle type)) \
    F(uint32_t, enum_dictionary_size, (weir_handle type)) \
    F(char *, enum_dictionary_value, (weir_handle type, weir_idx index)) \
    F(weir_handle, list_type_child_type, (weir_handle type)) \
    F(weir_handle, array_type_child_type, (weir_handle type)) \
    F(weir_idx, array_type_array_size, (weir_handle type)) \
    F(weir_idx, struct_type_child_count, (weir_handle type)) \
    F(char *, struct_type_child_name, (weir_handle type, weir_idx index)) \
    F(weir_handle, struct_type_child_type, (weir_handle type, weir_idx index)) \
    F(weir_idx, union_type_member_count, (weir_handle type)) \
    F(char *, union_type_member_name, (weir_handle type, weir_idx index)) \
    F(weir_handle, union_type_member_type, (weir_handle type, weir_idx index)) \
    F(weir_handle, map_type_key_type, (weir_handle type)) \
    F(weir_handle, map_type_value_type, (weir_handle type)) \
    F(void, destroy_logical_type, (weir_handle * type)) \
    F(int, prepare, (weir_handle connection, const char *sql, weir_handle *statement)) \
    F(const char *, prepare_error, (weir_handle statement)) \
    F(void, destroy_prepare, (weir_handle * statement)) \
    F(int, prepared_statement_type, (weir_handle statement)) \
    F(weir_idx, prepared_statement_column_count, (weir_handle statement)) \
    F(const char *, prepared_statement_column_name, (weir_handle statement, weir_idx column)) \
    F(weir_handle, prepared_statement_column_logical_type, (weir_handle statement, weir_idx column)) \
    F(int, execute_prepared, (weir_handle statement, weir_result *result)) \
    F(int, execute_prepared_streaming, (weir_handle statement, weir_result *result)) \
    F(weir_idx, nparams, (weir_handle statement)) \
    F(int, bind_varchar_length, (weir_handle statement, weir_idx index, const char *text, weir_idx length)) \
    F(int, bind_null, (weir_handle statement, weir_idx index)) \
    F(weir_idx, extract_statements, (weir_handle connection, const char *sql, weir_handle *statements)) \
    F(int, prepare_extracted_statement, \
      (weir_handle connection, weir_handle statements, weir_idx index, weir_handle *statement)) \
    F(const char *, extract_statements_error, (weir_handle statements)) \
    F(void, destroy_extracted, (weir_handle * statements))

#define WEIR_DUCKDB_FIELD(type, name, arguments) type(*name) arguments;

typedef struct {
    WEIR_DUCKDB_FUNCTIONS(WEIR_DUCKDB_FIELD)
} weir_duckdb_api;

// Opens `library` and fills `api`. `runtime`, if not NULL, is opened first with its symbols made global: the Python
// library that DuckDB's Python module needs. Returns NULL, or a message that stays valid until the next call.
const char *weir_duckdb_load(const char *runtime, const char *library, weir_duckdb_api *api);

// Gives memory that was freed back to the system (malloc_trim(3)).
void weir_release_freed_memory(void);

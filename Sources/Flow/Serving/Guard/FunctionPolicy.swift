import DuckDB

/// Which functions a person's SQL may call.
///
/// Allowed is what a bare DuckDB knows without any extension of the warehouse, less what reaches beyond its arguments.
struct FunctionPolicy: Sendable {
    private let scalars: Set<String>

    /// Reads the functions of a bare instance.
    /// - Throws: `DuckError`.
    init(_ session: DuckSession) throws {
        let rows = try session.run(
            """
            SELECT DISTINCT lower(function_name) FROM duckdb_functions()
            WHERE function_type IN ('scalar', 'aggregate', 'macro')
              AND NOT (function_type = 'macro' AND macro_definition ILIKE '%select%')
            """
        ).collect()
        let names = rows.compactMap { $0[0].string }
        scalars = Set(names.filter { !FunctionPolicy.isDenied($0) }).union(["unnest"])
    }

    func allowsScalar(_ name: String) -> Bool { scalars.contains(name) }

    /// Functions in FROM that make rows from their arguments alone.
    func allowsTable(_ name: String) -> Bool {
        ["range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"].contains(name)
    }

    private static func isDenied(_ name: String) -> Bool {
        denied.contains(name) || deniedBeginnings.contains { name.hasPrefix($0) }
    }

    private static let deniedBeginnings = [
        "__internal", "pg_", "duckdb_", "read_", "parquet_", "ducklake_", "postgres_", "json_serialize",
        "json_deserialize", "json_execute", "has_", "inet_",
    ]

    private static let denied: Set<String> = [
        // Settings, variables, the process and the session.
        "getenv", "getvariable", "current_setting", "version", "current_query", "current_query_id",
        "current_connection_id", "current_transaction_id", "txid_current", "in_search_path", "stats", "vector_type",
        // The catalogue.
        "nextval", "currval", "format_type", "get_block_size", "map_to_pg_oid", "col_description", "obj_description",
        "shobj_description", "query", "query_table", "glob", "sniff_csv", "which_secret",
        // Effects.
        "write_log", "parse_duckdb_log_message", "sleep_ms", "add_parquet_key", "setseed",
        // Read bytes that a query could make up as internal structures.
        "combine", "finalize", "variant_bytes_to_variant", "variant_normalize", "variant_to_parquet_variant",
        "create_sort_key",
    ]
}

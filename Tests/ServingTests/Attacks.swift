import DuckDB
import Foundation
import Kernel
import Serving
import Testing

@Suite("Attacks")
struct Attacks {
    @Test(
        "what is no SELECT is refused, and so is more than one statement",
        arguments: [
            "INSERT INTO lake.RAW.shop__orders VALUES (1, 2, 'x')", "UPDATE lake.RAW.shop__orders SET id = 1",
            "DELETE FROM fct_orders",
            "DROP TABLE lake.RAW.shop__orders", "CREATE TABLE t AS SELECT 1", "CREATE VIEW v AS SELECT 1",
            "ALTER TABLE fct_orders ADD x INT",
            "CREATE MACRO abs(x) AS 1", "CREATE TEMP TABLE t(a INT)",
            "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')", "TRUNCATE fct_orders",
            "COPY fct_orders TO '/tmp/x.csv'", "COPY (SELECT 1) TO '/tmp/x.parquet'",
            "COPY fct_orders FROM '/etc/passwd'",
            "ATTACH '/tmp/x.db'", "ATTACH 'host=127.0.0.1' AS p (TYPE postgres)", "DETACH lake", "USE lake.RAW",
            "SET memory_limit = '9GB'",
            "SET search_path = 'system'", "RESET ALL", "PRAGMA database_list", "PRAGMA version",
            "PRAGMA add_parquet_key('k', '0123456789112345')",
            "CALL pragma_version()", "CALL postgres_execute('p', 'select 1')", "LOAD postgres_scanner",
            "INSTALL httpfs", "LOAD '/tmp/x.so'",
            "EXPLAIN SELECT 1", "EXPLAIN ANALYZE INSERT INTO lake.RAW.shop__orders VALUES (1, 2, 'x')",
            "EXPLAIN ANALYZE DELETE FROM fct_orders",
            "PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE p", "BEGIN", "COMMIT", "ROLLBACK", "CHECKPOINT", "VACUUM",
            "EXPORT DATABASE '/tmp/x'",
            "IMPORT DATABASE '/tmp/x'", "SET VARIABLE x = 1", "COMMENT ON TABLE fct_orders IS 'x'",
            "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE fct_orders",
            "SELECT 1;;SELECT 2", "/* SELECT */ DROP TABLE fct_orders", "-- SELECT\nDROP TABLE fct_orders",
            "PIVOT fct_orders ON customer USING sum(total)",
            "MERGE INTO fct_orders USING stg_orders ON true WHEN MATCHED THEN DELETE", "SELECT 1 INTO x", "SELECT $1",
            "SELECT ?", "SELECT $name",
            "WITH x AS (DELETE FROM fct_orders RETURNING *) FROM x",
            "WITH x AS (SELECT 1) INSERT INTO fct_orders FROM x", "FORCE CHECKPOINT",
            "SELECT 1) TO '/tmp/x.csv'; --", "SHOW DATABASES", "SHOW memory_limit",
            "SHOW TABLES FROM __ducklake_metadata_lake.weir_serving_tests",
            "FROM (SHOW TABLES)", "FROM (SHOW DATABASES)", "FROM (SHOW ALL TABLES)",
            "DESCRIBE __ducklake_metadata_lake.weir_serving_tests.ducklake_data_file",
            "SUMMARIZE 'secret.csv'", "DESCRIBE SELECT * FROM duckdb_databases()", "DESCRIBE SELECT getenv('HOME')",
        ])
    func statements(_ sql: String) async throws {
        try await expectStopped(sql)
    }

    @Test(
        "files, the network and other databases are out of reach",
        arguments: [
            "FROM '/etc/passwd'", "FROM 'SECRET'", "SELECT * FROM \"SECRET\"", "FROM read_csv('SECRET')",
            "FROM read_text('SECRET')", "FROM read_blob('SECRET')",
            "FROM read_csv_auto('SECRET')", "FROM read_json('SECRET')", "FROM read_parquet('DATA/**/*.parquet')",
            "FROM parquet_scan('DATA/**')",
            "FROM glob('/*')", "FROM glob('DATA/**')", "FROM sniff_csv('SECRET')", "FROM parquet_metadata('DATA/**')",
            "FROM parquet_schema('DATA/**')",
            "FROM parquet_kv_metadata('DATA/**')", "FROM 'https://example.com/x.csv'",
            "FROM read_csv('https://example.com/x.csv')", "FROM 's3://b/x.parquet'",
            "FROM postgres_scan('CONNECTION', 'public', 'big')", "FROM postgres_query('lake', 'select 1')",
            "FROM postgres_attach('CONNECTION')",
            "FROM postgres_execute('lake', 'select 1')", "FROM read_duckdb('/tmp/x.db')",
            "FROM ducklake_list_files('lake', 'shop__orders')",
            "FROM ducklake_snapshots('lake')", "FROM ducklake_settings('lake')", "FROM ducklake_options('lake')",
            "FROM ducklake_scan('lake', 'x')",
            "FROM ducklake_add_data_files('lake', 'big', 'x')", "FROM ducklake_expire_snapshots('lake')",
            "FROM ducklake_delete_orphaned_files('lake')",
            "FROM lake.snapshots()", "FROM lake.options()", "FROM lake.table_info()",
            "FROM ducklake_table_changes('lake', 'RAW', 'big', 0, 9)",
            "FROM query('SELECT * FROM duckdb_databases()')", "FROM query_table('duckdb_databases')",
            "FROM query_table(['fct_orders', 'duckdb_tables'])",
            "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
            "SELECT json_serialize_plan('FROM duckdb_databases()')",
            "SELECT json_deserialize_sql(json_serialize_sql('SELECT 1'))", "FROM histogram('fct_orders', id)",
            "FROM histogram_values('fct_orders', id)",
            "FROM seq_scan('x')", "FROM arrow_scan(1, 2, 3)", "FROM arrow_scan_dumb(1, 2, 3)", "FROM pandas_scan(1)",
            "FROM python_map_function(1)",
            "FROM test_vector_types(1)", "FROM which_secret('s3://x', 's3')", "FROM enable_logging()",
            "FROM checkpoint()", "FROM system.main.glob('/*')",
            "FROM main.read_text('SECRET')", "SELECT * FROM fct_orders, read_text('SECRET')",
            "SELECT (SELECT content FROM read_text('SECRET'))",
            "SELECT 1 FROM fct_orders LIMIT (SELECT count(*) FROM 'SECRET')",
            "SELECT 1 ORDER BY (SELECT 1 FROM 'SECRET')", "VALUES ((SELECT 1 FROM 'SECRET'))",
            "SELECT count(*) FILTER (WHERE EXISTS (FROM 'SECRET')) FROM fct_orders",
            "SELECT sum(id) OVER (ORDER BY (SELECT 1 FROM 'SECRET')) FROM fct_orders",
            "SELECT * FROM fct_orders f, LATERAL (SELECT * FROM 'SECRET' LIMIT f.id)",
            "FROM unnest((SELECT list(content) FROM read_text('SECRET')))",
            "SELECT list_transform([1], lambda x: (SELECT max(content) FROM read_text('SECRET')))",
            "SELECT * REPLACE ((SELECT 1 FROM 'SECRET') AS id) FROM fct_orders",
            "SELECT COLUMNS(c -> EXISTS (FROM 'SECRET')) FROM fct_orders",
            "FROM fct_orders PIVOT (sum((SELECT 1 FROM 'SECRET')) FOR customer IN ('c1'))",
            "SELECT CASE WHEN true THEN (SELECT 1 FROM 'SECRET') END", "SELECT 1 UNION SELECT 1 FROM 'SECRET'",
            "FROM (FROM (FROM 'SECRET'))",
            "SELECT 1 WHERE 1 IN (SELECT 1 FROM 'SECRET')", "SELECT 1 GROUP BY (SELECT 1 FROM 'SECRET')",
            "SELECT 1 HAVING EXISTS (FROM 'SECRET')",
            "SELECT DISTINCT ON ((SELECT 1 FROM 'SECRET')) 1",
            "SELECT 1 QUALIFY row_number() OVER (ORDER BY (SELECT 1 FROM 'SECRET')) = 1",
            "SELECT 'x' COLLATE NOCASE = (SELECT max(content) FROM read_text('SECRET'))",
            "FROM fct_orders a JOIN fct_orders b ON EXISTS (FROM 'SECRET')",
            "SELECT string_agg('a' ORDER BY (SELECT 1 FROM 'SECRET'))", "FROM range((SELECT count(*) FROM 'SECRET'))",
            "SELECT try((SELECT 1 FROM 'SECRET'))",
            "SELECT CAST((SELECT 1 FROM 'SECRET') AS VARCHAR)",
            "SELECT [x FOR x IN (SELECT list(content) FROM read_text('SECRET'))]",
            "WITH \"SECRET\" AS (FROM \"SECRET\") FROM \"SECRET\"",
            "SELECT * FROM (WITH \"SECRET\" AS (SELECT 1) SELECT 1), \"SECRET\"",
            "WITH a AS (FROM \"SECRET\"), \"SECRET\" AS (SELECT 1) FROM a",
            "WITH RECURSIVE \"SECRET\" AS (FROM \"SECRET\" UNION ALL SELECT 'x') FROM \"SECRET\"",
            "SELECT (WITH \"SECRET\" AS (SELECT 1) SELECT 1) FROM \"SECRET\"",
            "FROM fct_orders AT (VERSION => (SELECT 1 FROM 'SECRET'))",
        ])
    func outside(_ sql: String) async throws {
        let lake = try await Lake.shared.value
        try await expectStopped(
            sql.replacing("SECRET", with: "\(lake.folder)/secret.csv").replacing("DATA", with: "\(lake.folder)/data")
                .replacing("CONNECTION", with: lake.connection))
    }

    @Test(
        "keys, connection strings, settings and the instance's insides are out of reach",
        arguments: [
            "FROM __ducklake_metadata_lake.weir_serving_tests.ducklake_data_file",
            "FROM \"__DUCKLAKE_METADATA_LAKE\".weir_serving_tests.ducklake_data_file",
            "FROM __ducklake_metadata_lake.ducklake_data_file", "FROM weir_serving_tests.ducklake_data_file",
            "FROM lake.weir_serving_tests.ducklake_data_file",
            "SELECT encryption_key FROM __ducklake_metadata_lake.weir_serving_tests.ducklake_data_file",
            "FROM lake.private.hidden", "FROM private.hidden", "FROM hidden",
            "FROM duckdb_databases()", "FROM duckdb_databases", "FROM duckdb_secrets()", "FROM duckdb_settings()",
            "FROM duckdb_functions()", "FROM duckdb_tables()",
            "FROM duckdb_views()", "FROM duckdb_columns()", "FROM duckdb_extensions()", "FROM duckdb_memory()",
            "FROM duckdb_temporary_files()", "FROM duckdb_variables()",
            "FROM duckdb_logs()", "FROM duckdb_logs_parsed('x')", "FROM duckdb_external_file_cache()",
            "FROM duckdb_prepared_statements()", "FROM duckdb_optimizers()",
            "FROM pragma_database_size()", "FROM pragma_table_info('fct_orders')", "FROM pragma_storage_info('x')",
            "FROM pragma_user_agent()", "FROM pragma_platform()",
            "FROM pragma_show('fct_orders')", "FROM pragma_metadata_info()", "FROM pg_catalog.pg_class",
            "FROM pg_class", "FROM pg_catalog.pg_settings", "FROM pg_settings",
            "FROM sqlite_master", "FROM system.main.duckdb_databases", "FROM system.pg_catalog.pg_tables",
            "FROM information_schema.character_sets",
            "FROM system.information_schema.tables", "FROM information_schema.table_constraints", "FROM memory.main.x",
            "FROM temp.main.x", "FROM main.sqlite_master",
            "FROM lake.information_schema.tables", "FROM lake.sqlite_master", "FROM lake.fct_orders",
            "SELECT getenv('PATH')", "SELECT current_setting('secret_directory')", "SELECT getvariable('x')",
            "SELECT version()", "SELECT current_query()",
            "SELECT txid_current()", "SELECT current_connection_id()", "SELECT current_transaction_id()",
            "SELECT pg_get_viewdef(1)", "SELECT pg_typeof(1)",
            "SELECT in_search_path('lake', 'main')", "SELECT nextval('x')", "SELECT currval('x')",
            "SELECT write_log('x')", "SELECT sleep_ms(100000)",
            "SELECT pg_sleep(100)", "SELECT system.main.getenv('PATH')", "SELECT main.current_setting('threads')",
            "SELECT 'threads'.current_setting()",
            "SELECT \"GETENV\"('PATH')", "SELECT lake.MARTS.abs(1)", "SELECT stats(1)", "SELECT get_block_size('lake')",
            "SELECT format_type(1, 1)",
            "SELECT list_transform(['PATH'], lambda x: getenv(x))", "SELECT list_aggregate(['a'], 'getenv')",
            "SELECT apply(['PATH'], x -> getenv(x))",
            "SELECT sum(1) OVER (ORDER BY getenv('PATH'))", "SELECT finalize('abc'::BLOB)", "SELECT combine('a', 'b')",
            "SELECT sum(1) EXPORT_STATE",
            "SELECT __internal_decompress_string(1)", "SELECT variant_bytes_to_variant('x'::BLOB)",
            "SELECT filename FROM fct_orders", "SELECT f.FileName FROM fct_orders f",
            "SELECT \"filename\" FROM stg_orders", "FROM fct_orders WHERE filename LIKE '/%'",
            "SELECT 1 FROM fct_orders f SEMI JOIN fct_orders g USING (filename)",
            "SELECT * FROM fct_orders AT (VERSION => 1)", "SELECT * FROM leaks_file", "SELECT * FROM leaks_scan",
            "SELECT * FROM leaks_databases", "SELECT * FROM MARTS.leaks_keys",
            "SELECT * FROM leaks_below", "SELECT * FROM leaks_hidden", "SELECT * FROM leaks_setting",
            "SELECT count(*) FROM (SELECT 1 FROM leaks_below)",
            "FROM \"fct_orders\u{0301}\"", "FROM \"MAR\u{212A}S\".fct_orders", "FROM \"pg_class\u{200B}\"",
            "FROM ｄｕｃｋｄｂ_databases()",
            "SELECT\u{00A0}*\u{00A0}FROM\u{00A0}duckdb_databases()", "SELECT * FROM/**/duckdb_databases/**/()",
            "FROM U&\"duckdb\\005Fdatabases\"()",
            "FROM duckdb_databases() WHERE database_name = $$x$$", "SELECT E'\\x27' FROM duckdb_secrets()",
        ])
    func insides(_ sql: String) async throws {
        try await expectStopped(sql)
    }

    @Test("a macro in the lake does not get a query past the list of functions")
    func macros() async throws {
        let lake = try await Lake.shared.value
        try? await lake.writer.execute("CREATE MACRO lake.MARTS.ucase(x) AS getenv(x)")
        try? await lake.writer.execute("CREATE MACRO lake.MARTS.repeat_row(x) AS TABLE FROM duckdb_databases()")
        let scalar = try? await lake.query("SELECT ucase('path')")
        let table = try? await lake.query("FROM repeat_row(1)")
        try? await lake.writer.execute("DROP MACRO lake.MARTS.ucase")
        try? await lake.writer.execute("DROP MACRO TABLE lake.MARTS.repeat_row")
        #expect(scalar == nil || scalar?.rows == [[.text("PATH")]])
        #expect(table == nil)
    }

    @Test("the reason names what was found")
    func reasons() async throws {
        let lake = try await Lake.shared.value
        for (sql, words) in [
            ("  insert into t values (1)", "Only SELECT is allowed here; this is an INSERT."),
            ("COPY t TO 'x'", "this is a COPY."),
            ("SELECT 1; SELECT 2; SELECT 3", "these are 3"), ("SELECT getenv('x')", "getenv"),
            ("FROM leaks_below", "leaks_databases"),
            ("FROM '/etc/passwd'", "Files cannot be read here"),
        ] {
            let problem = try #require(try await lake.problem(sql))
            #expect(problem.code == .queryRefused)
            #expect(problem.detail.contains(words), "\(problem.detail)")
        }
    }

    @Test("texts made to overflow the parser or the guard are refused in time")
    func bombs() async throws {
        let parentheses = "SELECT \(String(repeating: "(", count: 10_000))1\(String(repeating: ")", count: 10_000))"
        let texts = [
            parentheses, "SELECT \(String(repeating: "(SELECT ", count: 2000))1\(String(repeating: ")", count: 2000))",
            "SELECT 1\(String(repeating: " + 1", count: 20_000))",
            "SELECT \(String(repeating: "NOT ", count: 20_000))true",
            "SELECT \(String(repeating: "- ", count: 40_000))1", "SELECT \(String(repeating: "[", count: 20_000))",
            "SELECT 1\(String(repeating: "::INT", count: 15_000))",
            "SELECT NULL::INT\(String(repeating: "[]", count: 20_000))",
            "SELECT '\(String(repeating: "x", count: 5_000_000))'",
            "FROM \(String(repeating: "(FROM ", count: 5000))range(1)\(String(repeating: ")", count: 5000))",
            "SELECT \u{0}1",
            "SELECT 1 FROM range(2) \(String(repeating: "JOIN range(2) USING (range) ", count: 3000))",
            "SELECT \(String(repeating: "CASE WHEN true THEN ", count: 4000))1\(String(repeating: " END", count: 4000))",
        ]
        let lake = try await Lake.shared.value
        for text in texts {
            let problem = try #require(try await lake.problem(text), "\(text.prefix(60))")
            #expect([.queryRefused, .queryFailed].contains(problem.code), "\(text.prefix(60)): \(problem)")
            #expect(problem.detail.count < 700)
        }
        #expect(try await lake.query("SELECT 42").rows == [[.integer(42)]])
    }

    private func expectStopped(_ sql: String) async throws {
        let lake = try await Lake.shared.value
        let problem = try #require(try await lake.problem(sql), "It ran: \(sql)")
        #expect([.queryRefused, .queryFailed].contains(problem.code), "\(sql): \(problem)")
        #expect(!problem.description.contains("serving-secret") && !problem.detail.contains("\n"), "\(problem)")
        for format in [EngineFormat.csv, .parquet] {
            await #expect(throws: Problem.self, "\(sql)") { try await lake.export(sql, format) }
        }
    }
}

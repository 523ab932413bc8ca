import DuckDB
import Foundation
import Kernel
import Serving
import Warehousing

/// A small lake in the PostgreSQL at WEIR_TEST_POSTGRES, made once per run, and a query engine over it in this process.
struct Lake: Sendable {
    static let shared = Task { try await Lake() }

    let folder: String
    let writer: DuckConnection
    let target: ReadingTarget
    let client: EngineClient
    let duckDB: DuckEnvironment
    /// The connection string of the catalogue's own role.
    let connection: String

    private init() async throws {
        folder = "\(NSTemporaryDirectory())weir-serving-\(getpid())"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: "\(folder)/data", withIntermediateDirectories: true)
        duckDB = try Lake.environment()
        connection = try await Lake.makeCatalogue(duckDB)
        let database = try await duckDB.open(memory: "256MB", threads: 1)
        writer = try database.connect()
        try await writer.execute(
            """
            ATTACH \(DuckSQL.literal("ducklake:postgres:\(connection)")) AS lake
                (METADATA_SCHEMA 'weir_serving_tests', DATA_PATH '\(folder)/data/', ENCRYPTED, DATA_INLINING_ROW_LIMIT 0)
            """)
        for statement in Lake.contents(folder) { try await writer.execute(statement) }
        target = ReadingTarget(
            attach: [
                Secret(
                    """
                    ATTACH \(DuckSQL.literal("ducklake:postgres:\(connection)")) AS lake
                        (METADATA_SCHEMA 'weir_serving_tests', READ_ONLY)
                    """)
            ], folders: ["\(folder)/data"], database: "lake")
        client = try await Lake.startEngine(folder, duckDB)
    }

    static func environment() throws -> DuckEnvironment {
        let environment = ProcessInfo.processInfo.environment
        let repository = URL(fileURLWithPath: #filePath).appending(path: "../../..").standardized.path
        let home = environment["WEIR_PYTHON_HOME"] ?? "\(repository)/.venv"
        let library = try DuckDBLibrary(at: .find(override: environment["WEIR_DUCKDB_LIBRARY"], pythonHome: home))
        return DuckEnvironment(library: library, extensionFolder: "\(home)/duckdb_extensions")
    }

    private static func makeCatalogue(_ duckDB: DuckEnvironment) async throws -> String {
        guard let text = ProcessInfo.processInfo.environment["WEIR_TEST_POSTGRES"], let url = URL(string: text),
            let host = url.host()
        else { throw Problem(.missingDependency, "WEIR_TEST_POSTGRES names no PostgreSQL.") }
        let administrator = try await duckDB.open(memory: "64MB", threads: 1).connect()
        let commands = """
            DROP SCHEMA IF EXISTS weir_serving_tests CASCADE;
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'weir_serving_tests') THEN
                    CREATE ROLE weir_serving_tests LOGIN PASSWORD 'serving-secret';
                END IF;
            END $$;
            CREATE SCHEMA weir_serving_tests AUTHORIZATION weir_serving_tests
            """
        try await administrator.execute("ATTACH \(DuckSQL.literal(text)) AS pg (TYPE postgres)")
        try await administrator.execute("CALL postgres_execute('pg', \(DuckSQL.literal(commands)))")
        let database = url.path().dropFirst()
        return
            "host=\(host) port=\(url.port ?? 5432) dbname=\(database) user=weir_serving_tests password=serving-secret"
    }

    private static func contents(_ folder: String) -> [String] {
        let secret = "\(folder)/secret.csv"
        _ = FileManager.default.createFile(atPath: secret, contents: Data("word\nswordfish\n".utf8))
        return [
            "CREATE SCHEMA lake.RAW", "CREATE SCHEMA lake.STAGING", "CREATE SCHEMA lake.INTERMEDIATE",
            "CREATE SCHEMA lake.MARTS", "CREATE SCHEMA lake.private",
            """
            CREATE TABLE lake.RAW.shop__orders AS SELECT i AS id, (i * 1.25)::DECIMAL(12, 2) AS total, 'c' || (i % 7) AS customer
            FROM range(1000) t(i)
            """,
            "CREATE VIEW lake.STAGING.stg_orders AS SELECT * FROM lake.RAW.shop__orders",
            "CREATE VIEW lake.INTERMEDIATE.int_orders AS WITH o AS (SELECT * FROM lake.STAGING.stg_orders) SELECT * FROM o",
            "CREATE TABLE lake.MARTS.fct_orders AS SELECT * FROM lake.INTERMEDIATE.int_orders",
            "CREATE TABLE lake.RAW.fct_orders AS SELECT 'the RAW one' AS which",
            #"CREATE VIEW lake.MARTS."daily ""A"" AS ("("AS x", n) AS SELECT customer, count(*) FROM lake.MARTS.fct_orders GROUP BY 1"#,
            "CREATE TABLE lake.MARTS.\"x.csv\" AS SELECT 1 AS one",
            "CREATE TABLE lake.private.hidden AS SELECT 1 AS one",
            "CREATE TABLE lake.RAW.big AS SELECT i, md5(i::VARCHAR) AS h, i % 100 AS g FROM range(400000) t(i)",
            "CREATE VIEW lake.MARTS.leaks_file AS SELECT * FROM read_csv('\(secret)')",
            "CREATE VIEW lake.MARTS.leaks_scan AS SELECT * FROM '\(secret)'",
            "CREATE VIEW lake.MARTS.leaks_databases AS SELECT * FROM duckdb_databases()",
            "CREATE VIEW lake.MARTS.leaks_keys AS SELECT * FROM __ducklake_metadata_lake.weir_serving_tests.ducklake_data_file",
            "CREATE VIEW lake.MARTS.leaks_below AS SELECT * FROM lake.MARTS.leaks_databases",
            "CREATE VIEW lake.MARTS.leaks_hidden AS SELECT * FROM lake.private.hidden",
            "CREATE VIEW lake.MARTS.leaks_setting AS SELECT current_setting('extension_directory') AS s",
        ]
    }

    private static func startEngine(_ folder: String, _ duckDB: DuckEnvironment) async throws -> EngineClient {
        var configuration = EngineConfiguration(
            socket: "\(folder)/engine.sock", folder: "\(folder)/engine", duckDB: duckDB)
        configuration.memory = 256
        let engine = try await QueryEngine(configuration, capsMemory: false, observe: { _ in }, exit: { _ in })
        Task { try await engine.run() }
        return EngineClient(socket: configuration.socket)
    }

    func request(
        _ sql: String, format: EngineFormat = .json, limit: Int = 10_000, deadline: Double = 30,
        warehouse: String = "test"
    ) -> EngineRequest {
        EngineRequest(
            warehouse: warehouse, target: target, sql: sql, format: format, limit: limit, deadline: deadline)
    }

    func query(_ sql: String) async throws -> EngineTable { try await client.query(request(sql)) }

    /// Why the engine does not run the SQL; nil if it does.
    func problem(_ sql: String, deadline: Double = 30) async throws -> Problem? {
        do {
            _ = try await client.query(request(sql, deadline: deadline))
            return nil
        } catch let problem as Problem {
            return problem
        }
    }

    func export(_ sql: String, _ format: EngineFormat) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in try await client.export(request(sql, format: format)) { bytes += piece }
        return bytes
    }
}

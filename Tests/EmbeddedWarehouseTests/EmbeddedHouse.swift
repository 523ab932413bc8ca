import Connecting
import DuckDB
import Foundation
import Kernel
import Postgres
import TestHouse
import Testing
import WarehouseConformance
import Warehousing

@testable import EmbeddedWarehouse

/// Embedded warehouses in a database and a folder of one test.
struct EmbeddedHouse: WarehouseUnderTest {
    let database: TestDatabase
    let folder: String
    private let pool: PGPool
    private let secrets = Secrets()
    private let readers = Readers()

    static func use(_ work: (EmbeddedHouse) async throws -> Void) async throws {
        try await TestFolder.use { folder in
            try await TestDatabase.use { database in
                try await database.script("REVOKE ALL ON SCHEMA public FROM PUBLIC")
                let house = EmbeddedHouse(database: database, folder: folder, pool: database.pool(limit: 2))
                let result = await Result(of: { try await work(house) })
                await house.pool.close()
                try await house.dropRoles()
                try result.get()
            }
        }
    }

    /// What a test that failed has left: roles belong to the whole server.
    private func dropRoles() async throws {
        let owned = try await database.query(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lake\\_%'")
        for row in owned {
            let name = SQL.quoted(try row.string("nspname"))
            try await database.script("DROP SCHEMA \(name) CASCADE; DROP OWNED BY \(name); DROP ROLE \(name)")
        }
    }

    var warehouse: EmbeddedWarehouse {
        var server = database.address.parameters
        server["user"] = nil
        return EmbeddedWarehouse(
            configuration: EmbeddedWarehouse.Configuration(
                server: server, root: "\(folder)/warehouse", extensionFolder: "unused",
                secret: { [secrets] name, organization, make in await secrets.get("\(organization)/\(name)", make) }),
            owner: pool, duckDB: { try await TestDuck.shared() })
    }

    func makeAdapter() -> any WarehouseAdapter { warehouse }

    func read(_ sql: String, in place: WarehousePlace) async throws -> [[String?]] {
        let target = try await warehouse.readingTarget(for: place)
        let reader = try await readers.connection(to: place) { connection in
            for statement in target.attach { try await connection.execute(statement.reveal()) }
        }
        return try await reader.rows(sql).map { row in row.values.map(\.string) }
    }

    func write(_ statements: [String], in place: WarehousePlace) async throws {
        let connection = try await TestDuck.environment().open(memory: "128MB", threads: 1).connect()
        try await connection.execute(try await warehouse.attach(place, as: "lake", readOnly: false).reveal())
        for statement in statements { try await connection.execute(statement) }
    }

    /// As dbt does, over a target that was made for its build.
    func write(_ statements: [String], in place: WarehousePlace, over target: ModelingTarget) async throws {
        let source = try #require(target.environment["WEIR_LAKE"]).reveal()
        let plain = "ducklake:postgres:\(try await warehouse.conninfo(of: place).reveal())"
        let attach = try await warehouse.attach(place, as: "lake", readOnly: false).reveal()
        let own = attach.replacing(DuckSQL.literal(plain), with: DuckSQL.literal(source))
        try #require(own != attach)
        let connection = try await TestDuck.environment().open(memory: "128MB", threads: 1).connect()
        try await connection.execute(own)
        for statement in statements { try await connection.execute(statement) }
    }

    func newestSnapshot(of place: WarehousePlace) async throws -> Int64 {
        let schema = SQL.identifier(warehouse.catalogue(of: place))
        return try await database.number("SELECT max(snapshot_id) FROM \(schema).ducklake_snapshot")
    }

    func read(table: String, at snapshot: Int64, in place: WarehousePlace) async throws -> [[String?]] {
        try await read("SELECT * FROM lake.RAW.\(table) AT (VERSION => \(snapshot)) ORDER BY 1", in: place)
    }

    func age(_ place: WarehousePlace, days: Int) async throws {
        let schema = SQL.identifier(warehouse.catalogue(of: place))
        try await database.query(
            """
            UPDATE \(schema).ducklake_snapshot
            SET snapshot_time = snapshot_time - make_interval(days => \(days)::int)
            """)
        try await database.query(
            """
            UPDATE \(schema).ducklake_files_scheduled_for_deletion
            SET schedule_start = schedule_start - make_interval(days => \(days)::int)
            """)
    }

    func files(of place: WarehousePlace) async throws -> Set<String> {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: warehouse.dataPath(of: place))) ?? []
        return Set(names.filter { $0.hasSuffix(".parquet") })
    }

    func remains(of place: WarehousePlace) async throws -> [String] {
        let name = warehouse.catalogue(of: place)
        let found = try await database.query(
            """
            SELECT 'role' AS what FROM pg_roles WHERE rolname = \(name)
            UNION ALL SELECT 'schema' FROM pg_namespace WHERE nspname = \(name)
            UNION ALL SELECT 'default privileges' FROM pg_default_acl WHERE defaclnamespace = 0
            """
        ).map { try $0.string("what") }
        let path = warehouse.dataPath(of: place)
        return found + (FileManager.default.fileExists(atPath: path) ? ["files"] : [])
    }

    /// One DuckDB instance per warehouse, as a query engine keeps it.
    private actor Readers {
        private var known: [WarehousePlace: DuckConnection] = [:]

        func connection(
            to place: WarehousePlace, attach: @Sendable (DuckConnection) async throws -> Void
        ) async throws -> DuckConnection {
            if let connection = known[place] { return connection }
            let connection = try await TestDuck.environment().open(memory: "128MB", threads: 1).connect()
            try await attach(connection)
            known[place] = connection
            return connection
        }
    }

    private actor Secrets {
        private var known: [String: Secret<[UInt8]>] = [:]

        func get(_ name: String, _ make: @Sendable () -> Secret<[UInt8]>) -> Secret<[UInt8]> {
            let value = known[name] ?? make()
            known[name] = value
            return value
        }
    }
}

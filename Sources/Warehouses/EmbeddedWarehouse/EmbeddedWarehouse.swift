package import DuckDB
import Foundation
package import Kernel
package import Postgres
package import Warehousing

/// The warehouse on this machine: a DuckLake catalogue in PostgreSQL and encrypted Parquet files in a folder.
///
/// DuckLake 1.0 (ducklake.select/docs/stable/specification). Each warehouse has a schema and a role of its own in
/// PostgreSQL, `lake_{organization}_{environment}`, and can reach nothing else there.
package struct EmbeddedWarehouse: WarehouseAdapter {
    package let provider = "ducklake"
    // dbt with more threads, or two builds at once, corrupts a DuckLake catalogue (docs/decisions/0004-embedded-lake.md).
    package let capabilities = WarehouseCapabilities(databaseName: "lake", concurrentBuilds: false, buildThreads: 1)

    let configuration: Configuration
    let owner: PGPool
    let duckDB: DuckOpener

    package struct Configuration: Sendable {
        /// Where PostgreSQL is, in libpq's parameters, without user and password.
        package var server: [String: String]
        /// Holds a folder per warehouse.
        package var root: String
        /// Where dbt finds DuckDB's extensions.
        package var extensionFolder: String
        /// Fetches a secret of an organization, making it if need be.
        package var secret:
            @Sendable (_ name: String, _ organization: OrganizationID, _ make: @Sendable () -> Secret<[UInt8]>)
                async throws -> Secret<[UInt8]>

        package init(
            server: [String: String], root: String, extensionFolder: String,
            secret:
                @escaping @Sendable (String, OrganizationID, @Sendable () -> Secret<[UInt8]>) async throws -> Secret<
                    [UInt8]
                >
        ) {
            self.server = server
            self.root = root
            self.extensionFolder = extensionFolder
            self.secret = secret
        }
    }

    /// - Parameters:
    ///   - owner: a role that may make roles and schemas; used for provisioning only.
    ///   - duckDB: called when it is needed; a process without DuckDB may throw here, and then can only ask for targets
    ///     and counts.
    package init(configuration: Configuration, owner: PGPool, duckDB: @escaping DuckOpener) {
        self.configuration = configuration
        self.owner = owner
        self.duckDB = duckDB
    }

    /// Closes the owner's connections, for whoever needed them once.
    package func closeOwner() async { await owner.close() }

    package func validate(_ place: WarehousePlace) throws {
        guard Slug.isValid(place.slug) else {
            throw Problem(
                .invalidInput, "\(place.slug) cannot name an organization.",
                hint: "Use a to z, digits and _, led by a letter, at most 40.")
        }
        guard WarehousePlace.environments.contains(place.environment) else {
            throw Problem(
                .invalidInput, "There is no environment \(place.environment).", hint: "Use dev, stage or prod.")
        }
    }

    package func lakeKey(of place: WarehousePlace) async throws -> Secret<[UInt8]> {
        try await configuration.secret("warehouse/\(place.environment)/lake-key", place.organization) {
            Secret(randomKey(16))
        }
    }

    /// The role's password.
    func password(of place: WarehousePlace) async throws -> Secret<String> {
        let bytes = try await configuration.secret(
            "warehouse/\(place.environment)/catalogue-password", place.organization
        ) {
            Secret(Array(randomKey(24).hexadecimal.utf8))
        }
        return Secret(String(decoding: bytes.reveal(), as: UTF8.self))
    }

    /// The catalogue's schema and role.
    func catalogue(of place: WarehousePlace) -> String { "lake_\(place.name)" }

    /// Where the tables' files are, with a slash at the end as DuckLake keeps it.
    func dataPath(of place: WarehousePlace) -> String { "\(configuration.root)/\(place.name)/" }

    /// A libpq connection string for the warehouse's own role.
    /// - Parameter options: more settings of the session, as `options` of libpq takes them.
    func conninfo(of place: WarehousePlace, _ options: String = "") async throws -> Secret<String> {
        var parameters = configuration.server
        parameters["user"] = catalogue(of: place)
        parameters["password"] = try await password(of: place).reveal()
        parameters["application_name"] = "weirhouse \(place.name)"
        // A worker that was stopped inside a commit must not keep later loads waiting.
        parameters["options"] = "-c idle_in_transaction_session_timeout=120s \(options)"
        return Conninfo.text(parameters)
    }

    /// `ATTACH …` of the catalogue.
    func attach(_ place: WarehousePlace, as alias: String, readOnly: Bool) async throws -> Secret<String> {
        let source = DuckSQL.literal("ducklake:postgres:\(try await conninfo(of: place).reveal())")
        let options = [
            "METADATA_SCHEMA '\(catalogue(of: place))'", "DATA_PATH \(DuckSQL.literal(dataPath(of: place)))",
            readOnly ? "READ_ONLY" : "ENCRYPTED, DATA_INLINING_ROW_LIMIT 0",
        ]
        return Secret("ATTACH \(source) AS \(alias) (\(options.joined(separator: ", ")))")
    }

    package func readingTarget(for place: WarehousePlace) async throws -> ReadingTarget {
        ReadingTarget(
            attach: [try await attach(place, as: capabilities.databaseName, readOnly: true)],
            folders: [dataPath(of: place)],
            database: capabilities.databaseName)
    }

    package func version(of place: WarehousePlace) async throws -> String? {
        do {
            let table = "\(SQL.quoted(catalogue(of: place))).ducklake_snapshot"
            let rows = try await owner.transaction(organization: nil) { connection in
                // Whoever writes models can put a view of that name there, which would run with our rights: it is held as
                // it is, and looked at before it is read.
                try await connection.script(
                    "SET LOCAL lock_timeout = '5s'; LOCK TABLE ONLY \(table) IN ACCESS SHARE MODE")
                guard try await isPlain(table, on: connection) else {
                    throw Problem(
                        .metadataUnavailable, "The catalogue of the warehouse \(place.name) was changed by hand.",
                        hint: "Its table ducklake_snapshot is not the one that DuckLake makes.")
                }
                // With its time: a warehouse that was removed and made again counts from the beginning.
                return try await connection.query(
                    SQL(
                        unsafe: """
                            SELECT snapshot_id || ' ' || snapshot_time AS version FROM ONLY \(table)
                            ORDER BY snapshot_id DESC LIMIT 1
                            """))
            }
            return try rows.first?.string("version")
        } catch let error as PGError where ["42P01", "3F000"].contains(error.state) {
            // There is no such table, and so no warehouse.
            return nil
        }
    }

    /// Whether reading it runs nothing of its owner's: a table, without rules and policies, of the system's own types.
    private func isPlain(_ table: String, on connection: PGConnection) async throws -> Bool {
        try await !connection.query(
            """
            SELECT FROM pg_class c WHERE c.oid = to_regclass(\(table)) AND c.relkind = 'r' AND NOT c.relrowsecurity
              AND NOT c.relhasrules AND (
                SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
                  AND (a.attname, a.atttypid)
                    IN (('snapshot_id', 'int8'::regtype), ('snapshot_time', 'timestamptz'::regtype))) = 2
            """
        ).isEmpty
    }

    package func rowCounts(of place: WarehousePlace) async throws -> [WarehouseTable: Int64] {
        let rows = try await withCatalogue(place) { connection in
            try await connection.query(
                """
                SELECT s.schema_name, t.table_name, sum(d.record_count) AS rows
                FROM ducklake_table t JOIN ducklake_schema s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL
                  LEFT JOIN ducklake_data_file d ON d.table_id = t.table_id AND d.end_snapshot IS NULL
                WHERE t.end_snapshot IS NULL
                  AND NOT EXISTS (SELECT FROM ducklake_delete_file x WHERE x.table_id = t.table_id AND x.end_snapshot IS NULL)
                GROUP BY 1, 2
                """)
        }
        return try Dictionary(
            rows.map { row in
                (
                    WarehouseTable(schema: try row.string("schema_name"), name: try row.string("table_name")),
                    try row.optionalInt("rows") ?? 0
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    package func modelingTarget(for place: WarehousePlace, fence: FencingToken) async throws -> ModelingTarget {
        try await withCatalogue(place) { try await BuildFence.raise(fence, on: $0) }
        let profile = """
            type: duckdb
            path: ":memory:"
            database: lake
            schema: STAGING
            threads: \(capabilities.buildThreads)
            extensions: [httpfs, postgres_scanner, ducklake]
            config_options:
              extension_directory: \(yaml(configuration.extensionFolder))
              autoinstall_known_extensions: "false"
              memory_limit: "{{ env_var('WEIR_DBT_MEMORY') }}"
              threads: "1"
              temp_file_encryption: "true"
              temp_directory: "{{ env_var('WEIR_DBT_TEMP') }}/spill"
            attach:
              - path: "{{ env_var('WEIR_LAKE') }}"
                alias: lake
                is_ducklake: true
                options:
                  metadata_schema: \(catalogue(of: place))
                  data_path: \(yaml(dataPath(of: place)))
                  encrypted: true
                  data_inlining_row_limit: 0
            """
        let conninfo = try await conninfo(of: place, BuildFence.option(fence)).reveal()
        return ModelingTarget(
            profile: profile, environment: ["WEIR_LAKE": Secret("ducklake:postgres:\(conninfo)")],
            database: capabilities.databaseName)
    }

    private func yaml(_ text: String) -> String {
        "\"\(text.replacingScalar("\\", with: "\\\\").replacingScalar("\"", with: "\\\""))\""
    }
}

func randomKey(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}

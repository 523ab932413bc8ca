import DuckDB
import Foundation
import Kernel
import Postgres
package import Warehousing

extension EmbeddedWarehouse {
    package func plan(_ place: WarehousePlace) async throws -> [ProvisioningStep] {
        let state = try await state(of: place)
        return Step.allCases.filter { !state.contains($0) }.map { step in
            ProvisioningStep(id: step.rawValue, description: step.description(for: catalogue(of: place)))
        }
    }

    package func perform(_ step: ProvisioningStep, for place: WarehousePlace) async throws {
        switch Step(rawValue: step.id) {
        case .role: try await makeRole(place)
        case .folder: try makeFolder(place)
        case .catalogue: try await makeCatalogue(place)
        case nil: throw Problem(.internal, "The embedded warehouse knows no step \(step.id).")
        }
    }

    package func status(of place: WarehousePlace) async throws -> WarehouseStatus {
        let missing = try await plan(place)
        return WarehouseStatus(
            exists: missing.isEmpty,
            detail: missing.isEmpty ? "ready" : "missing: \(missing.map(\.id).joined(separator: ", "))")
    }

    package func destroy(_ place: WarehousePlace) async throws {
        let name = SQL.identifier(catalogue(of: place))
        try await owner.withConnection { connection in
            let exists = try await connection.query("SELECT FROM pg_roles WHERE rolname = \(catalogue(of: place))")
            guard !exists.isEmpty else { return }
            try await connection.query("DROP SCHEMA IF EXISTS \(name) CASCADE")
            try await connection.query("DROP OWNED BY \(name)")
            try await connection.query("DROP ROLE \(name)")
        }
        try? FileManager.default.removeItem(atPath: dataPath(of: place))
    }

    private enum Step: String, CaseIterable {
        case role, folder, catalogue

        func description(for name: String) -> String {
            switch self {
            case .role: "Make the database role and schema \(name), which can reach nothing else."
            case .folder: "Make the folder of the warehouse's files."
            case .catalogue:
                "Make the DuckLake catalogue with the schemas RAW, STAGING, INTERMEDIATE and MARTS, encrypted."
            }
        }
    }

    /// What is done already.
    private func state(of place: WarehousePlace) async throws -> Set<Step> {
        var done: Set<Step> = []
        if FileManager.default.fileExists(atPath: dataPath(of: place)) { done.insert(.folder) }
        let name = catalogue(of: place)
        let hasSchema = try await owner.withConnection { connection in
            try await !connection.query("SELECT FROM pg_namespace WHERE nspname = \(name)").isEmpty
        }
        guard hasSchema else { return done }
        done.insert(.role)
        // `_weir_loads` is made last.
        let isComplete = try await owner.withConnection { connection in
            try await !connection.query(
                "SELECT FROM pg_tables WHERE schemaname = \(name) AND tablename = '_weir_loads'"
            ).isEmpty
        }
        if isComplete { done.insert(.catalogue) }
        return done
    }

    /// One transaction: the role, with its password, and its schema.
    private func makeRole(_ place: WarehousePlace) async throws {
        let name = catalogue(of: place)
        let identifier = SQL.quoted(name)
        let password = try await password(of: place)
        try await owner.transaction(organization: nil) { connection in
            let exists = try await !connection.query("SELECT FROM pg_roles WHERE rolname = \(name)").isEmpty
            let verifier = try await connection.verifier(of: password, for: name).reveal()
            // The words of CREATE that only a superuser may repeat are not repeated.
            let rights = exists ? "" : "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
            try await connection.query(
                SQL(
                    unsafe: """
                        \(exists ? "ALTER" : "CREATE") ROLE \(identifier) LOGIN PASSWORD '\(verifier)' \(rights)
                        CONNECTION LIMIT 40
                        """))
            // The owner must be a member to give the schema away; a superuser is one already.
            try await connection.query(SQL(unsafe: "GRANT \(identifier) TO CURRENT_USER"))
            try await connection.query(
                SQL(unsafe: "CREATE SCHEMA IF NOT EXISTS \(identifier) AUTHORIZATION \(identifier)"))
            try await connection.query(SQL(unsafe: "ALTER ROLE \(identifier) SET search_path = \(identifier)"))
        }
    }

    private func makeFolder(_ place: WarehousePlace) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: dataPath(of: place), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Problem(
                .diskFull, "The warehouse's folder cannot be made.", hint: "Check the disk's space and rights.",
                cause: error)
        }
    }

    /// DuckLake makes its tables at the first attach; the four schemas follow, then Weirhouse's own tables beside them.
    private func makeCatalogue(_ place: WarehousePlace) async throws {
        let connection = try await duckDB().connect()
        let lake = DuckAlias.unique("lake")
        try await connection.execute(try await attach(place, as: lake, readOnly: false).reveal())
        let schemas = await Result {
            for schema in WarehouseSchema.allCases {
                try await connection.execute("CREATE SCHEMA IF NOT EXISTS \(lake).\(schema.rawValue)")
            }
        }
        _ = try? await connection.execute("DETACH \(lake)")
        try schemas.get()
        try await withCatalogue(place) { connection in
            try await connection.script(
                """
                BEGIN;
                \(Self.hiddenValues)
                CREATE TABLE IF NOT EXISTS _weir_fence (value bigint NOT NULL);
                INSERT INTO _weir_fence SELECT 0 WHERE NOT EXISTS (SELECT FROM _weir_fence);
                CREATE TABLE IF NOT EXISTS _weir_loads (
                  load_id uuid PRIMARY KEY, run_id uuid NOT NULL, source text NOT NULL, table_name text NOT NULL,
                  rows bigint NOT NULL, position text NOT NULL, taken_at timestamptz NOT NULL,
                  snapshot_id bigint NOT NULL, committed_at timestamptz NOT NULL DEFAULT now());
                COMMIT;
                """)
        }
    }

    /// DuckLake keeps the smallest and largest value of each column in the catalogue, which is not encrypted: those of
    /// text and bytes, which may be a person's name, are left out. Readers then read one file more at worst.
    private static let hiddenValues = """
        CREATE OR REPLACE FUNCTION _weir_hide_values() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
          IF NOT EXISTS (
            SELECT FROM ducklake_column c
            WHERE c.table_id = new.table_id AND c.column_id = new.column_id AND c.end_snapshot IS NULL
              AND c.column_type ~ '^(u?int[0-9]|float|decimal|date|time|boolean|uuid)')
          THEN
            new.min_value := NULL;
            new.max_value := NULL;
          END IF;
          RETURN new;
        END $$;
        CREATE OR REPLACE TRIGGER _weir_hide_values BEFORE INSERT OR UPDATE ON ducklake_file_column_stats
          FOR EACH ROW EXECUTE FUNCTION _weir_hide_values();
        CREATE OR REPLACE TRIGGER _weir_hide_values BEFORE INSERT OR UPDATE ON ducklake_table_column_stats
          FOR EACH ROW EXECUTE FUNCTION _weir_hide_values();
        """

    /// A connection as the warehouse's own role.
    func withCatalogue<Value: Sendable>(
        _ place: WarehousePlace, _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await PGConnection.connect(try await conninfo(of: place))
        do {
            let value = try await work(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}

import Kernel
import Postgres
import TestHouse
import Testing

/// Every table of schema `weir` is found in the catalogue, so that a new one is held to the same rules.
@Suite("Tenancy in the database", .timeLimit(.minutes(10)))
struct TenancyTests {
    private struct Table: Sendable {
        let name: String
        let forced: Bool
        let policies: Int64

        var identifier: SQL { SQL(unsafe: "weir.\(SQL.quoted(name))") }
    }

    private func tenantTables(of database: TestDatabase) async throws -> [Table] {
        try await database.query(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,
              (SELECT count(*) FROM pg_policy p
                WHERE p.polrelid = c.oid AND 'weir_app'::regrole = ANY (p.polroles)) AS policies
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
            WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped ORDER BY 1
            """
        ).map { row in
            Table(name: try row.string("relname"), forced: try row.bool("forced"), policies: try row.int("policies"))
        }
    }

    /// One row of an organization in each table, whatever its columns: checks and foreign keys are put aside.
    private func fill(_ tables: [Table], for organization: OrganizationID, in database: TestDatabase) async throws {
        try await database.script(
            """
            DO $$ DECLARE c record; BEGIN
              FOR c IN SELECT conrelid::regclass AS relation, conname FROM pg_constraint
                WHERE contype = 'c' AND connamespace = 'weir'::regnamespace
              LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.relation, c.conname); END LOOP;
            END $$
            """)
        let connection = try await database.connect()
        try await connection.script("SET session_replication_role = replica")
        for table in tables {
            let columns = try await connection.query(
                """
                SELECT quote_ident(attname) AS name,
                  CASE WHEN attname = 'organization_id' THEN quote_literal(\(organization)::text)
                  ELSE CASE format_type(atttypid, NULL) WHEN 'uuid' THEN 'gen_random_uuid()' WHEN 'jsonb' THEN '''{}'''
                    WHEN 'timestamp with time zone' THEN 'now()' WHEN 'boolean' THEN 'false'
                    WHEN 'text[]' THEN '''{}''' WHEN 'bytea' THEN '''\\x00''' WHEN 'interval' THEN '''1 hour''' WHEN 'inet' THEN '''127.0.0.1'''
                    WHEN 'text' THEN quote_literal(gen_random_uuid()) ELSE '1' END END AS value
                FROM pg_attribute WHERE attrelid = ('weir.' || quote_ident(\(table.name)))::regclass AND attnum > 0
                  AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
                """)
            let names = try columns.map { try $0.string("name") }.joined(separator: ", ")
            let values = try columns.map { try $0.string("value") }.joined(separator: ", ")
            try await connection.query(
                "INSERT INTO \(table.identifier) (\(SQL(unsafe: names))) VALUES (\(SQL(unsafe: values)))")
        }
        await connection.close()
    }

    private func count(_ table: Table, of organization: OrganizationID?, as pool: PGPool) async throws -> Int64? {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT count(*) AS n FROM \(table.identifier)").first?.int("n")
        }
    }

    @Test("covers every table that holds anybody's data")
    func covers() async throws {
        try await MetadataDatabase.use { metadata in
            let tenants = try await tenantTables(of: metadata.database).map(\.name)
            let all = try await metadata.database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'weir'").map
            {
                try $0.string("tablename")
            }
            // Which migrations ran, which transitions there are, which workers live, where lanes begin, sums over all, people and how they sign in: nobody's data.
            let nobodys: Set<String> = [
                "migrations", "job_transitions", "workers", "metric_totals", "metric_marks",
                "watched_runs", "idle_workers", "lane_fronts", "people",
                "identities", "sign_ins", "logout_tokens",
            ]
            #expect(Set(all).subtracting(tenants) == nobodys)
            #expect(tenants.count >= 15)
        }
    }

    @Test("is forced on every table, and the application sees its own organization's rows and no others")
    func isolation() async throws {
        try await MetadataDatabase.use { metadata in
            let database = metadata.database
            let tables = try await tenantTables(of: database)
            let mine = TimeSource.system.makeID(OrganizationTag.self)
            let other = TimeSource.system.makeID(OrganizationTag.self)
            try await fill(tables, for: mine, in: database)
            for table in tables {
                #expect(table.forced, "\(table.name)")
                #expect(table.policies == 1, "\(table.name)")
                #expect(try await count(table, of: mine, as: metadata.application) == 1, "\(table.name)")
                #expect(try await count(table, of: other, as: metadata.application) == 0, "\(table.name)")
                #expect(try await count(table, of: nil, as: metadata.application) == 0, "\(table.name)")
                #expect(try await database.number("SELECT count(*) FROM \(table.identifier)") == 1)
            }
        }
    }

    @Test("keeps the application from changing or removing another organization's rows, and from making them")
    func writes() async throws {
        try await MetadataDatabase.use { metadata in
            let database = metadata.database
            let tables = try await tenantTables(of: database)
            let mine = TimeSource.system.makeID(OrganizationTag.self)
            let other = TimeSource.system.makeID(OrganizationTag.self)
            try await fill(tables, for: mine, in: database)
            for table in tables {
                let statements: [SQL] = [
                    "UPDATE \(table.identifier) SET organization_id = \(other) RETURNING 1",
                    "DELETE FROM \(table.identifier) RETURNING 1",
                ]
                for statement in statements {
                    do {
                        let touched = try await metadata.application.transaction(organization: other) {
                            try await $0.query(statement)
                        }
                        #expect(touched.isEmpty, "\(table.name)")
                    } catch let error as PGError {
                        // Not allowed to do that to this table at all.
                        #expect(error.state == "42501", "\(table.name)")
                    }
                }
            }
            let refused = await #expect(throws: PGError.self) {
                try await metadata.application.transaction(organization: other) {
                    try await $0.query(
                        "INSERT INTO weir.organizations (organization_id, slug, name) VALUES (\(mine), 'x', 'x')")
                }
            }
            #expect(refused?.state == "42501")
        }
    }

    @Test("cannot be stepped round by the roles that use it")
    func roles() async throws {
        try await MetadataDatabase.use { metadata in
            let roles = try await metadata.database.query(
                """
                SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS powerful, rolcanlogin,
                  EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) AS owns
                FROM pg_roles r WHERE rolname IN ('weir_app', 'weir_dispatch') ORDER BY rolname
                """)
            #expect(try roles.map { try $0.bool("powerful") } == [false, false])
            #expect(try roles.map { try $0.bool("owns") } == [false, false])
            #expect(try roles.map { try $0.bool("rolcanlogin") } == [true, false])
            #expect(
                try await !metadata.database.query("SELECT pg_has_role('weir_app', 'weir_dispatch', 'MEMBER') AS m")[0]
                    .bool("m"))
        }
    }
}

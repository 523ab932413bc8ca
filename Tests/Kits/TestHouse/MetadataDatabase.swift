import Foundation
package import Kernel
package import Postgres

/// A metadata database as `weir` makes it: roles, all real migrations, reached as the application's role.
package struct MetadataDatabase: Sendable {
    package let database: TestDatabase
    /// As `weir_app`, which row-level security binds.
    package let application: PGPool

    /// `Sources/Weirhouse/Migrations`.
    package static let migrations = URL(fileURLWithPath: #filePath)
        .appending(path: "../../../../Sources/Weirhouse/Migrations").standardized.path

    /// Makes one, hands it to `work` and drops it.
    /// - Parameter connections: how many the application's pool may open.
    package static func use<Value: Sendable>(
        connections: Int = 8, _ work: (MetadataDatabase) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.use { database in
            try await makeRoles(in: database)
            let owner = try await database.connect()
            try await Migrator(folder: migrations).migrate(owner)
            await owner.close()
            let pool = database.pool(limit: connections, role: "weir_app")
            let result = await Result { try await work(MetadataDatabase(database: database, application: pool)) }
            await pool.close()
            return try result.get()
        }
    }

    /// The two roles belong to the whole server; another test may make them at this moment.
    private static func makeRoles(in database: TestDatabase) async throws {
        try await database.script(
            """
            DO $$ BEGIN CREATE ROLE weir_app LOGIN NOBYPASSRLS;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            DO $$ BEGIN CREATE ROLE weir_dispatch NOLOGIN NOBYPASSRLS;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
            """)
    }

    /// An organization, made by the superuser.
    package func addOrganization(_ slug: String) async throws -> OrganizationID {
        let id = TimeSource.system.makeID(OrganizationTag.self)
        try await database.query(
            "INSERT INTO weir.organizations (organization_id, slug, name) VALUES (\(id), \(slug), \(slug))")
        return id
    }
}

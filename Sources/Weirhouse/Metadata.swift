import Foundation
import Kernel
import Postgres

/// How the metadata database is reached, and by whom.
struct Metadata: Sendable {
    /// libpq's parameters without user and password.
    let server: [String: String]
    let owner: Secret<String>
    let application: Secret<String>

    static let applicationRole = "weir_app"

    /// The private cluster's, or that of `DATABASE_URL`.
    /// - Throws: `invalidInput` for an unusable `DATABASE_URL`.
    static func of(_ settings: Settings, folder: DataFolder) throws -> Metadata {
        let applicationPassword = try folder.secretText("postgres.app.password")
        if let url = settings.databaseURL {
            let address = try ConnectionAddress(url.reveal(), isOperators: true)
            var server = address.parameters
            let user = server.removeValue(forKey: "user") ?? "postgres"
            return Metadata(
                server: server, owner: conninfo(server, user: user, password: address.password),
                application: conninfo(server, user: applicationRole, password: applicationPassword))
        }
        let server = ["host": folder.postgres, "port": "5432", "dbname": PrivateCluster.database]
        return Metadata(
            server: server,
            owner: conninfo(
                server, user: PrivateCluster.owner, password: try folder.secretText("postgres.owner.password")),
            application: conninfo(server, user: applicationRole, password: applicationPassword))
    }

    static func conninfo(_ server: [String: String], user: String, password: Secret<String>?) -> Secret<String> {
        var all = server
        all["user"] = user
        all["password"] = password?.reveal() ?? ""
        all["connect_timeout"] = "10"
        all["application_name"] = "weirhouse"
        // A worker that was stopped or cut off inside a transaction must not hold its rows longer than its lease.
        all["options"] =
            "-c idle_in_transaction_session_timeout=15s -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5"
        all["tcp_user_timeout"] = "15000"
        return Conninfo.text(all)
    }

    /// Makes the two roles and brings the database to the newest form.
    /// - Throws: `dataFolderNewer`, `metadataUnavailable`.
    func migrate(applicationPassword: Secret<String>) async throws {
        do {
            let connection = try await PGConnection.connect(owner)
            defer { Task { await connection.close() } }
            try await makeRoles(on: connection, applicationPassword: applicationPassword)
            try await Migrator(folder: try Self.migrationsFolder()).migrate(connection)
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }

    /// The number of the newest migration that this program comes with.
    static func newestMigration() throws -> Int { try Migrator(folder: try migrationsFolder()).newest }

    private func makeRoles(on connection: PGConnection, applicationPassword: Secret<String>) async throws {
        let password = try await connection.verifier(of: applicationPassword, for: Self.applicationRole).reveal()
        for (role, options) in [
            (Self.applicationRole, "LOGIN PASSWORD '\(password)' NOBYPASSRLS"),
            ("weir_dispatch", "NOLOGIN NOBYPASSRLS"),
        ] {
            let exists = try await !connection.query("SELECT FROM pg_roles WHERE rolname = \(role)").isEmpty
            guard !exists else { continue }
            try await connection.script("CREATE ROLE \(role) \(options)")
            try await connection.script("GRANT \(role) TO CURRENT_USER")
        }
        try await refuseForeignRole()
        // Roles of warehouses reach their own schema only.
        try await connection.script("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    }

    /// Roles belong to the whole server: one that does not take this folder's password is another Weirhouse's.
    private func refuseForeignRole() async throws {
        do {
            await (try PGConnection.connect(application)).close()
        } catch let error as PGError where error.message.contains("authentication failed") {
            throw Problem(
                .conflict,
                "The role \(Self.applicationRole) of this PostgreSQL belongs to another Weirhouse's data folder.",
                hint: "Use that folder, or a PostgreSQL server of its own.", cause: error)
        }
    }

    private static func migrationsFolder() throws -> String {
        guard let folder = Bundle.module.path(forResource: "Migrations", ofType: nil) else {
            throw Problem(
                .missingDependency, "The migrations that belong to weir are not beside it.",
                hint: "Build it anew: make build.")
        }
        return folder
    }
}

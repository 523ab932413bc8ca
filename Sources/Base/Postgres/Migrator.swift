import Foundation
import Kernel

/// Brings a database to the newest form: numbered `.sql` files, each run once, in order, in its own transaction. Files of
/// one number are one migration, in the order of their names.
package struct Migrator: Sendable {
    package struct Migration: Sendable {
        package let number: Int
        package let name: String
        package let sql: String
    }

    private let migrations: [Migration]

    /// Finds `NNNN-name.sql` in a folder.
    /// - Throws: `internal` if the folder cannot be read or holds none.
    package init(folder: String) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".sql") }.sorted()
        var found: [Migration] = []
        for name in names {
            guard let number = Int(name.prefix(4)) else {
                throw Problem(.internal, "The migration \(name) has no number.")
            }
            let sql = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            if let first = found.last, first.number == number {
                found.removeLast()
                found.append(Migration(number: number, name: first.name, sql: "\(first.sql)\n\(sql)"))
            } else {
                found.append(Migration(number: number, name: name, sql: sql))
            }
        }
        migrations = found
        guard !migrations.isEmpty else { throw Problem(.internal, "There are no migrations in \(folder).") }
    }

    /// The highest number that this program knows.
    package var newest: Int { migrations.map(\.number).max() ?? 0 }

    /// Runs what has not run yet; a second process waits for the first.
    /// - Throws: `dataFolderNewer` if the database knows a migration that this program does not.
    package func migrate(_ connection: PGConnection) async throws {
        // 0x77656972 is "weir"; held until the session ends or lets go below.
        try await connection.script("SELECT pg_advisory_lock(2003134834)")
        do {
            try await runMissing(connection)
            try await connection.script("SELECT pg_advisory_unlock(2003134834)")
        } catch {
            _ = try? await connection.script("SELECT pg_advisory_unlock(2003134834)")
            throw error
        }
    }

    private func runMissing(_ connection: PGConnection) async throws {
        // Under the lock: IF NOT EXISTS alone does not keep two sessions from making the same thing at once.
        try await connection.script(
            """
            CREATE SCHEMA IF NOT EXISTS weir;
            CREATE TABLE IF NOT EXISTS weir.migrations (
              number int PRIMARY KEY, name text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now());
            """)
        let done = try await connection.query("SELECT number FROM weir.migrations").map { try Int($0.int("number")) }
        if let unknown = done.max(), unknown > newest {
            throw Problem(
                .dataFolderNewer, "The metadata database is at migration \(unknown); this weir knows \(newest).",
                hint: "Use the newer weir that last ran on it.")
        }
        for migration in migrations where !done.contains(migration.number) {
            try await connection.transaction(organization: nil) {
                try await connection.script(migration.sql)
                try await connection.query(
                    "INSERT INTO weir.migrations (number, name) VALUES (\(migration.number), \(migration.name))")
            }
        }
    }
}

import Connecting
import DuckDB
import Kernel
import Postgres

/// Keeps the tables of a snapshot as they are until it closes, as pg_dump does: an ACCESS SHARE lock, which only a change
/// of the table itself waits for (PostgreSQL documentation, 13.3.1).
///
/// Without it a table that is emptied or rewritten after the snapshot was taken shows no rows in it (13.6), and a change
/// that stands in line between two of our sessions would wait for the first while the second waits for the change.
struct SourceLocks: Sendable {
    /// One statement each; views and foreign tables cannot be locked, or only with rights that reading does not ask for.
    private let tables: [String]

    init(_ streams: [SourceStream]) {
        tables = streams.compactMap { stream in
            let name = "\(SQL.quoted(stream.name.schema)).\(SQL.quoted(stream.name.table))"
            return switch stream.kind {
            case .table: "ONLY \(name)"
            case .partitionedTable: name
            default: nil
            }
        }
    }

    private init(tables: [String]) { self.tables = tables }

    /// All in one statement; nil if there is nothing to lock.
    var statement: String? {
        tables.isEmpty ? nil : Self.lock(tables.joined(separator: ", "))
    }

    private static func lock(_ tables: String) -> String { "LOCK TABLE \(tables) IN ACCESS SHARE MODE" }

    /// In the transaction that will hold the snapshot, before it is taken. A table that cannot be locked, because it is
    /// gone by now, is granted by columns only, or somebody changes it for long, is left to be read without.
    /// - Returns: the locks that it got, which readers can take at once.
    func take(on holder: PGConnection) async throws -> SourceLocks {
        guard let statement else { return self }
        do {
            try await attempt(statement, on: holder)
            return self
        } catch let error as PGError where error.state != nil {
            var taken: [String] = []
            try await holder.script(Self.shortWait)
            for table in tables {
                do {
                    try await attempt(Self.lock(table), on: holder)
                    taken.append(table)
                } catch let error as PGError where error.state != nil {
                    continue
                }
            }
            return SourceLocks(tables: taken)
        }
    }

    /// Where a lock was not to be had, a read would wait for it as long again, and each of its sessions in turn.
    static let shortWait = "SET LOCAL lock_timeout = '2s'"

    private func attempt(_ statement: String, on holder: PGConnection) async throws {
        try await holder.script("SAVEPOINT locks")
        do {
            try await holder.script(statement)
            try await holder.script("RELEASE locks")
        } catch {
            // Released too: a snapshot cannot be exported from inside a savepoint.
            _ = try? await holder.script("ROLLBACK TO locks; RELEASE locks")
            throw error
        }
    }
}

/// A query at the source whose client is gone ends within seconds instead of going on to its end: from PostgreSQL 14 on,
/// where the server can notice it (PostgreSQL documentation, 20.3.2).
enum ClientWatch {
    static let setting = """
        SELECT set_config('client_connection_check_interval', '3000', false)
        FROM pg_settings WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%'
        """
}

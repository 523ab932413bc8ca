package import Connecting
package import DuckDB
import Kernel
package import Postgres

/// A PostgreSQL database as a source.
///
/// Reads go through DuckDB's `postgres_query`, which streams `COPY … TO STDOUT (FORMAT binary)`; every reader imports
/// the snapshot that one session exports (PostgreSQL documentation, 9.27.5 "Snapshot Synchronization Functions").
package struct PostgresSource: Source {
    let address: ConnectionAddress
    /// DuckDB is loaded only when data is read: a process that only checks and discovers needs none.
    let duckDB: DuckOpener

    package init(address: ConnectionAddress, duckDB: @escaping DuckOpener) {
        self.address = address
        self.duckDB = duckDB
    }

    /// The session's settings: text forms that do not depend on the server, no time-outs but for
    /// locks (somebody who changes a table may wait for us), and no row-level security
    /// that would leave out rows silently (with `off` such a read is an error).
    var conninfo: Secret<String> {
        address.conninfo(session: [
            "row_security": "off", "statement_timeout": "0", "lock_timeout": "20000",
            "idle_in_transaction_session_timeout": "0",
            "intervalstyle": "postgres", "datestyle": "ISO", "timezone": "UTC", "bytea_output": "hex",
            "extra_float_digits": "1",
        ])
    }

    package func check() async throws -> SourceIdentity {
        try await withConnection { connection in
            let rows = try await connection.query("SHOW server_version")
            let version = try rows.first?.string("server_version").split(separator: " ").first.map(String.init)
            return SourceIdentity(product: "PostgreSQL \(version ?? "?")", database: address.database)
        }
    }

    package func discover() async throws -> [DiscoveredStream] {
        try await withConnection { connection in try await Discovery(connection).streams() }
    }

    package func openSnapshot(of streams: [SourceStream], parallelism: Int) async throws -> any SourceSnapshot {
        let holder: PGConnection
        do {
            holder = try await PGConnection.connect(conninfo)
        } catch {
            throw SourceProblem.of(error, at: address)
        }
        do {
            return try await PostgresSnapshot.open(
                on: holder, source: self, locks: SourceLocks(streams), parallelism: parallelism)
        } catch {
            await holder.close()
            throw SourceProblem.of(error, at: address)
        }
    }

    private func withConnection<Value: Sendable>(
        _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        do {
            let connection = try await PGConnection.connect(conninfo)
            let result: Result<Value, any Error>
            do {
                result = .success(try await work(connection))
            } catch {
                result = .failure(error)
            }
            await connection.close()
            return try result.get()
        } catch {
            throw SourceProblem.of(error, at: address)
        }
    }
}

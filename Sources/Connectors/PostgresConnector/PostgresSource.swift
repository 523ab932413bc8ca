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

    /// Over a connection that reads into memory; the catalogue of a million columns has some 100 MB.
    static let mostBytes = 128 << 20

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
        let found = try await withConnection { connection in
            try await connection.script("BEGIN READ ONLY")
            try await connection.query(Self.catalogueFirst)
            let found = try await Discovery(connection).streams()
            try await connection.script("COMMIT")
            return found
        }
        var names: Set<StreamName> = []
        for stream in found where !names.insert(stream.stream.name).inserted {
            throw Problem(
                .dataInvalid, "The source's catalogue has \(stream.stream.name) twice.",
                hint: "Something there stands in the place of PostgreSQL's own catalogue.")
        }
        return found
    }

    package func openSnapshot(of streams: [SourceStream], parallelism: Int) async throws -> any SourceSnapshot {
        let holder: PGConnection
        do {
            holder = try await PGConnection.connect(conninfo, mostBytes: Self.mostBytes)
        } catch {
            throw SourceProblem.of(error, at: address)
        }
        do {
            return try await PostgresSnapshot.open(
                on: holder, source: self, of: streams, parallelism: parallelism)
        } catch {
            await holder.close()
            throw SourceProblem.of(error, at: address)
        }
    }

    /// For a transaction in which no schema of the source's can stand in the place of PostgreSQL's own catalogue, whatever
    /// `search_path` the role or the database sets. Types and tables are named as before. Not for the session: behind a
    /// pooler it is somebody else's afterwards.
    static let catalogueFirst: SQL = """
        SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog',
          nullif(pg_catalog.current_setting('search_path'), '')), true)
        """

    private func withConnection<Value: Sendable>(
        _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        do {
            let connection = try await PGConnection.connect(conninfo, mostBytes: Self.mostBytes)
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

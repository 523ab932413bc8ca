import Connecting
import DuckDB
import Foundation
import Kernel

/// DuckDB connections, each with a PostgreSQL session of its own in the imported snapshot.
actor ReaderPool {
    let count: Int
    private struct Reader: Sendable {
        let connection: DuckConnection
        /// The name that the source is attached under.
        let alias: String
    }

    private var idle: [Reader]
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private let snapshot: String
    /// Set when a reader could not come back: the snapshot or the server is gone.
    private var failure: (any Error)?

    private init(readers: [Reader], snapshot: String) {
        idle = readers
        self.snapshot = snapshot
        count = readers.count
    }

    static func open(
        on database: DuckDatabase, conninfo: Secret<String>, snapshot: String, count: Int
    ) async throws -> ReaderPool {
        var readers: [Reader] = []
        for _ in 0..<count {
            let reader = Reader(connection: try database.connect(), alias: DuckAlias.unique("source"))
            readers.append(reader)
            do {
                try await reader.connection.execute(
                    "ATTACH \(DuckSQL.literal(conninfo.reveal())) AS \(reader.alias) (TYPE postgres, READ_ONLY)")
                try await join(reader, snapshot)
            } catch {
                for reader in readers { await leave(reader) }
                throw error
            }
        }
        return ReaderPool(readers: readers, snapshot: snapshot)
    }

    private static func join(_ reader: Reader, _ snapshot: String) async throws {
        let join = DuckSQL.literal("SET TRANSACTION SNAPSHOT \(DuckSQL.literal(snapshot))")
        try await reader.connection.execute("BEGIN; CALL postgres_execute('\(reader.alias)', \(join))")
    }

    /// Runs a SELECT at the source and writes its rows to one encrypted Parquet file.
    func copy(_ select: String, columns: [String], to file: ParquetTarget) async throws -> CopyStatistics {
        let reader = try await take()
        let names = columns.map(DuckSQL.quoted)
        let fieldIDs = names.enumerated().map { "\($1): \($0 + 1)" }.joined(separator: ", ")
        let sql = """
            COPY (FROM postgres_query('\(reader.alias)', \(DuckSQL.literal(select))) AS t (\(names.joined(separator: ", "))))
            TO \(DuckSQL.literal(file.path)) (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880,
              FIELD_IDS {\(fieldIDs)}, RETURN_STATS true, ENCRYPTION_CONFIG {footer_key_value: from_base64('\(base64(file.key))')})
            """
        do {
            let statistics = try await reader.connection.perform { session in try session.copy(sql) }
            give(reader)
            return statistics
        } catch {
            await comeBack(reader)
            throw error
        }
    }

    /// A failed read ends the reader's transaction; it joins the snapshot anew, so that other streams can go on.
    private func comeBack(_ reader: Reader) async {
        let result = await Task { [snapshot] in
            try await reader.connection.execute("ROLLBACK")
            try await Self.join(reader, snapshot)
        }.result
        if case .failure(let error) = result { failure = error }
        give(reader)
    }

    /// Ends the transactions and the sessions. Call it when all reads have ended.
    func close() async {
        for reader in idle { await Self.leave(reader) }
        idle = []
    }

    private static func leave(_ reader: Reader) async {
        // Apart from the caller's task, which may be cancelled.
        await Task {
            _ = try? await reader.connection.execute("ROLLBACK")
            _ = try? await reader.connection.execute("DETACH \(reader.alias)")
        }.value
    }

    private func take() async throws -> Reader {
        while true {
            if let failure {
                // All who wait must hear of it.
                wakeNext()
                throw failure
            }
            if let reader = idle.popLast() { return reader }
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    private func give(_ reader: Reader) {
        idle.append(reader)
        wakeNext()
    }

    private func wakeNext() {
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }

    private func base64(_ key: Secret<[UInt8]>) -> String { Data(key.reveal()).base64EncodedString() }
}

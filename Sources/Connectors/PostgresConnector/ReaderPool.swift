import Connecting
import DuckDB
import Foundation
import Kernel
import Postgres

/// DuckDB connections, each with a PostgreSQL session of its own in the imported snapshot.
actor ReaderPool {
    let count: Int
    private struct Reader: Sendable {
        let connection: DuckConnection
        /// The name that the source is attached under.
        let alias: String
        /// Its session at the source.
        var backend: Int64 = 0
    }

    private var idle: [Reader]
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var wantedAlone = 0

    private let snapshot: String
    private let conninfo: Secret<String>
    /// Set when a reader could not come back: the snapshot or the server is gone.
    private var failure: (any Error)?

    private init(readers: [Reader], snapshot: String, conninfo: Secret<String>) {
        idle = readers
        self.snapshot = snapshot
        self.conninfo = conninfo
        count = readers.count
    }

    static func open(
        on database: DuckDatabase, conninfo: Secret<String>, snapshot: String, locks: SourceLocks, count: Int
    ) async throws -> ReaderPool {
        var readers: [Reader] = []
        for _ in 0..<count {
            var reader = Reader(connection: try database.connect(), alias: DuckAlias.unique("source"))
            readers.append(reader)
            do {
                try await reader.connection.execute(
                    "ATTACH \(DuckSQL.literal(conninfo.reveal())) AS \(reader.alias) (TYPE postgres, READ_ONLY)")
                try await join(reader, snapshot, locks)
                reader.backend = try await backend(of: reader)
                readers[readers.count - 1] = reader
            } catch {
                for reader in readers { await leave(reader) }
                throw error
            }
        }
        return ReaderPool(readers: readers, snapshot: snapshot, conninfo: conninfo)
    }

    /// Joins the snapshot and takes the same locks as its holder, so that no read waits for one later.
    private static func join(_ reader: Reader, _ snapshot: String, _ locks: SourceLocks) async throws {
        try await join(reader, snapshot)
        let result = await Task {
            try await call("DO $$ BEGIN PERFORM * FROM (\(ClientWatch.setting)) AS settings; END $$", on: reader)
            if let statement = locks.statement { try await call(statement, on: reader) }
            try await call(SourceLocks.shortWait, on: reader)
        }.result
        guard case .failure = result else { return }
        // One of the tables is gone or waited for: each read by itself will say.
        try await reader.connection.execute("ROLLBACK")
        try await join(reader, snapshot)
    }

    private static func join(_ reader: Reader, _ snapshot: String) async throws {
        try await reader.connection.execute("BEGIN")
        try await call("SET TRANSACTION SNAPSHOT \(DuckSQL.literal(snapshot))", on: reader)
    }

    private static func call(_ statement: String, on reader: Reader) async throws {
        try await reader.connection.execute(
            "CALL postgres_execute('\(reader.alias)', \(DuckSQL.literal(statement)))")
    }

    private static func backend(of reader: Reader) async throws -> Int64 {
        let rows = try await reader.connection.rows(
            "FROM postgres_query('\(reader.alias)', 'SELECT pg_backend_pid()::bigint AS pid')")
        return rows.first?[0].int ?? 0
    }

    /// How a part is written.
    struct Writing {
        /// Row groups end after so many rows or bytes, so that wide rows need no more memory than others. (DuckDB counts
        /// bytes only while it need not preserve the order of rows, and takes a fifth longer then.)
        var groupRows: Int
        var groupBytes: Int?
        /// While no other reader reads.
        var isAlone = false

        static let narrow = Writing(groupRows: 122_880)
        static let wide = Writing(groupRows: 122_880, groupBytes: 32 << 20)
        static let widest = Writing(groupRows: 2048, groupBytes: 16 << 20, isAlone: true)

        fileprivate var options: String {
            "ROW_GROUP_SIZE \(groupRows)" + (groupBytes.map { ", ROW_GROUP_SIZE_BYTES \($0)" } ?? "")
        }
    }

    /// Runs a SELECT at the source and writes its rows to one encrypted Parquet file.
    func copy(
        _ select: String, columns: [String], to file: ParquetTarget, as writing: Writing
    ) async throws -> CopyStatistics {
        let reader = try await take(alone: writing.isAlone)
        defer { if writing.isAlone { endBeingAlone() } }
        let usualMemory = writing.isAlone ? await setMemory(Self.memoryAlone, on: reader) : nil
        let names = columns.map(DuckSQL.quoted)
        let fieldIDs = names.enumerated().map { "\($1): \($0 + 1)" }.joined(separator: ", ")
        let sql = """
            COPY (FROM postgres_query('\(reader.alias)', \(DuckSQL.literal(select))) AS t (\(names.joined(separator: ", "))))
            TO \(DuckSQL.literal(file.path)) (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, \(writing.options),
              FIELD_IDS {\(fieldIDs)}, RETURN_STATS true, ENCRYPTION_CONFIG {footer_key_value: from_base64('\(base64(file.key))')})
            """
        do {
            let statistics = try await withTaskCancellationHandler {
                try await reader.connection.perform { session in try session.copy(sql) }
            } onCancel: {
                // DuckDB hears of an interrupt only when the next rows arrive, which may take the source long.
                Task { [conninfo] in await Self.cancelStatement(of: reader.backend, conninfo) }
            }
            if let usualMemory { _ = await setMemory(usualMemory, on: reader) }
            give(reader)
            return statistics
        } catch {
            await comeBack(reader)
            if let usualMemory { _ = await setMemory(usualMemory, on: reader) }
            throw Task.isCancelled ? CancellationError() : error
        }
    }

    /// DuckDB reads 2,048 rows at a time and holds them several times over: documents of a megabyte each need this much.
    /// It is more than a worker takes otherwise, for one read that could not be done without.
    private static let memoryAlone = "3GB"

    /// Sets DuckDB's limit; returns the one before.
    private func setMemory(_ limit: String, on reader: Reader) async -> String? {
        await Task {
            let before = try? await reader.connection.rows("SELECT current_setting('memory_limit')").first?[0].string
            _ = try? await reader.connection.execute("SET GLOBAL memory_limit = \(DuckSQL.literal(limit))")
            return before
        }.value
    }

    /// Ends what a session of ours does at the source, through another one (PostgreSQL documentation, 9.27.2).
    private static func cancelStatement(of backend: Int64, _ conninfo: Secret<String>) async {
        guard let connection = try? await PGConnection.connect(conninfo, mostBytes: PostgresSource.mostBytes)
        else { return }
        _ = try? await connection.query("SELECT pg_cancel_backend(\(backend)::int)")
        await connection.close()
    }

    /// A failed read ends the reader's transaction; it joins the snapshot anew, so that other streams can go on.
    private func comeBack(_ reader: Reader) async {
        let result = await Task { [snapshot] in
            try await reader.connection.execute("ROLLBACK")
            try await Self.join(reader, snapshot)
        }.result
        if case .failure = result {
            // Whatever DuckDB says of it: for those who wait the source is gone, which another attempt may mend.
            failure = PGError.connection(message: "server closed the connection, or ended the snapshot")
        }
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

    /// Waits for a reader; to be alone, for all of them, while nobody else gets one.
    private func take(alone: Bool) async throws -> Reader {
        if alone { wantedAlone += 1 }
        while true {
            if let failure {
                if alone { endBeingAlone() }
                throw failure
            }
            let mayGo = alone ? idle.count == count : wantedAlone == 0
            if mayGo, let reader = idle.popLast() { return reader }
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    private func endBeingAlone() {
        wantedAlone -= 1
        wakeAll()
    }

    private func give(_ reader: Reader) {
        idle.append(reader)
        wakeAll()
    }

    private func wakeAll() {
        let woken = waiting
        waiting = []
        for continuation in woken { continuation.resume() }
    }

    private func base64(_ key: Secret<[UInt8]>) -> String { Data(key.reveal()).base64EncodedString() }
}

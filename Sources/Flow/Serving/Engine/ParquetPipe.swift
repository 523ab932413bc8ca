import DuckDB
import Foundation
import Kernel

/// Streams a query as Parquet: DuckDB writes into a named pipe, so that no row ever lies on the disk in clear.
struct ParquetPipe {
    /// A folder that DuckDB may write to and nobody else can see.
    let folder: String

    /// - Throws: `DuckError`; `CancellationError` once nobody reads.
    func copy(_ sql: String, _ connection: DuckConnection, to channel: FrameChannel) async throws {
        let path = "\(folder)/\(UUID().uuidString).parquet"
        guard mkfifo(path, 0o600) == 0 else { throw failed("made") }
        defer { unlink(path) }
        // Opened for both, so that opening does not wait for the other side.
        let reading = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        // Held until DuckDB is done, so that the reader sees no end before.
        let holding = open(path, O_WRONLY | O_CLOEXEC)
        guard reading >= 0, holding >= 0 else {
            close(reading)
            close(holding)
            throw failed("opened")
        }
        _ = fcntl(reading, F_SETFL, 0)
        // `channel` has its columns frame last of all formats: here there is nothing to say in it.
        let writer = Task {
            defer { close(holding) }
            try await connection.execute(
                "COPY (\(try await embeddable(sql, connection))\n) TO \(DuckSQL.literal(path)) (FORMAT parquet, COMPRESSION zstd)"
            )
        }
        let readEverything = await pass(reading, to: channel)
        close(reading)
        if !readEverything {
            connection.interrupt()
            writer.cancel()
        }
        try await writer.value
        if !readEverything { throw CancellationError() }
    }

    /// The statement without what ends it, so that it can stand in parentheses.
    private func embeddable(_ sql: String, _ connection: DuckConnection) async throws -> String {
        var body = Substring(sql)
        while let last = body.last, last.isWhitespace || last == ";" { body.removeLast() }
        let plain = String(body)
        let fits = try await connection.perform { session in
            (try? session.statementCount("SELECT * FROM (\(plain)\n) AS q")) == 1
        }
        if fits { return plain }
        // A comment behind the last semicolon, say: DuckDB writes the statement anew.
        return try await connection.perform { session in
            let rows = try session.run("SELECT json_deserialize_sql(json_serialize_sql(\(DuckSQL.literal(sql))))")
                .collect()
            return rows.first?[0].string ?? plain
        }
    }

    /// Passes what comes out of the pipe on until all writers have closed it.
    /// - Returns: false if nobody reads any more.
    private func pass(_ descriptor: Int32, to channel: FrameChannel) async -> Bool {
        let queue = DispatchQueue(label: "weirhouse.parquet")
        while true {
            let piece: [UInt8] = await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: ParquetPipe.read(descriptor)) }
            }
            if piece.isEmpty { return true }
            guard await channel.send(.bytes(piece)) else { return false }
        }
    }

    private static func read(_ descriptor: Int32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
            repeat {
                count = max(-1, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            } while count < 0 && errno == EINTR
            count = max(0, count)
        }
    }

    private func failed(_ what: String) -> Problem {
        Problem(.internal, "The pipe for Parquet could not be \(what) (\(String(cString: strerror(errno)))).")
    }
}

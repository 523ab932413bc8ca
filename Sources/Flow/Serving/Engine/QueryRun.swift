import DuckDB
import Foundation
import Kernel

/// One query from its text to its frames.
struct QueryRun: Sendable {
    let request: EngineRequest
    let warehouses: OpenWarehouses
    let guarding: SQLGuard
    let channel: FrameChannel
    let watch: QueryWatch
    /// As it stands in messages, `512 MB`.
    let memory: String

    /// Bytes of a frame, about.
    private static let frameSize = 128 << 10
    /// Most bytes of all rows of a `json` answer: the server holds it in memory.
    private static let largestAnswer = 64 << 20

    private static let tooLarge = Problem(
        .queryTooLarge, "The answer is larger than 64 MB.",
        hint: "Read fewer rows or columns, or ask for CSV or Parquet.")

    /// - Throws: `Problem`, `CancellationError`.
    func perform() async throws {
        let start = ContinuousClock.now
        let warehouse = try await warehouses.open(request)
        do {
            try watch.check()
            let connection = try await warehouse.begin()
            watch.follow(connection)
            defer { watch.follow(nil) }
            try await answer(connection, try await approved(warehouse, connection), since: start)
        } catch {
            await warehouses.release(request.warehouse)
            throw watch.problem ?? error
        }
        await warehouses.release(request.warehouse)
    }

    private func approved(_ warehouse: OpenWarehouse, _ connection: DuckConnection) async throws -> SQLGuard.Approved {
        let catalogue = try await warehouse.catalogue(in: connection)
        let approved = try await guarding.approve(request.sql, catalogue: catalogue)
        try watch.check()
        if approved.sql == request.sql {
            try await connection.perform { try PlanCheck.check(approved.sql, in: $0) }
        }
        try watch.check()
        return approved
    }

    private func answer(
        _ connection: DuckConnection, _ approved: SQLGuard.Approved, since start: ContinuousClock.Instant
    ) async throws {
        var truncated = false
        switch request.format {
        case .json: truncated = try await sendRows(connection, approved.sql)
        case .csv: try await sendCSV(connection, approved.sql)
        case .parquet:
            guard approved.isQuery, let folder = await warehouses.folder(of: request.warehouse) else {
                throw Problem(.queryRefused, "DESCRIBE and SUMMARIZE cannot be written as Parquet.", hint: "Use CSV.")
            }
            try await ParquetPipe(folder: folder).copy(approved.sql, connection, to: channel)
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        _ = await channel.send(.end(EngineFrame.End(truncated: truncated, seconds: seconds)))
    }

    /// - Returns: whether there were more rows than the limit.
    private func sendRows(_ connection: DuckConnection, _ sql: String) async throws -> Bool {
        let cursor = try await connection.stream(sql)
        let columns = zip(cursor.columnNames, cursor.columnTypes).map { EngineColumn(name: $0, type: $1) }
        var sentColumns = false
        var left = max(0, request.limit)
        var bytes = 0
        while true {
            try watch.check()
            let wanted = left
            let part = try await cursor.next { batch in
                batch.map { QueryRun.encode($0, rows: min($0.count, wanted), columns: columns.count) }
            }
            // With the first rows, so that what fails at once has sent nothing.
            if !sentColumns {
                guard await channel.send(.columns(columns)) else { throw CancellationError() }
                sentColumns = true
            }
            guard let part else { return false }
            for frame in part.frames {
                bytes += frame.count
                guard bytes <= QueryRun.largestAnswer else { throw QueryRun.tooLarge }
                guard await channel.send(.rows(frame)) else { throw CancellationError() }
            }
            left -= part.rows
            if part.all > part.rows { return true }
        }
    }

    /// Rows in frames of about `frameSize`.
    private static func encode(
        _ batch: DuckBatch, rows: Int, columns: Int
    ) -> (frames: [[UInt8]], rows: Int, all: Int) {
        var frames: [[UInt8]] = []
        var bytes: [UInt8] = []
        for row in 0..<rows {
            CellCoding.append(batch, row: row, columns: columns, to: &bytes)
            if bytes.count >= frameSize || row == rows - 1 {
                frames.append(bytes)
                bytes = []
            }
        }
        return (frames, rows, batch.count)
    }

    private func sendCSV(_ connection: DuckConnection, _ sql: String) async throws {
        let cursor = try await connection.stream(sql)
        let names = cursor.columnNames
        var pending: [UInt8] = []
        CSVWriting.appendHeader(names, to: &pending)
        while true {
            try watch.check()
            let part = try await cursor.next { batch -> [UInt8]? in
                guard let batch else { return nil }
                var bytes: [UInt8] = []
                for row in 0..<batch.count { CSVWriting.append(batch, row: row, columns: names.count, to: &bytes) }
                return bytes
            }
            pending += part ?? []
            while !pending.isEmpty, part == nil || pending.count >= QueryRun.frameSize {
                let piece = Array(pending.prefix(QueryRun.frameSize * 8))
                pending.removeFirst(piece.count)
                guard await channel.send(.bytes(piece)) else { throw CancellationError() }
            }
            if part == nil { return }
        }
    }
}

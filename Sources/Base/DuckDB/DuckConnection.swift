internal import CDuckDB
import Dispatch
import Foundation
import Kernel

/// A connection. Its statements run one after the other on a thread of its own, so that no task of the program waits
/// inside DuckDB; cancelling the waiting task interrupts the statement.
package final class DuckConnection: @unchecked Sendable {
    let database: DuckDatabase
    // Touched only on `queue`, except by `interrupt`, which DuckDB allows from any thread.
    private var handle: weir_handle?
    private let queue = DispatchQueue(label: "weirhouse.duckdb", qos: .userInitiated)

    init(database: DuckDatabase, handle: weir_handle) {
        self.database = database
        self.handle = handle
    }

    deinit { database.library.api.disconnect(&handle) }

    /// Stops the statement that is running, if any; it then throws a `DuckError` with `isInterrupt`.
    package func interrupt() {
        database.library.api.interrupt(handle)
    }

    /// Runs statements; the rows of the last one are dropped.
    /// - Throws: `DuckError`; `CancellationError` if the task was cancelled.
    package func execute(_ sql: String) async throws {
        try await perform { session in _ = try session.run(sql) }
    }

    /// Runs statements and collects the rows of the last one.
    package func rows(_ sql: String) async throws -> [DuckRow] {
        try await perform { session in try session.run(sql).collect() }
    }

    /// The rows of `sql`, for callers that may wait inside DuckDB.
    func blockingRows(_ sql: String) throws -> [DuckRow] {
        try queue.sync { try DuckSession(database: database, handle: handle).run(sql).collect() }
    }

    /// Runs `work` on this connection's thread. Use the blocking calls of `DuckSession` inside it.
    package func perform<Value: Sendable>(
        _ work: @escaping @Sendable (DuckSession) throws -> Value
    ) async throws -> Value {
        let call = StoppableCall()
        return try await withTaskCancellationHandler {
            do {
                return try await withCheckedThrowingContinuation { continuation in
                    queue.async { [self] in
                        continuation.resume(
                            with: Result {
                                try call.run { try work(DuckSession(database: database, handle: handle)) }
                            })
                    }
                }
            } catch let error as DuckError where error.isInterrupt && Task.isCancelled {
                throw CancellationError()
            }
        } onCancel: {
            call.stop { [self] in interrupt() }
        }
    }
}

/// The blocking calls of a connection, valid only inside `DuckConnection.perform`.
package struct DuckSession {
    let database: DuckDatabase
    let handle: weir_handle?

    var api: weir_duckdb_api { database.library.api }

    /// Runs statements and gives the result of the last one.
    package func run(_ sql: String) throws -> DuckResult {
        var result = weir_result()
        let status = api.query(handle, sql, &result)
        guard status == 0 else {
            defer { api.destroy_result(&result) }
            let message = api.result_error(&result).map { String(cString: $0) } ?? "no reason given"
            throw DuckError(kind: Int(api.result_error_type(&result)), message: message)
        }
        return DuckResult(database: database, result: result)
    }
}

/// A statement whose rows are read batch by batch from any task, one reader at a time.
package final class DuckCursor: @unchecked Sendable {
    // The result is touched only on the connection's thread; names and types never change.
    private var result: DuckResult?
    private let connection: DuckConnection
    package let columnNames: [String]
    /// As DuckDB prints them.
    package let columnTypes: [String]

    init(connection: DuckConnection, result: DuckResult) {
        self.connection = connection
        self.result = result
        columnNames = result.columnNames
        columnTypes = result.columnTypes
    }

    /// Gives the next batch, nil at the end, to `work` on the connection's thread.
    /// - Throws: `DuckError`; `CancellationError` if the task was cancelled; what `work` throws.
    package func next<Value: Sendable>(
        _ work: @escaping @Sendable (DuckBatch?) throws -> Value
    ) async throws -> Value {
        try await connection.perform { [self] _ in try work(try result?.nextBatch()) }
    }

    /// Ends the statement and frees what it holds; the connection may then run another one.
    package func close() async {
        connection.interrupt()
        try? await connection.perform { [self] _ in result = nil }
    }
}

extension DuckConnection {
    /// Starts one statement whose rows are computed as they are read.
    /// - Throws: `DuckError`; `CancellationError` if the task was cancelled.
    package func stream(_ sql: String) async throws -> DuckCursor {
        try await perform { [self] session in DuckCursor(connection: self, result: try session.stream(sql)) }
    }
}

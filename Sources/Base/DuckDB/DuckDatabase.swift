internal import CDuckDB
import Foundation
package import Kernel

/// One in-memory or on-disk DuckDB instance. Closed when the last connection and this value are gone.
package final class DuckDatabase: @unchecked Sendable {
    let library: DuckDBLibrary
    private var handle: weir_handle?

    /// - Parameters:
    ///   - path: a file, or `:memory:`.
    ///   - settings: DuckDB's configuration options by name.
    /// - Throws: `internal` if DuckDB refuses a setting or the file.
    package init(_ library: DuckDBLibrary, path: String = ":memory:", settings: [String: String] = [:]) throws(Problem)
    {
        self.library = library
        var config: weir_handle?
        guard library.api.create_config(&config) == 0 else {
            throw Problem(.internal, "DuckDB cannot make a configuration.")
        }
        defer { library.api.destroy_config(&config) }
        for (name, value) in settings where library.api.set_config(config, name, value) != 0 {
            throw Problem(.internal, "DuckDB does not know the setting \(name).")
        }
        var error: UnsafeMutablePointer<CChar>?
        guard library.api.open_ext(path, &handle, config, &error) == 0 else {
            let text = error.map { String(cString: $0) } ?? "no reason given"
            library.api.free(error)
            throw Problem(.internal, "DuckDB cannot open \(path): \(text)")
        }
    }

    deinit { library.api.close(&handle) }

    /// A new connection with its own transaction and its own thread of calls.
    package func connect() throws(Problem) -> DuckConnection {
        var connection: weir_handle?
        guard library.api.connect(handle, &connection) == 0, let connection else {
            throw Problem(.internal, "DuckDB cannot open a connection.")
        }
        return DuckConnection(database: self, handle: connection)
    }
}

/// An error as DuckDB reports it. Its text may name tables and columns of the statement.
package struct DuckError: Error, Sendable, CustomStringConvertible {
    /// DuckDB's own kind, by its number (`duckdb_error_type` of the C API).
    package let kind: Int
    package let message: String

    package init(kind: Int, message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }

    package var isInterrupt: Bool { kind == 29 || message.hasPrefix("INTERRUPT") }
    package var isOutOfMemory: Bool { kind == 33 || message.hasPrefix("Out of Memory Error") }
    /// As a problem of work on the lake.
    package var asLakeProblem: any Error {
        if isInterrupt { return CancellationError() }
        if isDiskFull {
            return Problem(
                .diskFull, "The disk that holds the lake is full.", hint: "Free space, then clone again.", cause: self)
        }
        if isOutOfMemory {
            return Problem(
                .busy, "DuckDB needs more memory than it may have now.", hint: "It is tried again.", cause: self)
        }
        return Problem(wrapping: self)
    }

    package var isDiskFull: Bool { message.contains("No space left on device") || message.contains("disk quota") }
}

import DuckDB
import Foundation

/// DuckDB as the tests find it.
enum Duck {
    static let library: DuckDBLibrary = {
        let environment = ProcessInfo.processInfo.environment
        let repository = URL(fileURLWithPath: #filePath).appending(path: "../../..").standardized.path
        do {
            return try DuckDBLibrary(
                at: .find(
                    override: environment["WEIR_DUCKDB_LIBRARY"],
                    pythonHome: environment["WEIR_PYTHON_HOME"] ?? "\(repository)/.venv"))
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    static func connect() throws -> DuckConnection {
        try DuckDatabase(library, settings: ["autoinstall_known_extensions": "false", "threads": "1"]).connect()
    }
}

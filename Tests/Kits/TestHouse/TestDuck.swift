package import Connecting
package import DuckDB
import Foundation
package import Kernel

/// DuckDB as Weirhouse's Python environment holds it.
package enum TestDuck {
    private static let opened = Task { try await environment().open(memory: "512MB", threads: 2) }

    /// One instance for all tests of the process: loading the extensions takes a while.
    package static func shared() async throws -> DuckDatabase { try await opened.value }

    package static func environment() throws -> DuckEnvironment {
        let variables = ProcessInfo.processInfo.environment
        let repository = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized.path
        let home = variables["WEIR_PYTHON_HOME"] ?? "\(repository)/.venv"
        let library = try DuckDBLibrary(at: .find(override: variables["WEIR_DUCKDB_LIBRARY"], pythonHome: home))
        return DuckEnvironment(library: library, extensionFolder: "\(home)/duckdb_extensions")
    }

    /// The rows of a statement in the shared instance, as text.
    package static func rows(_ sql: String) async throws -> [[String?]] {
        try await shared().connect().rows(sql).map { row in row.values.map(\.string) }
    }

    /// Writes the rows of `select` as a lake's encrypted Parquet file, with field ids and statistics.
    /// - Parameter columns: in the order of the select's columns, which take these names and types.
    package static func writeParquet(
        _ select: String, columns: [(name: String, type: CarriedType)], to path: String, key: Secret<[UInt8]>
    ) async throws -> WrittenFile {
        let names = columns.map { DuckSQL.quoted($0.name) }
        let typed = zip(names, columns).map { "\($0)::\($1.type.duckDB) AS \($0)" }.joined(separator: ", ")
        let ids = names.enumerated().map { "\($1): \($0 + 1)" }.joined(separator: ", ")
        let base64 = Data(key.reveal()).base64EncodedString()
        let sql = """
            COPY (SELECT \(typed) FROM (\(select)) AS t (\(names.joined(separator: ", "))))
            TO \(DuckSQL.literal(path)) (FORMAT parquet, FIELD_IDS {\(ids)}, RETURN_STATS true,
              ENCRYPTION_CONFIG {footer_key_value: from_base64('\(base64)')})
            """
        let written = try await shared().connect().perform { session in try session.copy(sql) }
        return WrittenFile(
            rows: written.rows, bytes: written.bytes, footerBytes: written.footerBytes,
            statistics: zip(names, columns).map { name, column in
                statistics(written.columns[name] ?? [:], of: column.type)
            })
    }

    private static func statistics(_ found: [String: String], of type: CarriedType) -> ColumnStatistics {
        let hidden = type == .text || type == .bytes
        let isFloat = type == .float32 || type == .float64
        return ColumnStatistics(
            bytes: found["column_size_bytes"].flatMap { Int64($0) } ?? 0,
            nulls: found["null_count"].flatMap { Int64($0) } ?? 0, minimum: hidden ? nil : found["min"],
            maximum: hidden ? nil : found["max"], hasNaN: isFloat ? found["has_nan"] != "false" : nil)
    }
}

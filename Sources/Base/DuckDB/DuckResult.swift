internal import CDuckDB
import Foundation

/// A statement's result: columns at once, rows chunk by chunk. It keeps its database open.
package final class DuckResult {
    private let database: DuckDatabase
    var library: DuckDBLibrary { database.library }
    private var result: weir_result
    package let columnNames: [String]
    /// The logical types, owned by this value.
    let types: [DuckType]

    init(database: DuckDatabase, result: weir_result) {
        self.database = database
        self.result = result
        let api = database.library.api
        let count = api.column_count(&self.result)
        var names: [String] = []
        var types: [DuckType] = []
        for index in 0..<count {
            names.append(api.column_name(&self.result, index).map { String(cString: $0) } ?? "")
            types.append(DuckType(library: database.library, handle: api.column_logical_type(&self.result, index)))
        }
        columnNames = names
        self.types = types
    }

    deinit { library.api.destroy_result(&result) }

    /// The statement's own types where values are cast to text on the way.
    var declaredTypes: [String]?

    /// The columns' types as DuckDB prints them, `DECIMAL(12,2)`.
    package var columnTypes: [String] { declaredTypes ?? types.map(\.name) }

    /// The next rows (up to 2,048), or nil at the end of a collected result. A streamed one is read by `nextBatch`,
    /// which tells its end from a failure.
    package func nextChunk() -> [DuckRow]? {
        guard let batch = fetch() else { return nil }
        return (0..<batch.count).map(batch.row)
    }

    /// The next rows without copying them, or nil at the end.
    /// - Throws: `DuckError` if the statement fails on the way, which a streamed one may do at any batch.
    package func nextBatch() throws -> DuckBatch? {
        if let batch = fetch() { return batch }
        if let error = library.api.result_error(&result), error[0] != 0 {
            throw DuckError(kind: Int(library.api.result_error_type(&result)), message: String(cString: error))
        }
        return nil
    }

    private func fetch() -> DuckBatch? {
        let chunk = library.api.fetch_chunk(result)
        guard let chunk else { return nil }
        let batch = DuckBatch(library: library, types: types, chunk: chunk)
        return batch.count > 0 ? batch : nil
    }

    /// All rows that are left.
    package func collect() -> [DuckRow] {
        var rows: [DuckRow] = []
        while let chunk = nextChunk() { rows += chunk }
        return rows
    }
}

/// Up to 2,048 rows as DuckDB holds them: values are read by position, nothing is copied before.
package final class DuckBatch {
    private let library: DuckDBLibrary
    private var chunk: weir_handle?
    private let columns: [DuckVector]
    /// Rows.
    package let count: Int

    init(library: DuckDBLibrary, types: [DuckType], chunk: weir_handle) {
        let api = library.api
        self.library = library
        self.chunk = chunk
        count = Int(api.data_chunk_get_size(chunk))
        columns = types.indices.map { index in
            DuckVector(library: library, type: types[index], handle: api.data_chunk_get_vector(chunk, weir_idx(index)))
        }
    }

    deinit { library.api.destroy_data_chunk(&chunk) }

    package func isNull(row: Int, column: Int) -> Bool { columns[column].isNull(at: row) }

    package func value(row: Int, column: Int) -> DuckValue { columns[column].value(at: row) }

    /// Appends the text that `CAST(value AS VARCHAR)` gives, `NULL` for a null.
    package func appendText(row: Int, column: Int, to bytes: inout [UInt8]) {
        columns[column].appendText(at: row, to: &bytes)
    }

    package func row(_ row: Int) -> DuckRow { DuckRow(values: columns.map { $0.value(at: row) }) }
}

/// One row, by position.
package struct DuckRow: Sendable {
    package let values: [DuckValue]

    package subscript(_ index: Int) -> DuckValue { values[index] }
}

/// A value. What has no case of its own comes as the text that DuckDB would print.
package enum DuckValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    /// Exact decimals, integers beyond 64 bits, moments (zoned ones in UTC), UUIDs, nested values: in text.
    case text(String)

    /// What DuckDB's `CAST(value AS VARCHAR)` gives; nil for null.
    package var string: String? {
        switch self {
        case .null: return nil
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .double(let value):
            var bytes: [UInt8] = []
            DuckText.append(value, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        case .text(let value): return value
        }
    }

    package var int: Int64? {
        switch self {
        case .integer(let value): value
        case .text(let value): Int64(value)
        default: nil
        }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }
}

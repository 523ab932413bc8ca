internal import CDuckDB

/// What DuckDB says of one statement before it runs.
package struct DuckStatement: Sendable, Equatable {
    package let kind: Kind
    /// Names and types of the result's columns.
    package let columns: [Column]
    /// How many parameters it wants.
    package let parameters: Int

    package struct Column: Sendable, Equatable {
        package let name: String
        /// As DuckDB prints it, `DECIMAL(12,2)`.
        package let type: String
    }

    /// `duckdb_statement_type` of the C API, by number.
    package enum Kind: Int, Sendable {
        case invalid = 0
        case select
        case insert
        case update
        case explain
        case delete
        case prepare
        case create
        case execute
        case alter
        case transaction
        case copy
        case analyze
        case variableSet
        case createFunction
        case drop
        case export
        case pragma
        case vacuum
        case call
        case set
        case load
        case relation
        case `extension`
        case logicalPlan
        case attach
        case detach
        case multi
        case other = -1
    }
}

extension DuckSession {
    /// How many statements DuckDB's parser finds in `sql`.
    /// - Throws: `DuckError` if it cannot be parsed.
    package func statementCount(_ sql: String) throws -> Int {
        var statements: weir_handle?
        defer { api.destroy_extracted(&statements) }
        let count = api.extract_statements(handle, sql, &statements)
        if count == 0, let error = api.extract_statements_error(statements), error[0] != 0 {
            throw DuckError(kind: DuckError.parserKind, message: String(cString: error))
        }
        return Int(count)
    }

    /// Kind, columns and parameters of one statement, which is bound but not run.
    /// - Throws: `DuckError`, also if `sql` holds several statements.
    package func inspect(_ sql: String) throws -> DuckStatement {
        let prepared = try PreparedStatement(self, sql)
        return DuckStatement(
            kind: DuckStatement.Kind(rawValue: Int(api.prepared_statement_type(prepared.handle))) ?? .other,
            columns: prepared.columns.map { DuckStatement.Column(name: $0.name, type: $0.type.name) },
            parameters: Int(api.nparams(prepared.handle)))
    }

    /// Starts one statement whose rows are computed as they are read, in bounded memory. Until the result is gone the
    /// connection runs nothing else. Values that only SQL can turn into text (VARIANT, GEOMETRY) are cast to VARCHAR.
    /// - Throws: `DuckError`.
    package func stream(_ sql: String) throws -> DuckResult {
        let prepared = try PreparedStatement(self, sql)
        guard prepared.columns.allSatisfy({ $0.type.isReadable }) else {
            let result = try PreparedStatement(self, castingUnreadable(sql, prepared.columns)).stream()
            result.declaredTypes = prepared.columns.map(\.type.name)
            return result
        }
        return try prepared.stream()
    }

    private func castingUnreadable(_ sql: String, _ columns: [(name: String, type: DuckType)]) -> String {
        let items = columns.enumerated().map { index, column in
            let value = column.type.isReadable ? "c\(index)" : "CAST(c\(index) AS VARCHAR)"
            return "\(value) AS \(DuckSQL.quoted(column.name))"
        }
        let names = columns.indices.map { "c\($0)" }.joined(separator: ", ")
        // The line break ends a comment at the end of `sql`.
        var body = Substring(sql)
        while let last = body.last, last.isWhitespace || last == ";" { body.removeLast() }
        return "SELECT \(items.joined(separator: ", ")) FROM (\(body)\n) AS q(\(names))"
    }
}

/// A statement that DuckDB has bound.
private final class PreparedStatement {
    private let session: DuckSession
    private(set) var handle: weir_handle?
    let columns: [(name: String, type: DuckType)]

    init(_ session: DuckSession, _ sql: String) throws {
        self.session = session
        let api = session.api
        var handle: weir_handle?
        guard api.prepare(session.handle, sql, &handle) == 0 else {
            defer { api.destroy_prepare(&handle) }
            let message = api.prepare_error(handle).map { String(cString: $0) } ?? "no reason given"
            throw DuckError(kind: 0, message: message)
        }
        self.handle = handle
        columns = (0..<api.prepared_statement_column_count(handle)).map { index in
            let name = api.prepared_statement_column_name(handle, index)
            defer { api.free(UnsafeMutableRawPointer(mutating: name)) }
            let type = DuckType(
                library: session.database.library, handle: api.prepared_statement_column_logical_type(handle, index))
            return (name.map { String(cString: $0) } ?? "", type)
        }
    }

    deinit { session.api.destroy_prepare(&handle) }

    func stream() throws -> DuckResult {
        let api = session.api
        var result = weir_result()
        guard api.execute_prepared_streaming(handle, &result) == 0 else {
            defer { api.destroy_result(&result) }
            let message = api.result_error(&result).map { String(cString: $0) } ?? "no reason given"
            throw DuckError(kind: Int(api.result_error_type(&result)), message: message)
        }
        return DuckResult(database: session.database, result: result)
    }
}

extension DuckError {
    /// `DUCKDB_ERROR_PARSER`.
    static let parserKind = 14
}

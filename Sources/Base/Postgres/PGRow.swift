package import Foundation
package import Kernel

/// One row of a result, by column name. Reading a column that is missing, null or of another form throws
/// `PGError.result`.
package struct PGRow: Sendable {
    let columns: [String: Int]
    let values: [String?]

    /// Nil for NULL.
    package func optional(_ column: String) throws -> String? {
        guard let index = columns[column] else { throw PGError.result(message: "There is no column \(column).") }
        return values[index]
    }

    package func string(_ column: String) throws -> String {
        guard let value = try optional(column) else { throw PGError.result(message: "Column \(column) is null.") }
        return value
    }

    package func int(_ column: String) throws -> Int64 { try parse(column, Int64.init) }

    package func optionalInt(_ column: String) throws -> Int64? { try optional(column) == nil ? nil : int(column) }

    package func double(_ column: String) throws -> Double { try parse(column, Double.init) }

    package func optionalDouble(_ column: String) throws -> Double? {
        try optional(column) == nil ? nil : double(column)
    }

    /// A column of seconds since 1970, as `extract(epoch FROM …)::float8` gives them.
    package func moment(_ column: String) throws -> Date { Date(timeIntervalSince1970: try double(column)) }

    package func optionalMoment(_ column: String) throws -> Date? {
        try optional(column) == nil ? nil : moment(column)
    }

    package func bool(_ column: String) throws -> Bool { try string(column) == "t" }

    package func id<Tag>(_ column: String, _: Tag.Type = Tag.self) throws -> ID<Tag> { try parse(column) { ID($0) } }

    /// A JSON column as a value. Keys are as stored.
    package func json<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(string(column).utf8))
    }

    package func optionalJSON<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value? {
        try optional(column) == nil ? nil : json(column)
    }

    private func parse<Value>(_ column: String, _ make: (String) -> Value?) throws -> Value {
        let text = try string(column)
        guard let value = make(text) else { throw PGError.result(message: "Column \(column) has another type.") }
        return value
    }
}

/// A value as JSON text for a `jsonb` parameter.
package struct JSONValue: SQLValue {
    package let postgresText: String

    package init(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        postgresText = String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

package import Foundation
package import Kernel

/// A statement whose interpolated values are bound, never pasted: `"… WHERE id = \(id)"` makes `$1`.
///
/// Pieces that are SQL themselves come in as `SQL` values; text that is to be pasted needs `SQL(unsafe:)`.
package struct SQL: Sendable, ExpressibleByStringInterpolation {
    enum Piece: Sendable {
        case text(String)
        case value(String?)
    }

    var pieces: [Piece]

    package init(stringLiteral value: String) { pieces = [.text(value)] }

    package init(stringInterpolation: Interpolation) { pieces = stringInterpolation.pieces }

    /// Text as it stands. The caller answers for every byte of it.
    package init(unsafe text: String) { pieces = [.text(text)] }

    /// A quoted identifier (PostgreSQL 15 documentation, 4.1.1).
    package static func identifier(_ name: String) -> SQL { SQL(unsafe: quoted(name)) }

    package static func quoted(_ name: String) -> String {
        "\"\(name.replacingScalar("\"", with: "\"\""))\""
    }

    package static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.pieces += right.pieces
        return sum
    }

    /// The text with `$1`, `$2`… and the values in that order.
    func rendered() -> (text: String, values: [String?]) {
        var text = ""
        var values: [String?] = []
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .value(let value):
                values.append(value)
                text += "$\(values.count)"
            }
        }
        return (text, values)
    }

    package struct Interpolation: StringInterpolationProtocol {
        var pieces: [Piece] = []

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { pieces.append(.text(literal)) }

        package mutating func appendInterpolation(_ value: (some SQLValue)?) {
            pieces.append(.value(value?.postgresText))
        }

        package mutating func appendInterpolation(_ sql: SQL) { pieces += sql.pieces }
    }
}

/// A value that can be bound: its form in PostgreSQL's text format.
package protocol SQLValue: Sendable {
    var postgresText: String { get }
}

extension String: SQLValue {
    package var postgresText: String { self }
}
extension Int: SQLValue {
    package var postgresText: String { String(self) }
}
extension Int64: SQLValue {
    package var postgresText: String { String(self) }
}
extension Double: SQLValue {
    package var postgresText: String { String(self) }
}
extension Bool: SQLValue {
    package var postgresText: String { self ? "t" : "f" }
}
extension ID: SQLValue {
    package var postgresText: String { description }
}
extension UUID: SQLValue {
    package var postgresText: String { uuidString.lowercased() }
}
extension Date: SQLValue {
    package var postgresText: String { rfc3339 }
}
extension Data: SQLValue {
    /// `bytea` in hex format.
    package var postgresText: String {
        "\\x" + hexadecimal
    }
}

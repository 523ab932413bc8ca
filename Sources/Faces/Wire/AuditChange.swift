import Foundation

/// What a line of the audit says of settings, field by field, for people.
package enum AuditChange {
    /// The members of an object as texts, those of inner ones by their path: `trigger.kind`. What is no object is one
    /// field, `value`.
    package static func fields(of json: String) -> [String: String] {
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(json.utf8)) else { return ["value": json] }
        var fields: [String: String] = [:]
        value.write(to: &fields, at: "")
        return fields
    }

    private indirect enum Value: Decodable {
        case null
        case bool(Bool)
        case number(Decimal)
        case text(String)
        case list([Value])
        case object([String: Value])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Decimal.self) {
                self = .number(value)
            } else if let value = try? container.decode(String.self) {
                self = .text(value)
            } else if let value = try? container.decode([Value].self) {
                self = .list(value)
            } else {
                self = .object(try container.decode([String: Value].self))
            }
        }

        func write(to fields: inout [String: String], at path: String) {
            if case .object(let members) = self, !members.isEmpty || path.isEmpty {
                for (name, value) in members { value.write(to: &fields, at: path.isEmpty ? name : "\(path).\(name)") }
            } else {
                fields[path.isEmpty ? "value" : path] = text
            }
        }

        private var text: String {
            switch self {
            case .null: "none"
            case .bool(let value): value ? "yes" : "no"
            case .number(let value): "\(value)"
            case .text(let value): value
            case .list(let values): values.isEmpty ? "none" : values.map(\.text).joined(separator: ", ")
            case .object(let members):
                members.keys.sorted().map { "\($0): \(members[$0]?.text ?? "")" }.joined(separator: ", ")
            }
        }
    }
}

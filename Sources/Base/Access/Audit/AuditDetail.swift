import Crypto
package import Foundation
import Kernel

/// Settings before or after a change, as JSON. What is called a secret, and passwords in addresses, are hidden on the way
/// in: nothing that is built of a detail can hold them.
package struct AuditDetail: Sendable, Hashable, Encodable {
    /// Larger ones are kept as their hash and size.
    package static let mostBytes = 32_768
    package static let hidden = "•••"

    let value: AuditValue

    /// - Throws: `DecodingError` if it is no JSON.
    package init(json: Data) throws {
        let read = try JSONDecoder().decode(AuditValue.self, from: json)
        guard json.count > Self.mostBytes else {
            value = read.withoutSecrets
            return
        }
        let digest = SHA256.hash(data: json).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        value = .object(["too_long_bytes": .integer(Int64(json.count)), "sha256": .text(digest)])
    }

    package func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

/// Any JSON value.
indirect enum AuditValue: Sendable, Hashable, Codable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([AuditValue])
    case object([String: AuditValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([AuditValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: AuditValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }

    /// Members whose name says that they are secret are hidden whatever they hold, in texts the passwords of addresses.
    var withoutSecrets: AuditValue {
        switch self {
        case .null, .bool, .integer, .number: self
        case .text(let text): .text(Self.withoutPasswords(text.replacingScalar("\0", with: "\u{FFFD}")))
        case .list(let values): .list(values.map(\.withoutSecrets))
        case .object(let members):
            .object(
                Dictionary(
                    members.map { name, value in
                        let isSecret = Self.isSecret(name) && value != .null
                        return (
                            name.replacingScalar("\0", with: "\u{FFFD}"),
                            isSecret ? .text(AuditDetail.hidden) : value.withoutSecrets
                        )
                    }, uniquingKeysWith: { first, _ in first }))
        }
    }

    private static func isSecret(_ name: String) -> Bool {
        let letters = name.lowercased().filter { $0.isLetter }
        return secretParts.contains { letters.contains($0) } || secretEnds.contains { letters.hasSuffix($0) }
    }

    private static let secretParts = [
        "secret", "password", "passphrase", "credential", "privatekey", "accesskey", "apikey", "masterkey",
    ]
    private static let secretEnds = ["token", "cookie", "authorization"]

    /// `scheme://user:password@host` → `scheme://user:•••@host`, also of several in one text.
    private static func withoutPasswords(_ text: String) -> String {
        guard text.contains("://") else { return text }
        return text.replacing(/(?<before>[a-zA-Z][a-zA-Z0-9+.\-]*:\/\/[^\s:\/@]*):[^\s\/]*@/) { match in
            "\(match.before):\(AuditDetail.hidden)@"
        }
    }
}

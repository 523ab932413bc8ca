import Crypto
package import Foundation
import Kernel

/// Settings before or after a change, as JSON. What is called a secret, and passwords in addresses, are hidden on the way
/// in: nothing that is built of a detail can hold them.
package struct AuditDetail: Sendable, Hashable, Encodable {
    /// Larger ones are kept as their hash and size.
    package static let mostBytes = 32_768
    package static let hidden = "•••"

    let value: AnyJSON

    /// - Throws: `DecodingError` if it is no JSON.
    package init(json: Data) throws {
        let read = try JSONDecoder().decode(AnyJSON.self, from: json)
        guard json.count > Self.mostBytes else {
            value = read.withoutSecrets
            return
        }
        let digest = SHA256.hash(data: json).hexadecimal
        value = .object(["too_long_bytes": .integer(json.count), "sha256": .text(digest)])
    }

    package func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

extension AnyJSON {
    /// Members whose name says that they are secret are hidden whatever they hold, in texts the passwords of addresses.
    var withoutSecrets: AnyJSON {
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

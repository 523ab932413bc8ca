import Crypto
package import Foundation
package import Kernel

/// The key by which a receiver knows that a webhook is ours (Standard Webhooks, "Signature scheme": symmetric).
package struct WebhookSecret: Sendable, Equatable {
    private let bytes: Secret<[UInt8]>

    private static let prefix = "whsec_"

    /// - Parameter text: `whsec_` and 24 to 64 bytes in base64.
    /// - Throws: `invalidInput`, without the text.
    package init(_ text: String) throws(Problem) {
        guard text.hasPrefix(Self.prefix), let data = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))),
            (24...64).contains(data.count)
        else {
            throw Problem(
                .invalidInput, "This is no secret of a webhook.",
                hint: "It begins with whsec_, and after that come 24 to 64 bytes in base64.")
        }
        bytes = Secret(Array(data))
    }

    private init(bytes: [UInt8]) { self.bytes = Secret(bytes) }

    /// A new one, of 32 random bytes.
    package static func make() -> WebhookSecret {
        WebhookSecret(bytes: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    /// As it is shown to the receiver, once.
    package var text: Secret<String> { Secret(Self.prefix + Data(bytes.reveal()).base64EncodedString()) }

    fileprivate var key: SymmetricKey { SymmetricKey(data: bytes.reveal()) }
}

/// How webhooks are signed: Standard Webhooks (`spec/standard-webhooks.md`, "Signature scheme" and "Webhook headers").
package enum WebhookSignature {
    /// The three headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    /// - Parameters:
    ///   - id: of the event, the same for every attempt; without a full stop, which separates what is signed.
    ///   - date: of this attempt.
    ///   - body: exactly as it is sent.
    ///   - secrets: one, or while it is exchanged the new one and the old one.
    /// - Throws: `invalidInput` if `id` is no such id or there is no secret.
    package static func headers(
        id: String, date: Date, body: Data, secrets: [WebhookSecret]
    ) throws(Problem) -> OutboundHeaders {
        guard !id.isEmpty, id.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ".") }) else {
            throw Problem(.invalidInput, "'\(id.prefix(60))' is no id of a webhook.")
        }
        guard !secrets.isEmpty else { throw Problem(.invalidInput, "A webhook is signed with one secret at least.") }
        let timestamp = String(Int(date.timeIntervalSince1970.rounded(.down)))
        let signatures = secrets.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: signed(id, timestamp, body), using: secret.key)
            return "v1,\(Data(code).base64EncodedString())"
        }
        return [
            "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.joined(separator: " "),
        ]
    }

    /// What a receiver does.
    /// - Parameter tolerance: how far the time of the attempt may be from `now`, in seconds.
    /// - Throws: `unauthenticated` if no signature is of this secret, or the time is too far away.
    package static func verify(
        _ headers: OutboundHeaders, body: Data, secret: WebhookSecret, now: Date, tolerance: TimeInterval = 300
    ) throws(Problem) {
        guard let id = headers["webhook-id"], let timestamp = headers["webhook-timestamp"],
            let signatures = headers["webhook-signature"], let seconds = Int(timestamp)
        else { throw Problem(.unauthenticated, "The webhook is not signed.") }
        guard abs(now.timeIntervalSince1970 - Double(seconds)) <= tolerance else {
            throw Problem(.unauthenticated, "The webhook was sent at another time.")
        }
        let content = signed(id, timestamp, body)
        let isOurs = signatures.split(separator: " ").contains { signature in
            // In constant time.
            guard signature.hasPrefix("v1,"), let code = Data(base64Encoded: String(signature.dropFirst(3))) else {
                return false
            }
            return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: content, using: secret.key)
        }
        guard isOurs else { throw Problem(.unauthenticated, "The webhook's signature is not of this secret.") }
    }

    private static func signed(_ id: String, _ timestamp: String, _ body: Data) -> Data {
        Data("\(id).\(timestamp).".utf8) + body
    }
}

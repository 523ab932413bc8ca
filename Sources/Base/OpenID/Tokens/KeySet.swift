package import Foundation

/// The keys that an issuer publishes (RFC 7517, section 5).
package struct KeySet: Sendable {
    /// More are not looked at.
    private static let most = 100

    package let keys: [VerificationKey]

    /// Keys of kinds that are not known are left out (RFC 7517, section 5).
    /// - Throws: `JSONFault` if it is no set of keys.
    package init(_ document: Data) throws(JSONFault) {
        let tree = try JSONTree(document)
        guard let list = tree["keys"]?.list else { throw JSONFault(offset: 0) }
        keys = list.prefix(Self.most).compactMap(VerificationKey.init)
    }

    package init(keys: [VerificationKey]) { self.keys = keys }

    /// The key that a token says it is signed with. Without a `kid` there must be only one that fits (Core 1.0,
    /// section 10.1).
    package func key(for token: SignedToken) -> VerificationKey? {
        let fitting = keys.filter { $0.fits(token.algorithm) && (token.keyID == nil || $0.id == token.keyID) }
        return fitting.count == 1 ? fitting[0] : nil
    }
}

/// What is known of an issuer's keys, and when to ask for them again. A value: whoever holds it does the asking, one
/// question at a time.
package struct KeyCache: Sendable {
    /// Keys are believed for so long: one that was taken back is worth nothing after it.
    static let lifetime: TimeInterval = 600
    /// A token with an unknown key makes the keys be read again, but only so often: anybody can send such tokens.
    static let pause: TimeInterval = 30

    private var keys = KeySet(keys: [])
    private var readAt: Date?
    /// When they were last read because of an unknown key.
    private var missedAt: Date?

    package init() {}

    /// What to do with a token now.
    package enum Step: Sendable {
        case use(VerificationKey)
        case fetch
        /// The keys were read again a moment ago, and none of them is it.
        case refuse(TokenFault)
    }

    package func step(for token: SignedToken, at now: Date) -> Step {
        guard let readAt else { return .fetch }
        let age = now.timeIntervalSince(readAt)
        guard (0..<Self.lifetime).contains(age) else { return .fetch }
        let key = keys.key(for: token)
        // Without an id of the key the signature alone can tell that there is a new one.
        if let key, token.keyID != nil || key.verifies(token) { return .use(key) }
        if let missedAt, (0..<Self.pause).contains(now.timeIntervalSince(missedAt)) {
            return .refuse(key == nil ? .unknownKey : .signature)
        }
        return .fetch
    }

    /// Call it with what was read when `step` said `fetch`.
    package mutating func keep(_ set: KeySet, at now: Date) {
        // Those that were to be had still were not enough.
        if let readAt, (0..<Self.lifetime).contains(now.timeIntervalSince(readAt)) { missedAt = now }
        keys = set
        readAt = now
    }
}

/// What the faces ask about secrets. A value goes in and never comes out.
package protocol SecretOperations: Sendable {
    /// What an organization has, by name, with what hangs on each.
    func secrets(as caller: Caller) async throws -> [SecretView]
    /// - Throws: `notFound`.
    func secret(_ name: String, as caller: Caller) async throws -> SecretView
    /// Replaces a value. It is tried first, and kept only if it works: a source is signed in to, a bucket is listed.
    /// - Throws: `invalidInput` for a value of another form; `notFound` if nothing would use it; `forbidden` for what
    ///   Weirhouse makes itself; what trying it throws.
    func replaceSecret(_ name: String, _ request: SecretRequest, as caller: Caller) async throws -> SecretView
    /// Removes a secret for good; `SecretView.uses` says what stops working. What has been handed to a run stays with it
    /// until its end.
    /// - Throws: `notFound`; `forbidden` for what Weirhouse makes itself.
    func revokeSecret(_ name: String, as caller: Caller) async throws
    /// Where secrets are kept, and under which keys. Never throws because the store is away: that is its answer.
    func secretStore(as caller: Caller) async throws -> SecretStoreView
}

/// `PUT /api/v1/secrets/{name}`: one of both.
package struct SecretRequest: Sendable, Codable {
    /// The whole value: a source's address, a bucket's key as JSON, a webhook's `whsec_…`.
    package var value: String?
    /// Of a source: only its password; the rest of the address stays.
    package var password: String?

    package init(value: String? = nil, password: String? = nil) {
        self.value = value
        self.password = password
    }
}

/// A secret without its value.
package struct SecretView: Sendable, Codable, Equatable {
    /// `source/dev/shop`
    package var name: String
    /// `source`, `bucket`, `webhook`, `warehouse` or `other`.
    package var kind: String
    /// Counts up with each new value; 0 if the store does not count.
    package var version: Int
    /// RFC 3339.
    package var changedAt: String
    /// Nil if Weirhouse made it, or somebody put it into the store itself.
    package var changedBy: String?
    /// Whether people may put a new value.
    package var isReplaceable: Bool
    /// Whether people may remove it.
    package var isRevocable: Bool
    package var uses: [SecretUse]

    package init(
        name: String, kind: String, version: Int, changedAt: String, changedBy: String?, isReplaceable: Bool,
        isRevocable: Bool, uses: [SecretUse]
    ) {
        self.name = name
        self.kind = kind
        self.version = version
        self.changedAt = changedAt
        self.changedBy = changedBy
        self.isReplaceable = isReplaceable
        self.isRevocable = isRevocable
        self.uses = uses
    }
}

/// What hangs on a secret.
package struct SecretUse: Sendable, Codable, Equatable {
    /// `source shop in dev`
    package var what: String
    /// What stops without it, as a sentence.
    package var without: String

    package init(what: String, without: String) {
        self.what = what
        self.without = without
    }
}

/// `GET /api/v1/secret-store`.
package struct SecretStoreView: Sendable, Codable {
    /// `this database`, or where else.
    package var place: String
    package var healthy: Bool
    package var problem: ProblemView?
    /// The master keys that this organization's secrets hang on; none if they are kept elsewhere.
    package var masterKeys: [MasterKeyUse]
    /// Of a store elsewhere: how many secrets are in this database still. They move when they are used.
    package var waiting: Int

    package init(
        place: String, healthy: Bool, problem: ProblemView?, masterKeys: [MasterKeyUse], waiting: Int
    ) {
        self.place = place
        self.healthy = healthy
        self.problem = problem
        self.masterKeys = masterKeys
        self.waiting = waiting
    }
}

package struct MasterKeyUse: Sendable, Codable {
    /// Its id, which says nothing of it; nil for secrets from before data keys.
    package var masterKey: String?
    /// How many data keys, or such secrets, hang on it.
    package var count: Int
    /// Whether it seals what is new.
    package var seals: Bool

    package init(masterKey: String?, count: Int, seals: Bool) {
        self.masterKey = masterKey
        self.count = count
        self.seals = seals
    }
}

package import Foundation
package import Kernel

/// One's own account: who one is, where one is signed in, what one has agreed to, export and erasure.
package protocol AccountOperations: Sendable {
    /// How long a browser stays signed in at most, from sign-in.
    var sessionLifetime: Duration { get }

    func account(as caller: Caller) async throws -> AccountView
    func sessions(as caller: Caller) async throws -> [SessionView]
    /// - Throws: `notFound`, also for sessions of others.
    func endSession(_ id: CredentialID, as caller: Caller) async throws
    /// All of the caller's but the one that asks, or all of another member's. How many there were.
    /// - Throws: `notFound` for no such member.
    func endSessions(of member: String?, as caller: Caller) async throws -> Int

    /// What the caller has yet to agree to; nil: nothing.
    func owedConsent(as caller: Caller) async throws -> ConsentView?
    /// - Throws: `conflict` if the document has changed meanwhile.
    func agree(to version: String, as caller: Caller) async throws

    /// All that is known of the caller, as a JSON document.
    func exportAccount(as caller: Caller) async throws -> Data
    /// Ends the caller's account in all organizations, for good.
    /// - Parameter confirmation: the caller's own name.
    /// - Throws: `invalidInput` without it; `conflict` for the last owner of an organization; `unsupported` for services
    ///   and the local admin.
    func eraseAccount(confirmation: String, as caller: Caller) async throws
}

/// `GET /api/v1/account`: who asks.
package struct AccountView: Sendable, Codable, Hashable {
    package var organization: String
    /// A person's e-mail address, a service's name.
    package var name: String
    package var display: String
    package var roles: [PlacedRole]
    /// What the token that was used is narrowed to; nil: nothing narrows it.
    package var permissions: [String]?
    /// The token or session that was used.
    package var credentialID: String?
    /// Whether it is a person's, who can export and erase it.
    package var isPerson: Bool

    package init(
        organization: String, name: String, display: String, roles: [PlacedRole], permissions: [String]?,
        credentialID: String?, isPerson: Bool
    ) {
        self.organization = organization
        self.name = name
        self.display = display
        self.roles = roles
        self.permissions = permissions
        self.credentialID = credentialID
        self.isPerson = isPerson
    }
}

/// A browser that is signed in.
package struct SessionView: Sendable, Codable, Hashable {
    package var sessionID: String
    package var browser: String?
    package var createdAt: String
    package var createdFrom: String?
    package var lastUsedAt: String?
    package var lastUsedFrom: String?
    package var expiresAt: String?
    /// Whether it is the one that asks.
    package var isThis: Bool

    package init(
        sessionID: String, browser: String?, createdAt: String, createdFrom: String?, lastUsedAt: String?,
        lastUsedFrom: String?, expiresAt: String?, isThis: Bool
    ) {
        self.sessionID = sessionID
        self.browser = browser
        self.createdAt = createdAt
        self.createdFrom = createdFrom
        self.lastUsedAt = lastUsedAt
        self.lastUsedFrom = lastUsedFrom
        self.expiresAt = expiresAt
        self.isThis = isThis
    }
}

/// A document that people agree to before they go on.
package struct ConsentView: Sendable, Codable, Hashable {
    /// Its address.
    package var document: String
    package var version: String

    package init(document: String, version: String) {
        self.document = document
        self.version = version
    }
}

/// `POST /api/v1/sessions/end`.
package struct SessionEnding: Sendable, Codable, Hashable {
    /// Whose; the caller's own but this one if nil.
    package var member: String?

    package init(member: String? = nil) { self.member = member }
}

/// How many sessions were ended.
package struct SessionsEnded: Sendable, Codable, Hashable {
    package var ended: Int

    package init(ended: Int) { self.ended = ended }
}

/// `POST /api/v1/account/erase`.
package struct AccountErasure: Sendable, Codable, Hashable {
    /// The caller's own name, so that it is nobody else's account by mistake.
    package var confirm: String

    package init(confirm: String) { self.confirm = confirm }
}

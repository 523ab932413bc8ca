package import Kernel

/// API tokens and services. A token gives what its owner's roles give at the moment of its use, narrowed by its scopes.
package protocol TokenOperations: Sendable {
    /// - Parameter all: everybody's, which takes the right to manage tokens; else the caller's own.
    func tokens(all: Bool, as caller: Caller) async throws -> [TokenView]
    /// A token for the caller, or for a service. It is shown this once.
    /// - Throws: `invalidInput`; `forbidden` if it would give more than the caller has; `notFound` for no such service.
    func makeToken(_ request: TokenRequest, as caller: Caller) async throws -> TokenMade
    /// A new secret with the same name and scopes; the old one goes on for a grace time.
    /// - Throws: `notFound`, also for tokens of others; `invalidInput`; `forbidden`.
    func rotateToken(_ id: CredentialID, _ request: TokenRotation, as caller: Caller) async throws -> TokenMade
    /// It opens nothing from this moment.
    /// - Throws: `notFound`.
    func revokeToken(_ id: CredentialID, as caller: Caller) async throws

    func services(as caller: Caller) async throws -> [ServiceView]
    /// - Throws: `invalidInput`, `conflict`; `forbidden` for roles that the caller may not give.
    func makeService(_ request: ServiceRequest, as caller: Caller) async throws -> ServiceView
    /// Its tokens are worth nothing from this moment.
    /// - Throws: `notFound`.
    func removeService(_ name: String, as caller: Caller) async throws
}

/// What a token may last.
package enum TokenDays {
    package static let usual = 90
    package static let most = 366
    /// The longest time that an old secret goes on beside the new one.
    package static let mostGraceHours = 7 * 24
}

/// `POST /api/v1/tokens`.
package struct TokenRequest: Sendable, Codable, Hashable {
    /// What it is for, in the owner's words.
    package var name: String
    /// `read`, `all`, or permissions.
    package var scopes: [String]
    /// 1 to 366; 90 if nil.
    package var days: Int?
    /// A service's name; the caller's own if nil.
    package var service: String?

    package init(name: String, scopes: [String], days: Int? = nil, service: String? = nil) {
        self.name = name
        self.scopes = scopes
        self.days = days
        self.service = service
    }
}

/// `POST /api/v1/tokens/{id}/rotate`.
package struct TokenRotation: Sendable, Codable, Hashable {
    /// How long the old secret goes on, 0 to 168 hours; 24 if nil.
    package var graceHours: Int?
    /// How long the new one lasts; as long as the old one was made for if nil.
    package var days: Int?

    package init(graceHours: Int? = nil, days: Int? = nil) {
        self.graceHours = graceHours
        self.days = days
    }
}

/// A token as lists show it.
package struct TokenView: Sendable, Codable, Hashable {
    package var tokenID: String
    package var name: String?
    /// How it begins: `weir_token_AbCd`.
    package var prefix: String?
    /// Who it speaks for.
    package var owner: String
    package var isService: Bool
    /// Names of scopes; `all` if nothing narrows it.
    package var scopes: [String]
    package var createdBy: String?
    package var createdAt: String
    package var expiresAt: String?
    package var lastUsedAt: String?
    package var lastUsedFrom: String?
    /// Whether this request came with it.
    package var isThis: Bool

    package init(
        tokenID: String, name: String?, prefix: String?, owner: String, isService: Bool, scopes: [String],
        createdBy: String?, createdAt: String, expiresAt: String?, lastUsedAt: String?, lastUsedFrom: String?,
        isThis: Bool
    ) {
        self.tokenID = tokenID
        self.name = name
        self.prefix = prefix
        self.owner = owner
        self.isService = isService
        self.scopes = scopes
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
        self.lastUsedFrom = lastUsedFrom
        self.isThis = isThis
    }
}

/// A new token: the only answer that ever holds its secret.
package struct TokenMade: Sendable, Codable, Hashable {
    package var token: TokenView
    package var secret: String

    package init(token: TokenView, secret: String) {
        self.token = token
        self.secret = secret
    }
}

/// A role in an environment; nil: in the whole organization.
package struct PlacedRole: Sendable, Codable, Hashable {
    package var role: String
    package var environment: String?

    package init(role: String, environment: String? = nil) {
        self.role = role
        self.environment = environment
    }
}

/// `POST /api/v1/services`.
package struct ServiceRequest: Sendable, Codable, Hashable {
    /// Small letters, digits and `-`, led by a letter, at most 60.
    package var name: String
    package var roles: [PlacedRole]

    package init(name: String, roles: [PlacedRole]) {
        self.name = name
        self.roles = roles
    }
}

package struct ServiceView: Sendable, Codable, Hashable {
    package var serviceID: String
    package var name: String
    package var roles: [PlacedRole]
    package var createdAt: String
    package var lastSeenAt: String?
    /// Tokens that are not over.
    package var tokens: Int

    package init(
        serviceID: String, name: String, roles: [PlacedRole], createdAt: String, lastSeenAt: String?, tokens: Int
    ) {
        self.serviceID = serviceID
        self.name = name
        self.roles = roles
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.tokens = tokens
    }
}

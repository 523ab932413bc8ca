/// How people sign in to an organization: its issuers, and whom of their accounts it lets in.
package protocol IssuerOperations: Sendable {
    /// The organization's own and those that are shared with all, by name.
    func issuers(as caller: Caller) async throws -> [IssuerView]
    /// Sets an issuer up after its provider has been asked, or changes how it is used. The same again changes nothing.
    /// - Throws: `invalidInput` for what the provider is not; `conflict` for another identifier or client id under this
    ///   name; `forbidden` for a private address, or another organization's issuer.
    func putIssuer(_ name: String, _ request: IssuerRequest, as caller: Caller) async throws -> IssuerView
    /// With its rules, and all roles that they gave.
    /// - Throws: `notFound`; `conflict` while other organizations have rules for it.
    func removeIssuer(_ name: String, as caller: Caller) async throws
    /// Asks the provider what it says of itself and for its keys; keeps nothing.
    /// - Throws: `notFound`; what is wrong with the provider.
    func testIssuer(_ name: String, as caller: Caller) async throws -> IssuerCheck

    func signInRules(as caller: Caller) async throws -> [SignInRuleView]
    /// The same again changes nothing.
    /// - Throws: `invalidInput`; `notFound` for an issuer that is not to be seen; `forbidden` for a role that the caller
    ///   may not give.
    func addSignInRule(_ request: SignInRuleRequest, as caller: Caller) async throws -> SignInRuleView
    /// The roles that it gave go at once.
    /// - Throws: `notFound`.
    func removeSignInRule(_ id: String, as caller: Caller) async throws
}

/// `PUT /api/v1/issuers/{name}`. What is absent is as `docs/sign-in.md` says.
package struct IssuerRequest: Sendable, Codable, Hashable {
    /// What the button says; the name if nil.
    package var label: String?
    /// The identifier, exactly as the provider writes it.
    package var issuer: String
    package var clientID: String
    /// Nil: a public client, or the one that is kept already.
    package var clientSecret: String?
    /// `client_secret_basic`, `client_secret_post` or `none`.
    package var authentication: String?
    package var scopes: [String]?
    package var groupsClaim: String?
    package var algorithms: [String]?
    package var trustedDomains: [String]?
    package var hostedDomain: String?
    package var tenants: [String]?

    package init(
        label: String? = nil, issuer: String, clientID: String, clientSecret: String? = nil,
        authentication: String? = nil, scopes: [String]? = nil, groupsClaim: String? = nil,
        algorithms: [String]? = nil, trustedDomains: [String]? = nil, hostedDomain: String? = nil,
        tenants: [String]? = nil
    ) {
        self.label = label
        self.issuer = issuer
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.authentication = authentication
        self.scopes = scopes
        self.groupsClaim = groupsClaim
        self.algorithms = algorithms
        self.trustedDomains = trustedDomains
        self.hostedDomain = hostedDomain
        self.tenants = tenants
    }
}

package struct IssuerView: Sendable, Codable, Hashable {
    package var name: String
    package var label: String
    package var issuer: String
    package var clientID: String
    package var authentication: String
    package var scopes: [String]
    package var groupsClaim: String
    package var algorithms: [String]
    package var trustedDomains: [String]
    package var hostedDomain: String?
    package var tenants: [String]
    /// Whether all organizations may have rules for it.
    package var isShared: Bool
    /// Whether the caller's organization may change it.
    package var isOwn: Bool
    /// What is to be registered at the provider.
    package var redirectURL: String
    package var backchannelLogoutURL: String

    package init(
        name: String, label: String, issuer: String, clientID: String, authentication: String, scopes: [String],
        groupsClaim: String, algorithms: [String], trustedDomains: [String], hostedDomain: String?, tenants: [String],
        isShared: Bool, isOwn: Bool, redirectURL: String, backchannelLogoutURL: String
    ) {
        self.name = name
        self.label = label
        self.issuer = issuer
        self.clientID = clientID
        self.authentication = authentication
        self.scopes = scopes
        self.groupsClaim = groupsClaim
        self.algorithms = algorithms
        self.trustedDomains = trustedDomains
        self.hostedDomain = hostedDomain
        self.tenants = tenants
        self.isShared = isShared
        self.isOwn = isOwn
        self.redirectURL = redirectURL
        self.backchannelLogoutURL = backchannelLogoutURL
    }
}

/// What a provider answers now.
package struct IssuerCheck: Sendable, Codable, Hashable {
    package var issuer: String
    package var authorizationEndpoint: String
    package var tokenEndpoint: String
    /// Keys that tokens may be signed with here.
    package var keys: Int
    package var hasUserInfo: Bool
    package var hasLogout: Bool

    package init(
        issuer: String, authorizationEndpoint: String, tokenEndpoint: String, keys: Int, hasUserInfo: Bool,
        hasLogout: Bool
    ) {
        self.issuer = issuer
        self.authorizationEndpoint = authorizationEndpoint
        self.tokenEndpoint = tokenEndpoint
        self.keys = keys
        self.hasUserInfo = hasUserInfo
        self.hasLogout = hasLogout
    }
}

/// `POST /api/v1/sign-in-rules`.
package struct SignInRuleRequest: Sendable, Codable, Hashable {
    /// The issuer's name.
    package var issuer: String
    /// `domain`, `claim` or `group`.
    package var kind: String
    /// Of the kind `claim`.
    package var claim: String?
    package var value: String
    /// Any but `owner`.
    package var role: String
    /// Nil: all of the organization.
    package var environment: String?

    package init(
        issuer: String, kind: String, claim: String? = nil, value: String, role: String, environment: String? = nil
    ) {
        self.issuer = issuer
        self.kind = kind
        self.claim = claim
        self.value = value
        self.role = role
        self.environment = environment
    }
}

package struct SignInRuleView: Sendable, Codable, Hashable {
    package var ruleID: String
    package var issuer: String
    package var kind: String
    package var claim: String?
    package var value: String
    package var role: String
    package var environment: String?

    package init(
        ruleID: String, issuer: String, kind: String, claim: String?, value: String, role: String, environment: String?
    ) {
        self.ruleID = ruleID
        self.issuer = issuer
        self.kind = kind
        self.claim = claim
        self.value = value
        self.role = role
        self.environment = environment
    }
}

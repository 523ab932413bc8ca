package import Foundation
package import Kernel

/// What a provider says of itself (OpenID Connect Discovery 1.0, section 3; RP-Initiated Logout 1.0, section 2.1;
/// RFC 9207, section 3).
package struct ProviderMetadata: Sendable, Hashable {
    /// As the provider writes it: with `{tenantid}` where Entra ID speaks for many tenants.
    package let issuer: String
    package let authorization: EndpointAddress
    package let token: EndpointAddress
    package let keys: EndpointAddress
    package let userInfo: EndpointAddress?
    package let endSession: EndpointAddress?
    /// Whether each answer to the browser names the issuer, so that one without it is none.
    package let namesIssuer: Bool
    private let authentications: [String]

    /// Entra ID's issuer of the endpoints for all tenants is a template.
    static let tenantTemplate = "{tenantid}"
    /// What stands in its place in the addresses of those endpoints.
    private static let manyTenants = ["common", "organizations", "consumers"]

    /// Whether the token endpoint takes a client that proves itself so.
    package func takes(_ authentication: Issuer.Authentication) -> Bool {
        authentications.contains(authentication.rawValue)
    }

    package var isForManyTenants: Bool { issuer.contains(Self.tenantTemplate) }

    /// Where the document of an issuer is (section 4.1).
    static func address(of issuer: String) throws(Problem) -> EndpointAddress {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        return try EndpointAddress(base + "/.well-known/openid-configuration", named: "issuer")
    }

    /// - Throws: `invalidInput` if it is not a document about `issuer`, or lacks what sign-in needs.
    package init(_ document: Data, of issuer: String) throws(Problem) {
        let hint = "Check the address of the issuer: it must be written exactly as the provider does."
        guard let tree = try? JSONTree(document), let own = tree["issuer"]?.text else {
            throw Problem(.invalidInput, "There is no OpenID provider at this address.", hint: hint)
        }
        guard Self.isSame(own, as: issuer) else {
            throw Problem(.invalidInput, "The provider calls itself \(own.prefix(200)), not \(issuer).", hint: hint)
        }
        func endpoint(_ name: String) throws(Problem) -> EndpointAddress? {
            guard let text = tree[name]?.text else { return nil }
            return try EndpointAddress(text, named: name)
        }
        guard let authorization = try endpoint("authorization_endpoint"), let token = try endpoint("token_endpoint"),
            let keys = try endpoint("jwks_uri")
        else {
            throw Problem(
                .invalidInput, "The provider does not name its endpoints.",
                hint: "Weirhouse needs authorization_endpoint, token_endpoint and jwks_uri.")
        }
        self.issuer = own
        self.authorization = authorization
        self.token = token
        self.keys = keys
        userInfo = try endpoint("userinfo_endpoint")
        endSession = try endpoint("end_session_endpoint")
        namesIssuer = tree["authorization_response_iss_parameter_supported"]?.bool ?? false
        authentications = tree["token_endpoint_auth_methods_supported"]?.texts ?? ["client_secret_basic"]
    }

    /// Section 4.3: the two are equal, to the letter. Entra ID's template stands for the addresses of many tenants.
    private static func isSame(_ own: String, as issuer: String) -> Bool {
        own == issuer
            || own.contains(tenantTemplate)
                && manyTenants.contains { own.replacing(tenantTemplate, with: $0) == issuer }
    }

    /// Whose token it must be: the template filled with the token's own tenant, which is a UUID.
    /// - Throws: `TokenFault.tenant` without such a claim.
    func issuer(for claims: JSONTree) throws(TokenFault) -> String {
        guard isForManyTenants else { return issuer }
        guard let tenant = claims["tid"]?.text, UUID(uuidString: tenant) != nil else { throw .tenant }
        return issuer.replacing(Self.tenantTemplate, with: tenant)
    }

    /// Whether a key may sign for an issuer: Entra ID publishes keys of several issuers in one set.
    func allows(_ key: VerificationKey, for issuer: String, _ claims: JSONTree) -> Bool {
        guard let owner = key.issuer else { return true }
        return owner.replacing(Self.tenantTemplate, with: claims["tid"]?.text ?? "") == issuer
    }
}

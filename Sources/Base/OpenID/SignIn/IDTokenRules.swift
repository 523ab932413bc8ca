package import Foundation

/// What a token has to say to be believed. `IDTokenRules` and `LogoutTokenRules` are both made of it.
struct TokenRules: Sendable {
    /// How far two clocks may be apart, in seconds.
    static let skew: TimeInterval = 60

    let issuer: Issuer
    let metadata: ProviderMetadata

    /// The signature, then who, for whom and when (Core 1.0, section 3.1.3.7, points 2 to 10). The issuer that the token
    /// is from, which for many tenants is one of theirs.
    func check(_ token: SignedToken, signedWith key: VerificationKey, at now: Date) throws(TokenFault) -> String {
        guard issuer.algorithms.contains(token.algorithm) else { throw .algorithm(token.algorithm.rawValue) }
        guard key.fits(token.algorithm) else { throw .unknownKey }
        guard key.verifies(token) else { throw .signature }
        let claims = token.claims
        guard let own = claims["iss"]?.text, own == (try metadata.issuer(for: claims)) else { throw .issuer }
        guard metadata.allows(key, for: own, claims) else { throw .issuer }
        try checkAudience(claims)
        try checkTimes(claims, now)
        try checkTenant(claims)
        return own
    }

    /// Nobody else is trusted, so this application is the only one that a token may be for.
    private func checkAudience(_ claims: JSONTree) throws(TokenFault) {
        let audiences = claims["aud"]?.text.map { [$0] } ?? claims["aud"]?.texts ?? []
        guard audiences == [issuer.clientID] else { throw .audience }
        if let party = claims["azp"], party.text != issuer.clientID { throw .audience }
    }

    private func checkTimes(_ claims: JSONTree, _ now: Date) throws(TokenFault) {
        guard let expires = claims["exp"]?.moment, let issued = claims["iat"]?.moment else { throw .malformed }
        guard expires.addingTimeInterval(Self.skew) > now else { throw .expired }
        guard issued.addingTimeInterval(-Self.skew) <= now else { throw .notYetValid }
        if let begins = claims["nbf"] {
            guard let moment = begins.moment else { throw .malformed }
            guard moment.addingTimeInterval(-Self.skew) <= now else { throw .notYetValid }
        }
    }

    private func checkTenant(_ claims: JSONTree) throws(TokenFault) {
        if let hosted = issuer.hostedDomain, claims["hd"]?.text?.lowercased() != hosted.lowercased() { throw .tenant }
        if !issuer.tenants.isEmpty, !issuer.tenants.contains(claims["tid"]?.text?.lowercased() ?? "") { throw .tenant }
    }

    /// `sub`: at most 255 ASCII characters (Core 1.0, section 2).
    static func subject(of claims: JSONTree) throws(TokenFault) -> String? {
        guard let claim = claims["sub"] else { return nil }
        guard let subject = claim.text, !subject.isEmpty, subject.utf8.count <= 255,
            subject.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw .subject }
        return subject
    }

    /// `sid`: the provider's session.
    static func session(of claims: JSONTree) throws(TokenFault) -> String? {
        guard let claim = claims["sid"] else { return nil }
        guard let session = claim.text, (1...500).contains(session.utf8.count) else { throw .malformed }
        return session
    }
}

/// An ID token that is believed.
package struct IDToken: Sendable, Hashable {
    /// Together they name the account for ever (Core 1.0, section 5.7): an e-mail address does not.
    package let issuer: String
    package let subject: String
    /// The provider's session, if it says so: what a logout token may name.
    package let session: String?
    package let claims: JSONTree
}

/// Core 1.0, section 3.1.3.7.
package struct IDTokenRules: Sendable {
    private let rules: TokenRules
    private let nonce: String
    private let accessToken: String?

    /// - Parameter accessToken: what came with the ID token, for `at_hash`.
    package init(issuer: Issuer, metadata: ProviderMetadata, nonce: String, accessToken: String?) {
        rules = TokenRules(issuer: issuer, metadata: metadata)
        self.nonce = nonce
        self.accessToken = accessToken
    }

    /// - Throws: `TokenFault`.
    package func check(
        _ token: SignedToken, signedWith key: VerificationKey, at now: Date
    ) throws(TokenFault) -> IDToken {
        guard token.type == nil || token.type == "jwt" else { throw .type(token.type ?? "") }
        let issuer = try rules.check(token, signedWith: key, at: now)
        let claims = token.claims
        guard let subject = try TokenRules.subject(of: claims) else { throw .subject }
        guard !nonce.isEmpty, claims["nonce"]?.text == nonce else { throw .nonce }
        if let hash = claims["at_hash"] {
            guard let accessToken, hash.text == token.algorithm.halfHash(of: accessToken) else {
                throw .accessTokenHash
            }
        }
        return IDToken(
            issuer: issuer, subject: subject, session: try TokenRules.session(of: claims), claims: claims)
    }
}

package import Foundation

/// A provider's word that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0, section 2.4).
package struct LogoutToken: Sendable, Hashable {
    package let issuer: String
    /// At least one of the two is there: all sessions of that account, or one.
    package let subject: String?
    package let session: String?
    /// `jti`: it counts once. Whoever acts on it remembers it until `expires`.
    package let id: String
    package let expires: Date
}

/// Back-Channel Logout 1.0, section 2.6.
package struct LogoutTokenRules: Sendable {
    private static let event = "http://schemas.openid.net/event/backchannel-logout"

    private let rules: TokenRules

    package init(issuer: Issuer, metadata: ProviderMetadata) {
        rules = TokenRules(issuer: issuer, metadata: metadata)
    }

    /// - Throws: `TokenFault`.
    package func check(
        _ token: SignedToken, signedWith key: VerificationKey, at now: Date
    ) throws(TokenFault) -> LogoutToken {
        guard [nil, "jwt", "logout+jwt"].contains(token.type) else { throw .type(token.type ?? "") }
        let issuer = try rules.check(token, signedWith: key, at: now)
        let claims = token.claims
        // An ID token has a nonce, and must not serve as a logout token.
        guard claims["nonce"] == nil, case .object = claims["events"]?[Self.event] else { throw .noLogout }
        let (subject, session) = (try TokenRules.subject(of: claims), try TokenRules.session(of: claims))
        guard subject != nil || session != nil, let id = claims["jti"]?.text, (1...500).contains(id.utf8.count),
            let expires = claims["exp"]?.moment
        else { throw .noLogout }
        return LogoutToken(
            issuer: issuer, subject: subject, session: session, id: id,
            expires: expires.addingTimeInterval(TokenRules.skew))
    }
}

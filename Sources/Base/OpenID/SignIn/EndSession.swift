/// Signing out at the provider too (OpenID Connect RP-Initiated Logout 1.0, section 2).
package enum EndSession {
    /// Nil if the provider has no such page. The ID token is not kept, so the client id names the application.
    /// - Parameter after: where the browser comes back to; registered at the provider.
    package static func address(
        of issuer: Issuer, _ metadata: ProviderMetadata, hint: String? = nil, after: String
    ) -> String? {
        var parameters = [("client_id", issuer.clientID), ("post_logout_redirect_uri", after)]
        if let hint { parameters.append(("logout_hint", hint)) }
        return metadata.endSession?.adding(parameters)
    }
}

internal import Crypto
package import Foundation
package import Kernel

/// What a sign-in that has begun must remember until the browser comes back. All of it is secret.
package struct SignInSecrets: Sendable, Hashable {
    /// Returned by the browser: ties the answer to the browser that asked (RFC 6749, section 10.12).
    package let state: String
    /// Returned in the ID token: ties the token to this sign-in (Core 1.0, section 15.5.2).
    package let nonce: String
    /// PKCE (RFC 7636, section 4.1): shows that who redeems the code has asked for it.
    package let verifier: String

    package init(state: String, nonce: String, verifier: String) {
        self.state = state
        self.nonce = nonce
        self.verifier = verifier
    }

    /// All three from one seed of at least 32 random bytes (HMAC-SHA256 of a word each): the browser's cookie holds the
    /// seed, and nothing else has to be kept.
    package init(seed: Secret<String>) {
        let key = SymmetricKey(data: Data(seed.reveal().utf8))
        func derived(_ word: String) -> String {
            Base64URL.encode(HMAC<SHA256>.authenticationCode(for: Data("weir sign-in \(word)".utf8), using: key))
        }
        self.init(state: derived("state"), nonce: derived("nonce"), verifier: derived("verifier"))
    }

    /// What is kept of a sign-in that has begun: SHA-256 of the state.
    package var stateHash: Data { Data(SHA256.hash(data: Data(state.utf8))) }

    /// RFC 7636, section 4.2: `S256`.
    var challenge: String { Base64URL.encode(SHA256.hash(data: Data(verifier.utf8))) }
}

/// The way to the provider (Core 1.0, section 3.1.2.1): code flow with PKCE, state and nonce.
package struct AuthorizationRequest: Sendable {
    package let issuer: Issuer
    package let metadata: ProviderMetadata
    package let secrets: SignInSecrets
    /// Where the browser comes back to; registered at the provider.
    package let redirect: String
    /// The address the person has typed; the provider then need not ask for it again.
    package let loginHint: String?

    package init(
        issuer: Issuer, metadata: ProviderMetadata, secrets: SignInSecrets, redirect: String, loginHint: String? = nil
    ) {
        self.issuer = issuer
        self.metadata = metadata
        self.secrets = secrets
        self.redirect = redirect
        self.loginHint = loginHint
    }

    /// Where the browser is sent.
    package var address: String {
        var parameters = [
            ("response_type", "code"), ("client_id", issuer.clientID), ("redirect_uri", redirect),
            ("scope", issuer.scopes.joined(separator: " ")), ("state", secrets.state), ("nonce", secrets.nonce),
            ("code_challenge", secrets.challenge), ("code_challenge_method", "S256"),
        ]
        if let hosted = issuer.hostedDomain { parameters.append(("hd", hosted)) }
        if let loginHint { parameters.append(("login_hint", loginHint)) }
        return metadata.authorization.adding(parameters)
    }
}

/// What the browser brings back (RFC 6749, section 4.1.2).
package struct AuthorizationAnswer: Sendable, Hashable {
    package let state: String?
    package let code: String?
    package let error: String?
    /// RFC 9207.
    package let issuer: String?

    package init(state: String?, code: String?, error: String?, issuer: String?) {
        self.state = state
        self.code = code
        self.error = error
        self.issuer = issuer
    }

    /// The code, if the answer comes from the provider that was asked.
    /// - Throws: `unauthenticated`: the provider said no, the answer is another provider's, or there is no code.
    package func code(from metadata: ProviderMetadata) throws(Problem) -> String {
        if let issuer, issuer != metadata.issuer { throw TokenFault.issuer.problem }
        // Whoever mixes two providers up leaves it out (RFC 9207, section 2.4).
        if issuer == nil, metadata.namesIssuer { throw TokenFault.issuer.problem }
        if let error {
            let detail =
                error == "access_denied"
                ? "The sign-in was not allowed at the provider, or was given up there."
                : "The provider refused the sign-in: \(plainWord(error))."
            throw Problem(.unauthenticated, detail, hint: "Sign in again, or ask whoever runs the provider.")
        }
        guard let code, !code.isEmpty, code.utf8.count <= 4096 else {
            throw Problem(.unauthenticated, "The provider has sent no code.", hint: "Sign in again.")
        }
        return code
    }
}

/// An error code of somebody else, safe to show: RFC 6749, section 5.2, has letters and `_`.
func plainWord(_ text: String) -> String {
    let word = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }.prefix(60)
    return word.isEmpty ? "unknown_error" : String(word)
}

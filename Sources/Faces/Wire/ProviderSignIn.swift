package import Kernel

/// Signing in through an issuer, for somebody who is nobody yet (OpenID Connect Core 1.0, section 3.1).
package protocol ProviderSignInOperations: Sendable {
    /// What the sign-in page offers.
    func signInOffer() async throws -> SignInOffer
    /// Who signs in people of this e-mail address, by the address's domain alone: it tells nothing of the person.
    /// - Throws: `invalidInput` for what is no address; `notFound` if nobody does.
    func issuers(forEmail email: String) async throws -> [SignInButton]
    /// The way to the provider.
    /// - Parameter returnPath: where the console goes on afterwards; its own path.
    /// - Throws: `notFound` for an unknown issuer; what is wrong with the provider.
    func beginSignIn(with issuer: String, returnPath: String, email: String?) async throws -> SignInBegun
    /// The way back: checks all that has come, and opens a session.
    /// - Throws: `unauthenticated` if it is not to be believed or has come before; `forbidden` if nobody has let this
    ///   account in; what is wrong with the provider.
    func finishSignIn(_ answer: SignInAnswer) async throws -> SignInFinished
    /// Ends a session, as `closeSession` does, whatever becomes of the provider. Where its holder can sign out there too;
    /// nil if it came from none, or that has no such page or does not answer.
    func signOut(_ session: String) async throws -> ProviderSignOut?
    /// A provider's word that somebody has signed out there (Back-Channel Logout 1.0).
    /// - Throws: `invalidInput` for a token that is not believed; `notFound` for an unknown issuer.
    func signOutByProvider(_ issuer: String, token: String) async throws
}

package struct SignInButton: Sendable, Hashable {
    package var name: String
    package var label: String

    package init(name: String, label: String) {
        self.name = name
        self.label = label
    }
}

package struct SignInOffer: Sendable, Hashable {
    /// Issuers that everybody may know of.
    package var buttons: [SignInButton]
    /// Whether there are others, found by the domain of an e-mail address.
    package var asksForEmail: Bool

    package init(buttons: [SignInButton], asksForEmail: Bool) {
        self.buttons = buttons
        self.asksForEmail = asksForEmail
    }
}

package struct SignInBegun: Sendable {
    /// At the provider.
    package var address: String
    /// For the browser's cookie, ten minutes long: state, nonce and PKCE verifier come from it, and are kept nowhere else.
    package var seed: Secret<String>

    package init(address: String, seed: Secret<String>) {
        self.address = address
        self.seed = seed
    }
}

/// What the browser brings back from the provider.
package struct SignInAnswer: Sendable {
    /// The name of the issuer whose way back it is.
    package var through: String
    package var state: String?
    package var code: String?
    package var error: String?
    /// `iss` (RFC 9207).
    package var issuer: String?
    /// The cookie's; nil if there is none.
    package var seed: Secret<String>?
    /// The session that this browser had, which ends.
    package var oldSession: String?

    package init(
        through: String, state: String?, code: String?, error: String?, issuer: String?, seed: Secret<String>?,
        oldSession: String?
    ) {
        self.through = through
        self.state = state
        self.code = code
        self.error = error
        self.issuer = issuer
        self.seed = seed
        self.oldSession = oldSession
    }
}

package struct SignInFinished: Sendable {
    package var session: Secret<String>
    package var returnPath: String

    package init(session: Secret<String>, returnPath: String) {
        self.session = session
        self.returnPath = returnPath
    }
}

package struct ProviderSignOut: Sendable, Hashable {
    package var label: String
    package var address: String

    package init(label: String, address: String) {
        self.label = label
        self.address = address
    }
}

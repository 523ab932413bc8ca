package import Kernel

/// Why a token is not believed.
package enum TokenFault: Error, Sendable, Hashable {
    case tooLong
    /// It is not three parts of base64url with JSON objects in the first two, or a claim is not what it has to be.
    case malformed
    /// Signed in a way that is not allowed; `none` and `HS256` among them.
    case algorithm(String)
    /// It asks for an extension that has to be understood.
    case critical
    /// A token for another use.
    case type(String)
    /// None of the issuer's keys is of this id, or fits.
    case unknownKey
    case signature
    case issuer
    case audience
    case expired
    /// `nbf` or `iat` lies in the future.
    case notYetValid
    case nonce
    /// `at_hash` belongs to another access token.
    case accessTokenHash
    /// No `sub`, or another one than was asked for.
    case subject
    /// A hosted domain or tenant that this issuer is not set up for.
    case tenant
    /// No logout event, or something that a logout token must not have.
    case noLogout

    /// One sentence for the person who wanted to sign in, and for whoever runs the house.
    package var reason: String {
        switch self {
        case .tooLong: "The provider's token is longer than \(SignedToken.mostBytes / 1024) KB."
        case .malformed: "The provider's token cannot be read."
        case .algorithm(let name):
            "The provider's token is signed with '\(name.filter { $0.isASCII && $0.isLetter || $0.isNumber })', which is not allowed."
        case .critical: "The provider's token asks for an extension that is not known here."
        case .type: "The provider's token is meant for something else than signing in."
        case .unknownKey: "The provider's token is signed with a key that the provider does not publish."
        case .signature: "The signature of the provider's token is wrong."
        case .issuer: "The token was issued by somebody else than this provider."
        case .audience: "The token was issued for another application."
        case .expired: "The provider's token has expired."
        case .notYetValid: "The provider's token is not valid yet."
        case .nonce: "The token belongs to another sign-in."
        case .accessTokenHash: "The provider's two tokens do not belong together."
        case .subject: "The provider does not say who it is."
        case .tenant: "The account belongs to an organization that this provider is not set up for."
        case .noLogout: "This is no logout token."
        }
    }

    /// `unauthenticated`, with what to do.
    package var problem: Problem {
        Problem(.unauthenticated, reason, hint: hint, cause: self)
    }

    private var hint: String {
        switch self {
        case .expired, .notYetValid: "Check that the clocks of both machines are right, then sign in again."
        case .algorithm: "Set the application up at the provider to sign with RS256 or ES256."
        case .tenant: "Sign in with an account of your organization."
        case .audience, .issuer: "Check issuer and client id (weir issuers list), then sign in again."
        default: "Sign in again. If it happens again, tell whoever runs Weirhouse."
        }
    }
}

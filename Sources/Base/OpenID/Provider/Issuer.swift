package import Kernel

/// An OpenID provider as whoever runs Weirhouse has set it up.
package struct Issuer: Sendable {
    /// How Weirhouse proves itself at the token endpoint (Core 1.0, section 9).
    package enum Authentication: String, Sendable, Codable, CaseIterable {
        case basic = "client_secret_basic"
        case post = "client_secret_post"
        /// A public client: PKCE alone.
        case none
    }

    /// The word in addresses and commands.
    package var name: String
    /// The issuer identifier, exactly as the provider writes it.
    package var identifier: String
    package var clientID: String
    package var clientSecret: Secret<String>?
    package var authentication: Authentication
    /// `openid` is always among them.
    package var scopes: [String]
    /// The claim that lists a person's groups.
    package var groupsClaim: String
    package var algorithms: Set<SigningAlgorithm>
    /// E-mail domains for which the provider's word counts without `email_verified`. In lower case.
    package var trustedDomains: Set<String>
    /// Google's `hd`: only accounts of this hosted domain; nil: all.
    package var hostedDomain: String?
    /// Entra ID's `tid`: only accounts of these tenants; empty: all.
    package var tenants: Set<String>

    package init(
        name: String, identifier: String, clientID: String, clientSecret: Secret<String>? = nil,
        authentication: Authentication = .basic, scopes: [String] = ["openid", "email", "profile"],
        groupsClaim: String = "groups", algorithms: Set<SigningAlgorithm> = [.rs256, .ps256, .es256],
        trustedDomains: Set<String> = [], hostedDomain: String? = nil, tenants: Set<String> = []
    ) {
        self.name = name
        self.identifier = identifier
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.authentication = clientSecret == nil ? .none : authentication
        self.scopes = scopes.contains("openid") ? scopes : ["openid"] + scopes
        self.groupsClaim = groupsClaim
        self.algorithms = algorithms
        self.trustedDomains = trustedDomains
        self.hostedDomain = hostedDomain
        self.tenants = tenants
    }

    /// Google says that an address of somebody else's domain is verified when it once was; only with `hd` does it speak
    /// for the domain ("Verify the Google ID token", developers.google.com/identity).
    var speaksOnlyForHostedDomains: Bool { identifier == "https://accounts.google.com" }

    /// - Throws: `invalidInput` for an identifier that cannot be one: it is an `https` address without query or fragment
    ///   (Discovery 1.0, section 3). `http` is for a provider on this machine.
    package func check() throws(Problem) {
        let form = "Write it exactly as the provider does, such as https://login.example.com."
        let address = try EndpointAddress(identifier, named: "issuer")
        guard !identifier.contains("?"), !identifier.contains("#"), identifier.utf8.count <= 500 else {
            throw Problem(.invalidInput, "An issuer has no query and no fragment.", hint: form)
        }
        guard address.isSecure || address.isLocal else {
            throw Problem(.invalidInput, "An issuer's address begins with https://.", hint: form)
        }
        guard !clientID.isEmpty, clientID.utf8.count <= 500 else {
            throw Problem(.invalidInput, "The client id is missing.", hint: "The provider gave it to the application.")
        }
        guard !algorithms.isEmpty else {
            throw Problem(.invalidInput, "No algorithm is allowed.", hint: "Allow RS256 at least.")
        }
    }
}

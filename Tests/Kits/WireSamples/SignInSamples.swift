import Foundation
package import Kernel
package import Wire

extension WireSamples {
    package static let issuer = IssuerView(
        name: "acme", label: "Acme", issuer: "https://login.acme.example", clientID: "weirhouse",
        authentication: "client_secret_basic", scopes: ["openid", "email"], groupsClaim: "groups",
        algorithms: ["ES256", "RS256"], trustedDomains: ["acme.example"], hostedDomain: "acme.example",
        tenants: ["8d3e4b5c-1111-4222-8333-9f0a1b2c3d4e"], isShared: true, isOwn: true,
        redirectURL: "https://weir.acme.example/sign-in/callback/acme",
        backchannelLogoutURL: "https://weir.acme.example/sign-in/backchannel/acme")

    package static let issuerCheck = IssuerCheck(
        issuer: "https://login.acme.example", authorizationEndpoint: "https://login.acme.example/authorize",
        tokenEndpoint: "https://login.acme.example/token", keys: 2, hasUserInfo: true, hasLogout: true)

    package static let signInRule = SignInRuleView(
        ruleID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a07", issuer: "acme", kind: "claim", claim: "department",
        value: "data", role: "engineer", environment: "dev")

    package static let directoryUser = DirectoryUser(
        id: PrincipalID("0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a08") ?? ID(.init()), email: "alice@acme.example",
        display: "Alice", isActive: true, createdAt: moment, changedAt: moment)
}

extension IssuerOperations {
    package func issuers(as caller: Caller) async throws -> [IssuerView] { [WireSamples.issuer] }

    package func putIssuer(
        _ name: String, _ request: IssuerRequest, as caller: Caller
    ) async throws -> IssuerView { WireSamples.issuer }

    package func removeIssuer(_ name: String, as caller: Caller) async throws { try known(name) }

    package func testIssuer(_ name: String, as caller: Caller) async throws -> IssuerCheck {
        try known(name)
        return WireSamples.issuerCheck
    }

    private func known(_ name: String) throws {
        guard name == WireSamples.issuer.name else { throw Problem(.notFound, "There is no issuer \(name).") }
    }

    package func signInRules(as caller: Caller) async throws -> [SignInRuleView] { [WireSamples.signInRule] }

    package func addSignInRule(
        _ request: SignInRuleRequest, as caller: Caller
    ) async throws -> SignInRuleView { WireSamples.signInRule }

    package func removeSignInRule(_ id: String, as caller: Caller) async throws {}
}

extension ProviderSignInOperations {
    package func signInOffer() async throws -> SignInOffer { SignInOffer(buttons: [], asksForEmail: false) }

    package func issuers(forEmail email: String) async throws -> [SignInButton] {
        [SignInButton(name: "acme", label: "Acme")]
    }

    package func beginSignIn(with issuer: String, returnPath: String, email: String?) async throws -> SignInBegun {
        guard issuer == "acme" else { throw Problem(.notFound, "There is no issuer \(issuer).") }
        return SignInBegun(address: "https://login.acme.example/authorize?state=s", seed: Secret("fixture-seed"))
    }

    /// Somebody who comes back with the right cookie gets a session and goes to the runs.
    package func finishSignIn(_ answer: SignInAnswer) async throws -> SignInFinished {
        guard answer.seed == Secret("fixture-seed"), answer.state == "s", answer.code == "good-code" else {
            throw Problem(.unauthenticated, "This answer belongs to another sign-in.", hint: "Sign in again.")
        }
        return SignInFinished(session: Secret("fixture-session"), returnPath: "/runs")
    }

    package func signOutByProvider(_ issuer: String, token: String) async throws {
        guard token == "good-token" else { throw Problem(.invalidInput, "This is no logout token.") }
    }
}

extension Operations {
    /// Sessions come from no provider.
    package func signOut(_ session: String) async throws -> ProviderSignOut? {
        try await closeSession(session)
        return nil
    }
}

extension DirectoryOperations {
    package func directoryUsers(
        email: String?, offset: Int, limit: Int, as caller: Caller
    ) async throws -> DirectoryPage { DirectoryPage(total: 1, users: limit > 0 ? [WireSamples.directoryUser] : []) }

    package func directoryUser(_ id: PrincipalID, as caller: Caller) async throws -> DirectoryUser {
        guard id == WireSamples.directoryUser.id else { throw Problem(.notFound, "There is no such user.") }
        return WireSamples.directoryUser
    }

    package func addDirectoryUser(_ change: DirectoryChange, as caller: Caller) async throws -> DirectoryUser {
        try await changeDirectoryUser(WireSamples.directoryUser.id, change, as: caller)
    }

    package func changeDirectoryUser(
        _ id: PrincipalID, _ change: DirectoryChange, as caller: Caller
    ) async throws -> DirectoryUser {
        var user = try await directoryUser(id, as: caller)
        user.email = change.email ?? user.email
        user.display = change.display ?? user.display
        user.isActive = change.isActive ?? user.isActive
        return user
    }
}

import Access
import Foundation
import Kernel
import OpenID
import Postgres
import Wire

/// Signing in through an issuer: begin, come back, be let in.
extension LiveOperations {
    func signInOffer() async throws -> SignInOffer {
        let rows = try await metadata {
            try await house.pool.withConnection { try await $0.query("SELECT * FROM weir.offered_issuers()") }
        }
        return SignInOffer(
            buttons: try rows.filter { try $0.bool("is_shared") }.map(Self.button),
            asksForEmail: try rows.contains { try !$0.bool("is_shared") })
    }

    func issuers(forEmail email: String) async throws -> [SignInButton] {
        guard let domain = Account.domain(of: email) else {
            throw Problem(.invalidInput, "This is no e-mail address.", hint: "Write it like name@company.example.")
        }
        let found = try await metadata {
            try await house.pool.withConnection { connection in
                try await connection.query("SELECT * FROM weir.issuers_of_domain(\(domain))")
            }
        }
        guard !found.isEmpty else {
            throw Problem(
                .notFound, "Nobody signs in people of \(domain) here.",
                hint: "Check the address, or ask an admin of your organization.")
        }
        return try found.map(Self.button)
    }

    private static func button(_ row: PGRow) throws -> SignInButton {
        SignInButton(name: try row.string("name"), label: try row.string("label"))
    }

    /// Each issuer has a way back of its own: a code of one that comes back to another is not sent there (OAuth 2.0 Security
    /// Best Current Practice, RFC 9700, section 4.4.2.2).
    func wayBack(from issuer: String) -> String { "\(address())/sign-in/callback/\(issuer)" }

    func beginSignIn(with issuer: String, returnPath: String, email: String?) async throws -> SignInBegun {
        let kept = try await metadata { try await house.issuers.find(issuer) }
        let description = try await house.issuers.client.metadata(of: kept.issuer)
        let seed = Secret(Gate.randomText())
        let secrets = SignInSecrets(seed: seed)
        _ = try await metadata {
            try await house.pool.withConnection { connection in
                try await connection.query(
                    """
                    SELECT weir.begin_sign_in(\(secrets.stateHash)::bytea, \(issuer), \(returnPath),
                      \(RequestOrigin.current?.address?.network.description)::inet)
                    """)
            }
        }
        let request = AuthorizationRequest(
            issuer: kept.issuer, metadata: description, secrets: secrets, redirect: wayBack(from: issuer),
            loginHint: email.flatMap { Account.domain(of: $0) == nil ? nil : $0 })
        return SignInBegun(address: request.address, seed: seed)
    }

    func finishSignIn(_ answer: SignInAnswer) async throws -> SignInFinished {
        let (begun, secrets) = try await takeSignIn(answer)
        let kept = try await metadata { try await house.issuers.find(begun.issuer) }
        let client = house.issuers.client
        let description = try await client.metadata(of: kept.issuer)
        let code = try AuthorizationAnswer(
            state: answer.state, code: answer.code, error: answer.error, issuer: answer.issuer
        ).code(from: description)
        let (account, token) = try await client.account(
            code: code, secrets: secrets, redirect: wayBack(from: begun.issuer), issuer: kept.issuer,
            metadata: description)
        let member = try await metadata { try await AccountAdmission(house: house, kept: kept).admit(account) }
        let session = try await metadata { try await openSession(of: member, kept, token) }
        // Whoever sat at this browser before is signed out; the new session has nothing of theirs.
        if let old = answer.oldSession { try await closeSession(old) }
        return SignInFinished(session: session, returnPath: begun.returnPath)
    }

    private func takeSignIn(
        _ answer: SignInAnswer
    ) async throws -> (begun: (issuer: String, returnPath: String), secrets: SignInSecrets) {
        guard let seed = answer.seed else {
            throw Problem(
                .unauthenticated, "This browser has not begun to sign in, or took longer than ten minutes.",
                hint: "Sign in again; the browser must accept cookies.", cause: NothingBegun())
        }
        let secrets = SignInSecrets(seed: seed)
        guard answer.state == secrets.state else {
            throw Problem(
                .unauthenticated, "This answer belongs to another sign-in than the one this browser has begun.",
                hint: "Sign in again, in one tab.", cause: NothingBegun())
        }
        let rows = try await metadata {
            try await house.pool.withConnection { connection in
                try await connection.query("SELECT * FROM weir.take_sign_in(\(secrets.stateHash)::bytea)")
            }
        }
        guard let row = rows.first else {
            throw Problem(
                .unauthenticated, "This sign-in was finished already, or took longer than ten minutes.",
                hint: "Sign in again.", cause: NothingBegun())
        }
        // Before the code goes anywhere.
        guard try row.string("issuer_name") == answer.through else {
            throw Problem(
                .unauthenticated, "This answer comes from another provider than the one that the sign-in began with.",
                hint: "Sign in again.")
        }
        return ((try row.string("issuer_name"), try row.string("return_path")), secrets)
    }

    private func openSession(
        of member: AccountAdmission.Member, _ kept: KeptIssuer, _ token: IDToken
    ) async throws
        -> Secret<String>
    {
        let (secret, credential) = try await house.gate.issue(
            .session, to: member.principal, of: member.organization, on: house.settings.sessions.terms)
        try await house.pool.transaction(organization: member.organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.session_origins (
                  credential_id, organization_id, issuer_name, issuer, subject, provider_session)
                VALUES (\(credential), \(member.organization), \(kept.issuer.name), \(token.issuer), \(token.subject),
                  \(token.session))
                """)
        }
        return secret
    }
}

/// Why nobody was signed in: there was nothing to finish. Anybody can ask for that as often as they like, so it is not entered
/// in the audit.
struct NothingBegun: Error {}

/// Signing out, here and at the provider.
extension LiveOperations {
    func signOut(_ session: String) async throws -> ProviderSignOut? {
        let hash = house.gate.hash(session)
        let rows = try await metadata {
            try await house.pool.withConnection { connection in
                try await connection.query("SELECT weir.issuer_of_session(\(hash)::bytea) AS name")
            }
        }
        try await closeSession(session)
        guard let name = try rows.first?.optional("name") else { return nil }
        // The session is over; a provider that does not answer only costs the link.
        guard let kept = try? await house.issuers.find(name),
            let description = try? await house.issuers.client.metadata(of: kept.issuer)
        else { return nil }
        return EndSession.address(of: kept.issuer, description, after: "\(address())/sign-in").map {
            ProviderSignOut(label: kept.label, address: $0)
        }
    }

    func signOutByProvider(_ issuer: String, token: String) async throws {
        let kept = try await metadata { try await house.issuers.find(issuer) }
        let logout: LogoutToken
        do {
            logout = try await house.issuers.client.logout(token, issuer: kept.issuer)
        } catch let problem as Problem where problem.code == .unauthenticated {
            // Section 2.8: a logout request that is not believed is a bad request.
            throw Problem(.invalidInput, problem.detail, hint: nil, cause: problem.cause)
        }
        let ended = try await metadata {
            try await house.pool.evenIfCircular { connection in
                try await connection.query(
                    """
                    SELECT weir.end_provider_sessions(\(issuer), \(logout.issuer), \(logout.subject), \(logout.session),
                      \(house.gate.hash(logout.id))::bytea,
                      to_timestamp(\(logout.expires.timeIntervalSince1970)::float8)) AS ended
                    """)
            }
        }
        guard try ended.first?.optionalInt("ended") != nil else {
            throw Problem(.invalidInput, "This logout token has come before.", hint: nil)
        }
        callers.forget()
    }
}

import Access
import Kernel
import Wire

/// Who asks, and sessions of browsers.
extension LiveOperations {
    func caller(token: String) async throws -> Caller {
        try TokenText.check(token)
        guard let caller = try await callers.caller(of: token, as: .token) else {
            throw Problem(
                .unauthenticated, "The token is not known, or is over.",
                hint: "Sign in with weir login; on this machine the data folder's file token holds one.")
        }
        return caller
    }

    func caller(session: String) async throws -> Caller? { try await callers.caller(of: session, as: .session) }

    func knownCaller(token: String) -> Caller? { callers.known(token, as: .token) }

    func knownCaller(session: String) -> Caller? {
        guard let caller = callers.known(session, as: .session) else { return nil }
        return house.settings.terms == nil || consents.holds(caller.principal) ? caller : nil
    }

    func makeSignInCode(as caller: Caller) async throws -> String {
        try await metadata {
            try await house.gate.issue(.code, to: caller.principal, of: caller.organization).secret.reveal()
        }
    }

    func openSession(code: String) async throws -> Secret<String> {
        try await metadata {
            guard let principal = try await house.gate.redeem(code, as: .code) else {
                throw Problem(
                    .unauthenticated, "This sign-in link was used already or is too old.",
                    hint: "Make a new one: weir sign-in-link")
            }
            return try await house.gate.issue(
                .session, to: principal.id, of: principal.organization, on: house.settings.sessions.terms
            ).secret
        }
    }

    func closeSession(_ session: String) async throws {
        guard let caller = try await callers.caller(of: session, as: .session) else { return }
        try await metadata { try await house.gate.revoke(session: session, of: caller.organization) }
        callers.forget()
    }
}

extension Caller {
    init(_ principal: Principal) {
        let closed: String? =
            switch principal.closed {
            case .suspended(let reason):
                "The organization \(principal.slug) is suspended\(reason.isEmpty ? "" : ": \(reason)")."
            case .deleting: "The organization \(principal.slug) is being deleted."
            case nil: nil
            }
        self.init(
            organization: principal.organization, slug: principal.slug, principal: principal.id, name: principal.name,
            display: principal.display, rights: principal.rights, isLocal: principal.kind == .local,
            isPerson: principal.kind == .person, person: principal.person, credential: principal.credential,
            closed: closed)
    }
}

import Access
import Foundation
import Kernel
import Roles
import Wire

/// One's own account: sessions, consent, export, erasure.
extension LiveOperations {
    private var accountBook: AccountBook { AccountBook(pool: house.pool) }

    var sessionLifetime: Duration { house.settings.sessions.lifetime }

    func account(as caller: Caller) async throws -> AccountView {
        AccountView(
            organization: caller.slug, name: caller.name, display: caller.display,
            roles: caller.rights.grants.map { PlacedRole($0) },
            permissions: caller.rights.scopes.map { $0.map(\.rawValue).sorted() },
            credentialID: caller.credential?.description, isPerson: caller.isPerson)
    }

    func sessions(as caller: Caller) async throws -> [SessionView] {
        try await metadata {
            try await accountBook.sessions(of: caller.principal, in: caller.organization).map { session in
                SessionView(
                    sessionID: session.id.description, browser: session.browser, createdAt: session.createdAt.rfc3339,
                    createdFrom: session.createdFrom, lastUsedAt: session.lastUsedAt?.rfc3339,
                    lastUsedFrom: session.lastUsedFrom, expiresAt: session.expiresAt?.rfc3339,
                    isThis: session.id == caller.credential)
            }
        }
    }

    func endSession(_ id: CredentialID, as caller: Caller) async throws {
        let ended = try await metadata {
            try await accountBook.endSessions(of: caller.principal, in: caller.organization, only: id)
        }
        callers.forget()
        guard ended > 0 else {
            throw Problem(.notFound, "There is no such session.", hint: "weir sessions list shows your own.")
        }
    }

    func endSessions(of member: String?, as caller: Caller) async throws -> Int {
        let ended = try await metadata {
            guard let member else {
                return try await accountBook.endSessions(
                    of: caller.principal, in: caller.organization, except: caller.credential)
            }
            guard let principal = try await accountBook.member(named: member, of: caller.organization) else {
                throw Problem(
                    .notFound, "There is no member \(member.prefix(60)).", hint: "Name them as weir members does.")
            }
            return try await accountBook.endSessions(of: principal, in: caller.organization)
        }
        callers.forget()
        return ended
    }

    // MARK: - Consent

    func owedConsent(as caller: Caller) async throws -> ConsentView? {
        guard let terms = house.settings.terms, !consents.holds(caller.principal) else { return nil }
        let hasAgreed = try await metadata {
            try await accountBook.hasAgreed(
                caller.principal, of: caller.organization, to: terms.url, version: terms.version)
        }
        guard hasAgreed else { return ConsentView(document: terms.url, version: terms.version) }
        consents.note(caller.principal)
        return nil
    }

    func agree(to version: String, as caller: Caller) async throws {
        guard let terms = house.settings.terms, terms.version == version else {
            throw Problem(
                .conflict, "The terms have changed meanwhile.", hint: "Read the new version, then agree to it.")
        }
        try await metadata {
            try await accountBook.agree(
                caller.principal, of: caller.organization, to: terms.url, version: version,
                browser: RequestOrigin.current?.browser, from: RequestOrigin.current?.address?.description)
        }
    }

    // MARK: - Export and erasure

    func exportAccount(as caller: Caller) async throws -> Data {
        let text = try await metadata { try await accountBook.export(caller.principal, of: caller.organization) }
        guard let text else { throw Problem(.notFound, "There is no such account.") }
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try JSONSerialization.data(
            withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }

    func eraseAccount(confirmation: String, as caller: Caller) async throws {
        guard caller.isPerson else {
            throw Problem(
                .unsupported, "\(caller.name) is no person's account.",
                hint: "An admin removes services; the local admin goes with the data folder.")
        }
        guard confirmation == caller.name else {
            throw Problem(
                .invalidInput, "The name does not match.",
                hint: "To erase your account, give its own name: \(caller.name).")
        }
        try await metadata { try await accountBook.erase(caller.principal, of: caller.organization) }
        callers.forget()
    }
}

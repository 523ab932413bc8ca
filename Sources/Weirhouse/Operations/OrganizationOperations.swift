import Access
import Foundation
import Kernel
import Roles
import Wire

/// Organizations: founded, changed, suspended, deleted; who the caller is in others.
extension LiveOperations {
    private var book: OrganizationBook { OrganizationBook(pool: house.pool, time: house.time) }

    func organizations(as caller: Caller) async throws -> [OrganizationSummary] {
        try await metadata {
            try await book.belongings(of: caller.principal, in: caller.organization).map { found in
                OrganizationSummary(
                    slug: found.principal.slug, name: found.title, state: found.state,
                    roles: found.principal.rights.grants.map(\.words),
                    isCurrent: found.principal.organization == caller.organization)
            }
        }
    }

    func caller(_ caller: Caller, in organization: String?) async throws -> Caller {
        guard let organization, organization != caller.slug else { return caller }
        // Tokens are of one organization: whoever makes one for a member must not get at another organization with it.
        guard caller.isLocal else { throw Self.foreign(organization, hint: "Use a token of \(organization).") }
        var there = Caller(try await belonging(to: organization, caller))
        there.rights.scopes = caller.rights.scopes
        return there
    }

    func openSession(in organization: String, as caller: Caller) async throws -> Secret<String> {
        guard organization != caller.slug else {
            throw Problem(.conflict, "You are in \(organization) already.", hint: nil)
        }
        let there = try await belonging(to: organization, caller)
        return try await metadata {
            let (secret, new) = try await house.gate.issue(
                .session, to: there.id, of: there.organization, on: house.settings.sessions.terms)
            // It lasts no longer than the one that it comes from, and ends with the provider's as that would have.
            if let old = caller.credential { try await book.carry(session: old, to: new) }
            return secret
        }
    }

    func session(of principal: PrincipalID, in organization: OrganizationID) async throws -> Secret<String> {
        try await metadata {
            try await house.gate.issue(
                .session, to: principal, of: organization, on: house.settings.sessions.terms
            ).secret
        }
    }

    private func belonging(to organization: String, _ caller: Caller) async throws -> Principal {
        let all = try await metadata { try await book.belongings(of: caller.principal, in: caller.organization) }
        guard let found = all.first(where: { $0.principal.slug == organization }) else {
            throw Self.foreign(organization, hint: "weir organizations list shows those that you belong to.")
        }
        return found.principal
    }

    private static func foreign(_ organization: String, hint: String) -> Problem {
        Problem(.notFound, "You do not belong to an organization \(organization.prefix(80)).", hint: hint)
    }

    func mayFound(as caller: Caller) async -> Bool {
        // A token narrowed to something else must not make its holder an owner.
        guard caller.rights.scopes == nil else { return false }
        if caller.isLocal { return true }
        guard house.settings.whoMayFound == .anyone else { return false }
        let all = try? await book.belongings(of: caller.principal, in: caller.organization)
        return all?.first { $0.principal.id == caller.principal }?.principal.kind == .person
    }

    func foundOrganization(_ request: FoundRequest, as caller: Caller) async throws -> OrganizationView {
        guard Slug.isValid(request.slug), Slug.snakeCase(request.slug) == request.slug else {
            throw Problem(
                .invalidInput, "\(request.slug.prefix(80)) cannot name an organization.",
                hint: "Use a to z, digits and _, led by a letter, at most 40.")
        }
        let name = try Self.checkTitle(request.name ?? request.slug)
        return try await metadata {
            let made = try await book.found(
                slug: request.slug, name: name, keeping: house.settings.retention, by: caller.principal,
                of: caller.organization)
            // Whoever had one organization has two now.
            callers.forget()
            return OrganizationView(try await book.read(made))
        }
    }

    func organization(as caller: Caller) async throws -> OrganizationView {
        try await metadata { OrganizationView(try await book.read(caller.organization)) }
    }

    func renameOrganization(_ name: String, as caller: Caller) async throws -> OrganizationView {
        let name = try Self.checkTitle(name)
        return try await changing(caller) { try await book.rename(caller.organization, to: name) }
    }

    private static func checkTitle(_ text: String) throws -> String {
        let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...100).contains(name.unicodeScalars.count),
            name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw Problem(
                .invalidInput, "This cannot be an organization's name.", hint: "Use 1 to 100 characters in one line.")
        }
        return name
    }

    func putEnvironment(
        _ environment: String, _ request: EnvironmentRequest, as caller: Caller
    ) async throws -> OrganizationView {
        _ = try place(PlaceRequest(environment: environment), caller)
        try Self.check(request)
        return try await changing(caller) {
            try await book.set(
                environment, size: request.size, keepingRuns: request.keepRunsDays, logs: request.keepLogsDays,
                data: request.keepDataDays, monthlyBudget: request.monthlyBudget, of: caller.organization)
        }
    }

    private static func check(_ request: EnvironmentRequest) throws {
        guard EnvironmentRequest.sizes.contains(request.size) else {
            throw Problem(
                .invalidInput, "There is no size \(request.size.prefix(80)).", hint: "Use small, medium or large.")
        }
        let days = 1...EnvironmentRequest.mostDays
        let asked = [request.keepRunsDays, request.keepLogsDays, request.keepDataDays].compactMap(\.self)
        guard asked.allSatisfy({ days.contains($0) }) else {
            throw Problem(
                .invalidInput, "Runs, logs and old data cannot be kept for so long.",
                hint: "Use 1 to 36500 days for each.")
        }
        if let budget = request.monthlyBudget, !(0...EnvironmentRequest.mostBudget).contains(budget) {
            throw Problem(
                .invalidInput, "This cannot be a month's budget.", hint: "Use 0 or more; leave it out for none.")
        }
    }

    func suspendOrganization(because: String, as caller: Caller) async throws -> OrganizationView {
        let reason = because.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...500).contains(reason.unicodeScalars.count) else {
            throw Problem(
                .invalidInput, "It is not said why the organization is suspended.",
                hint: "Give a reason of at most 500 characters: its people will read it.")
        }
        return try await changing(caller) { try await book.suspend(caller.organization, because: reason) }
    }

    func resumeOrganization(as caller: Caller) async throws -> OrganizationView {
        try await changing(caller) { try await book.resume(caller.organization) }
    }

    func deleteOrganization(as caller: Caller) async throws -> OrganizationView {
        try await changing(caller) { try await book.delete(caller.organization) }
    }

    func restoreOrganization(as caller: Caller) async throws -> OrganizationView {
        try await changing(caller) { try await book.restore(caller.organization) }
    }

    private func changing(_ caller: Caller, _ work: () async throws -> Void) async throws -> OrganizationView {
        try await metadata {
            try await work()
            // This server's own answers are right at once; others are told by the database.
            callers.forget()
            return OrganizationView(try await book.read(caller.organization))
        }
    }

    func setup(as caller: Caller) async throws -> SetupView {
        try await metadata {
            let found = try await book.read(caller.organization)
            let members = try await MemberBook(pool: house.pool, time: house.time).all(of: caller.organization)
            return SetupView(
                isNamed: found.name != found.slug, isSettled: found.environments.contains { $0.settledAt != nil },
                hasMembers: members.count > 1, isDismissed: found.isSetupDismissed)
        }
    }

    func dismissSetup(as caller: Caller) async throws {
        try await metadata { try await book.dismissSetup(of: caller.organization) }
    }
}

extension OrganizationView {
    fileprivate init(_ found: OrganizationBook.Organization) {
        self.init(
            slug: found.slug, name: found.name, state: found.state, stateReason: found.reason,
            stateSince: found.stateSince?.rfc3339, deleteAfter: found.deleteAfter?.rfc3339,
            createdAt: found.createdAt.rfc3339,
            environments: found.environments.map { environment in
                EnvironmentView(
                    environment: environment.name, size: environment.size,
                    keepRunsDays: environment.retention.runs, keepLogsDays: environment.retention.logs,
                    keepDataDays: environment.retention.data, monthlyBudget: environment.monthlyBudget,
                    settledAt: environment.settledAt?.rfc3339)
            })
    }
}

extension Grant {
    /// `owner`, `dev engineer`.
    var words: String { [environment, role.rawValue].compactMap(\.self).joined(separator: " ") }
}

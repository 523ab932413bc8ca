import Kernel
import Roles
import Wire
import WireSamples

/// People of the shop: all kinds and states, one whose every word tries to be markup.
enum ShopPeople {
    static func member(
        _ number: Int, _ name: String, _ display: String, kind: String = "person", state: String = "active",
        roles: [GrantView], seen: String? = "2026-11-21T09:20:00Z", isCaller: Bool = false
    ) -> MemberView {
        MemberView(
            memberID: "00000000-0000-0000-0000-0000000000c\(number)", name: name, display: display, kind: kind,
            state: state, roles: roles, invitedBy: kind == "local" ? nil : "admin",
            createdAt: "2026-11-01T08:00:00Z", lastSeenAt: seen, isCaller: isCaller)
    }

    static let members: [MemberView] = [
        member(
            0, "admin", "admin", kind: "local",
            roles: [GrantView(role: .owner, environment: nil, origin: "person")], isCaller: true),
        member(
            1, "ana@acme.example", "Ana Example",
            roles: [
                GrantView(role: .engineer, environment: "dev", origin: "person"),
                GrantView(role: .viewer, environment: nil, origin: "group:0b7f"),
            ]),
        member(
            2, "ben@acme.example", "ben@acme.example", state: "invited",
            roles: [GrantView(role: .billing, environment: nil, origin: "person")], seen: nil),
        member(3, "cleo@acme.example", "Cleo", state: "deactivated", roles: []),
        member(
            4, "loader", ShopHistory.hostile, kind: "service",
            roles: [GrantView(role: .analyst, environment: "prod", origin: "person")]),
    ]

    static let organization = OrganizationView(
        slug: "acme", name: "Acme Ltd", state: "active", stateReason: nil, stateSince: nil, deleteAfter: nil,
        createdAt: "2026-11-01T08:00:00Z",
        environments: [
            EnvironmentView(
                environment: "dev", size: "small", keepRunsDays: 400, keepLogsDays: 30, keepDataDays: 30,
                monthlyBudget: nil, settledAt: nil),
            EnvironmentView(
                environment: "stage", size: "medium", keepRunsDays: 90, keepLogsDays: 14, keepDataDays: 7,
                monthlyBudget: 250.5, settledAt: "2026-11-02T08:00:00Z"),
            EnvironmentView(
                environment: "prod", size: "large", keepRunsDays: 1000, keepLogsDays: 60, keepDataDays: 90,
                monthlyBudget: 4000, settledAt: "2026-11-02T08:00:00Z"),
        ])
}

extension FixtureOperations {
    func organizations(as caller: Caller) async throws -> [OrganizationSummary] {
        [
            OrganizationSummary(slug: "acme", name: "Acme Ltd", state: "active", roles: ["owner"], isCurrent: true),
            OrganizationSummary(
                slug: "globex", name: "Globex", state: "suspended", roles: ["dev engineer", "viewer"], isCurrent: false),
        ]
    }

    func openSession(in organization: String, as caller: Caller) async throws -> Secret<String> {
        remember("switch \(organization)")
        guard organization != "nowhere" else {
            throw Problem(.notFound, "You do not belong to an organization nowhere.", hint: "See those that you do.")
        }
        return Secret("session-of-\(organization)")
    }

    func foundOrganization(_ request: FoundRequest, as caller: Caller) async throws -> OrganizationView {
        guard request.slug != "taken" else {
            throw Problem(.conflict, "There is an organization taken already.", hint: "Choose another name.")
        }
        remember("found \(request.slug) \(request.name ?? "-")")
        var made = ShopPeople.organization
        (made.slug, made.name) = (request.slug, request.name ?? request.slug)
        return made
    }

    func organization(as caller: Caller) async throws -> OrganizationView {
        var found = ShopPeople.organization
        switch mood {
        case .unwell: (found.state, found.stateReason) = ("suspended", "the invoice is open")
        case .empty: (found.state, found.deleteAfter) = ("deleting", "2026-12-21T09:30:00Z")
        case .hostile: found.name = ShopHistory.hostile
        default: break
        }
        return found
    }

    func renameOrganization(_ name: String, as caller: Caller) async throws -> OrganizationView {
        guard !name.isEmpty else {
            throw Problem(.invalidInput, "This cannot be an organization's name.", hint: "Use 1 to 100 characters.")
        }
        remember("rename \(name)")
        return ShopPeople.organization
    }

    func putEnvironment(
        _ environment: String, _ request: EnvironmentRequest, as caller: Caller
    ) async throws -> OrganizationView {
        let budget = request.monthlyBudget.map { "\($0)" } ?? "-"
        let data = request.keepDataDays.map { "\($0)" } ?? "-"
        remember("\(environment) \(request.size) \(request.keepRunsDays) \(request.keepLogsDays) \(data) \(budget)")
        return ShopPeople.organization
    }

    func suspendOrganization(because: String, as caller: Caller) async throws -> OrganizationView {
        guard !because.isEmpty else { throw Problem(.invalidInput, "It is not said why.", hint: "Give a reason.") }
        remember("suspend \(because)")
        return ShopPeople.organization
    }

    func resumeOrganization(as caller: Caller) async throws -> OrganizationView {
        remember("resume organization")
        return ShopPeople.organization
    }

    func deleteOrganization(as caller: Caller) async throws -> OrganizationView {
        remember("delete organization")
        return ShopPeople.organization
    }

    func restoreOrganization(as caller: Caller) async throws -> OrganizationView {
        remember("restore organization")
        return ShopPeople.organization
    }

    func setup(as caller: Caller) async throws -> SetupView {
        SetupView(isNamed: true, isSettled: mood != .empty, hasMembers: mood != .empty, isDismissed: false)
    }

    func dismissSetup(as caller: Caller) async throws { remember("dismiss setup") }

    func members(as caller: Caller) async throws -> [MemberView] {
        mood == .empty ? Array(ShopPeople.members.prefix(1)) : ShopPeople.members
    }

    func member(_ member: String, as caller: Caller) async throws -> MemberView {
        guard let found = ShopPeople.members.first(where: { $0.memberID == member || $0.name == member }) else {
            throw Problem(.notFound, "There is no member \(member).", hint: "See who there is under People.")
        }
        return found
    }

    func invite(_ request: InviteRequest, as caller: Caller) async throws -> InvitationMade {
        guard request.email != "ana@acme.example" else {
            throw Problem(.conflict, "ana@acme.example belongs to the organization already.", hint: "Change her roles.")
        }
        remember("invite \(request.email) \(request.role.rawValue) \(request.environment ?? "-")")
        return InvitationMade(
            member: ShopPeople.members[2], joinURL: "https://weir.acme.example/join/weir_code_once",
            expiresAt: "2026-11-28T09:30:00Z", isMailed: request.role == .viewer,
            mailProblem: request.role == .admin ? "mail.acme.example does not answer." : nil)
    }

    func grant(_ request: GrantRequest, to member: String, as caller: Caller) async throws -> MemberView {
        remember("grant \(request.role.rawValue) \(request.environment ?? "-")")
        return try await self.member(member, as: caller)
    }

    func revoke(_ request: GrantRequest, from member: String, as caller: Caller) async throws -> MemberView {
        guard request.role != .owner else {
            throw Problem(.conflict, "The organization would have no owner.", hint: "Make somebody else one first.")
        }
        remember("revoke \(request.role.rawValue) \(request.environment ?? "-")")
        return try await self.member(member, as: caller)
    }

    func deactivate(_ member: String, as caller: Caller) async throws -> MemberView {
        remember("deactivate")
        return try await self.member(member, as: caller)
    }

    func activate(_ member: String, as caller: Caller) async throws -> MemberView {
        remember("activate")
        return try await self.member(member, as: caller)
    }

    func removeMember(_ member: String, as caller: Caller) async throws {
        let name = try await self.member(member, as: caller).name
        guard name != "admin" else {
            throw Problem(.conflict, "admin is whoever holds the data folder, and cannot be shut out.")
        }
        remember("remove \(name)")
    }

    func invitation(code: String) async throws -> InvitationView? {
        guard code == Self.goodCode else { return nil }
        return InvitationView(
            organization: "Acme Ltd", email: "ben@acme.example", display: nil, roles: ["engineer in dev", "viewer"],
            invitedBy: "Ana Example")
    }

    func join(code: String, display: String?, session: String?) async throws -> Secret<String> {
        guard code == Self.goodCode else { throw Problem(.unauthenticated, "This invitation was used already.") }
        guard display != "Twice" else { throw Problem(.conflict, "You belong to this organization already.") }
        remember("join \(display ?? "-") \(session ?? "-")")
        return Secret("joined-session")
    }
}

package import Kernel
import Roles
package import Wire

extension WireSamples {
    package static let organization = OrganizationView(
        slug: "acme", name: "Acme Ltd", state: "suspended", stateReason: "the invoice is open", stateSince: moment,
        deleteAfter: moment, createdAt: moment,
        environments: [
            EnvironmentView(
                environment: "dev", size: "small", keepRunsDays: 400, keepLogsDays: 30, keepDataDays: 7,
                monthlyBudget: 250.5, settledAt: moment),
            EnvironmentView(
                environment: "prod", size: "large", keepRunsDays: 1, keepLogsDays: 1, keepDataDays: 1,
                monthlyBudget: nil, settledAt: nil),
        ])

    package static let belonging = OrganizationSummary(
        slug: "acme", name: "Acme Ltd", state: "active", roles: ["owner"], isCurrent: true)

    package static let member = MemberView(
        memberID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a07", name: "ana@acme.example", display: "Ana", kind: "person",
        state: "active",
        roles: [
            GrantView(role: .engineer, environment: "dev", origin: "person"),
            GrantView(role: .viewer, environment: nil, origin: "group:0b7f2f5e"),
        ],
        invitedBy: "admin", createdAt: moment, lastSeenAt: moment, isCaller: false)

    package static let invitation = InvitationMade(
        member: member, joinURL: "https://weir.acme.example/join/weir_code_x", expiresAt: moment, isMailed: false,
        mailProblem: "mail.acme.example does not answer.")
}

extension OrganizationOperations {
    package func organizations(as caller: Caller) async throws -> [OrganizationSummary] { [WireSamples.belonging] }

    package func caller(_ caller: Caller, in organization: String?) async throws -> Caller {
        guard organization == nil || organization == caller.slug else {
            throw Problem(.notFound, "You do not belong to an organization \(organization ?? "").")
        }
        return caller
    }

    package func openSession(in organization: String, as caller: Caller) async throws -> Secret<String> {
        guard organization == caller.slug else {
            throw Problem(.notFound, "You do not belong to an organization \(organization).")
        }
        return Secret("s")
    }

    package func mayFound(as caller: Caller) async -> Bool { true }

    package func foundOrganization(_ request: FoundRequest, as caller: Caller) async throws -> OrganizationView {
        WireSamples.organization
    }

    package func organization(as caller: Caller) async throws -> OrganizationView { WireSamples.organization }

    package func renameOrganization(_ name: String, as caller: Caller) async throws -> OrganizationView {
        WireSamples.organization
    }

    package func putEnvironment(
        _ environment: String, _ request: EnvironmentRequest, as caller: Caller
    ) async throws -> OrganizationView { WireSamples.organization }

    package func suspendOrganization(because: String, as caller: Caller) async throws -> OrganizationView {
        WireSamples.organization
    }

    package func resumeOrganization(as caller: Caller) async throws -> OrganizationView { WireSamples.organization }
    package func deleteOrganization(as caller: Caller) async throws -> OrganizationView { WireSamples.organization }
    package func restoreOrganization(as caller: Caller) async throws -> OrganizationView { WireSamples.organization }

    package func setup(as caller: Caller) async throws -> SetupView {
        SetupView(isNamed: true, isSettled: true, hasMembers: true, isDismissed: false)
    }

    package func dismissSetup(as caller: Caller) async throws {}
}

extension MemberOperations {
    package func members(as caller: Caller) async throws -> [MemberView] { [WireSamples.member] }

    package func member(_ member: String, as caller: Caller) async throws -> MemberView {
        guard [WireSamples.member.memberID, WireSamples.member.name].contains(member) else {
            throw Problem(.notFound, "There is no member \(member).", hint: "See who there is under People.")
        }
        return WireSamples.member
    }

    package func invite(_ request: InviteRequest, as caller: Caller) async throws -> InvitationMade {
        WireSamples.invitation
    }

    package func grant(_ request: GrantRequest, to member: String, as caller: Caller) async throws -> MemberView {
        try await self.member(member, as: caller)
    }

    package func revoke(_ request: GrantRequest, from member: String, as caller: Caller) async throws -> MemberView {
        try await self.member(member, as: caller)
    }

    package func deactivate(_ member: String, as caller: Caller) async throws -> MemberView {
        try await self.member(member, as: caller)
    }

    package func activate(_ member: String, as caller: Caller) async throws -> MemberView {
        try await self.member(member, as: caller)
    }

    package func removeMember(_ member: String, as caller: Caller) async throws {
        _ = try await self.member(member, as: caller)
    }

    package func invitation(code: String) async throws -> InvitationView? { nil }

    package func join(code: String, display: String?, session: String?) async throws -> Secret<String> {
        throw Problem(.unauthenticated, "This invitation was used already.")
    }

    package func explain(
        _ permission: String, of member: String, in environment: String?, as caller: Caller
    ) async throws -> AccessAnswer {
        guard let permission = Permission(rawValue: permission) else {
            throw Problem(.invalidInput, "There is no permission \(permission).")
        }
        let decision = Rights([Grant(.engineer, in: "dev")]).explain(permission, in: environment)
        return AccessAnswer(
            member: member, permission: permission, environment: environment, isAllowed: decision.isAllowed,
            reason: decision.reason)
    }
}

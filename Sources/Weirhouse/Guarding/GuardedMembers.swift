import Access
import Kernel
import Roles
import Wire

/// Members and their roles, asked of `Role.permissions` first. Nobody gives, or takes from somebody, more than they have.
extension GuardedOperations {
    func members(as caller: Caller) async throws -> [MemberView] {
        try caller.require(.membersRead)
        return try await inner.members(as: caller)
    }

    func member(_ member: String, as caller: Caller) async throws -> MemberView {
        try caller.require(.membersRead)
        return try await inner.member(member, as: caller)
    }

    func invite(_ request: InviteRequest, as caller: Caller) async throws -> InvitationMade {
        try await audited(
            AuditedChange(
                "members.invite", AuditTarget("member", request.email), after: { MemberAudit($0.member) }), as: caller
        ) {
            try caller.require(.membersManage)
            try caller.requireGiving(request.role)
            // The link of somebody who was invited before lets in as all that they are already.
            for known in try await inner.members(as: caller) where known.name == request.address {
                for held in known.roles { try caller.requireGiving(held.role) }
            }
            return try await inner.invite(request, as: caller)
        }
    }

    func grant(_ request: GrantRequest, to member: String, as caller: Caller) async throws -> MemberView {
        try await changeMember("members.grant", member, caller) {
            try caller.require(.membersManage)
            try caller.requireGiving(request.role)
            return try await inner.grant(request, to: member, as: caller)
        }
    }

    func revoke(_ request: GrantRequest, from member: String, as caller: Caller) async throws -> MemberView {
        try await changeMember("members.revoke", member, caller) {
            try caller.require(.membersManage)
            try caller.requireGiving(request.role)
            return try await inner.revoke(request, from: member, as: caller)
        }
    }

    func deactivate(_ member: String, as caller: Caller) async throws -> MemberView {
        try await changeMember("members.deactivate", member, caller) {
            try await requireOver(member, caller)
            return try await inner.deactivate(member, as: caller)
        }
    }

    func activate(_ member: String, as caller: Caller) async throws -> MemberView {
        try await changeMember("members.activate", member, caller) {
            try await requireOver(member, caller)
            return try await inner.activate(member, as: caller)
        }
    }

    func removeMember(_ member: String, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "members.remove", AuditTarget("member", member),
                before: { try await MemberAudit(inner.member(member, as: caller)) }), as: caller
        ) {
            try await requireOver(member, caller)
            try await inner.removeMember(member, as: caller)
        }
    }

    private func changeMember(
        _ action: String, _ member: String, _ caller: Caller, _ work: () async throws -> MemberView
    ) async throws -> MemberView {
        try await audited(
            AuditedChange(
                action, AuditTarget("member", member),
                before: { try await MemberAudit(inner.member(member, as: caller)) }, after: { MemberAudit($0) }),
            as: caller, work)
    }

    /// That all that the member is could be given, and so taken, by the caller.
    func requireOver(_ member: String, _ caller: Caller) async throws {
        try caller.require(.membersManage)
        for held in try await inner.member(member, as: caller).roles { try caller.requireGiving(held.role) }
    }

    func explain(
        _ permission: String, of member: String, in environment: String?, as caller: Caller
    ) async throws -> AccessAnswer {
        try caller.require(.membersRead)
        return try await inner.explain(permission, of: member, in: environment, as: caller)
    }

    // The link is the right.

    func invitation(code: String) async throws -> InvitationView? { try await inner.invitation(code: code) }

    func join(code: String, display: String?, session: String?) async throws -> Secret<String> {
        try await auditedSignIn(by: "invitation") {
            try await inner.join(code: code, display: display, session: session)
        }
    }
}

private struct MemberAudit: Encodable {
    let name: String
    let state: String
    let roles: [GrantView]

    init(_ view: MemberView) {
        name = view.name
        state = view.state
        roles = view.roles
    }
}

extension Caller {
    /// That a role is the caller's to give and to take: by their own, and by the scopes of their token.
    /// - Throws: `forbidden`.
    func requireGiving(_ role: Role) throws {
        let isInScope = rights.scopes.map { role.permissions.isSubset(of: $0) } ?? true
        guard role.mayBeGiven(by: rights), isInScope else {
            throw Problem(
                .forbidden,
                isInScope
                    ? "To give or take the role \(role.rawValue) takes the role owner."
                    : "The role \(role.rawValue) may more than this token's scopes.",
                hint: "Ask an owner of \(slug).")
        }
    }
}

import Access
import Foundation
import Kernel
import Outbound
import Roles
import Wire

/// Who belongs to the caller's organization: invited, given roles, shut out.
extension LiveOperations {
    private var book: MemberBook { MemberBook(pool: house.pool, time: house.time) }

    func members(as caller: Caller) async throws -> [MemberView] {
        try await metadata { try await book.all(of: caller.organization).map { MemberView($0, caller) } }
    }

    func member(_ member: String, as caller: Caller) async throws -> MemberView {
        try await metadata { MemberView(try await book.find(member, of: caller.organization), caller) }
    }

    func invite(_ request: InviteRequest, as caller: Caller) async throws -> InvitationMade {
        let mailbox = try Mailbox(name: nil, address: request.address)
        let grant = try Self.grant(request.role, request.environment)
        return try await metadata {
            let member = try await book.invite(
                mailbox.address, as: grant, by: caller.principal, of: caller.organization)
            let link = try await house.gate.issue(
                .code, to: member.id, of: caller.organization,
                on: Gate.Terms(
                    lifetime: MemberBook.invitationLifetime, name: MemberBook.invitation, createdBy: caller.principal))
            let expires = house.time.now().addingTimeInterval(MemberBook.invitationLifetime / .seconds(1))
            let joinURL = "\(address())/join/\(link.secret.reveal())"
            let (isMailed, problem) = await mail(joinURL, to: mailbox, messageID: link.id, by: caller)
            return InvitationMade(
                member: MemberView(member, caller), joinURL: joinURL, expiresAt: expires.rfc3339, isMailed: isMailed,
                mailProblem: problem)
        }
    }

    /// What goes wrong keeps nobody from passing the link on by hand.
    private func mail(
        _ joinURL: String, to mailbox: Mailbox, messageID: CredentialID, by caller: Caller
    ) async -> (isMailed: Bool, problem: String?) {
        guard house.messenger.hasMailServer else { return (false, nil) }
        let organization = (try? await organization(as: caller).name) ?? caller.slug
        let text = """
            \(caller.display) invites you to \(organization) on Weirhouse.

            Open this link within seven days to join. It works once.
            \(joinURL)

            If you did not expect this, do nothing: the link ends by itself.

            """
        do {
            try await house.messenger.send(
                text, subject: "[\(caller.slug)] Invitation to Weirhouse", to: mailbox, id: messageID.description)
            return (true, nil)
        } catch {
            let problem = (error as? OutboundFailure)?.problem ?? Problem(wrapping: error)
            return (false, problem.description)
        }
    }

    func grant(_ request: GrantRequest, to member: String, as caller: Caller) async throws -> MemberView {
        let grant = try Self.grant(request.role, request.environment)
        return try await changing(caller) {
            try await book.grant(grant, to: member, by: caller.principal, of: caller.organization)
        }
    }

    func revoke(_ request: GrantRequest, from member: String, as caller: Caller) async throws -> MemberView {
        let grant = try Self.grant(request.role, request.environment)
        return try await changing(caller) {
            try await book.revoke(grant, from: member, of: caller.organization)
        }
    }

    func deactivate(_ member: String, as caller: Caller) async throws -> MemberView {
        try await changing(caller) { try await book.deactivate(member, of: caller.organization) }
    }

    func activate(_ member: String, as caller: Caller) async throws -> MemberView {
        try await changing(caller) { try await book.activate(member, of: caller.organization) }
    }

    func removeMember(_ member: String, as caller: Caller) async throws {
        try await metadata {
            try await book.remove(member, by: caller.principal, of: caller.organization)
            callers.forget()
        }
    }

    private func changing(_ caller: Caller, _ work: () async throws -> MemberBook.Member) async throws -> MemberView {
        try await metadata {
            let member = try await work()
            callers.forget()
            return MemberView(member, caller)
        }
    }

    private static func grant(_ role: Role, _ environment: String?) throws -> Grant {
        guard let environment else { return Grant(role) }
        guard ["dev", "stage", "prod"].contains(environment) else {
            throw Problem(
                .invalidInput, "There is no environment \(environment.prefix(80)).", hint: "Use dev, stage or prod.")
        }
        guard role != .owner, role != .billing else {
            throw Problem(
                .invalidInput, "The role \(role.rawValue) is of the organization as a whole.",
                hint: "Leave the environment out.")
        }
        return Grant(role, in: environment)
    }

    // MARK: - Joining

    func invitation(code: String) async throws -> InvitationView? {
        try await metadata {
            try await book.invitation(house.gate.hash(code)).map { found in
                InvitationView(
                    organization: found.organization, email: found.email, display: found.display,
                    roles: found.roles.map { $0.role.rawValue + ($0.environment.map { " in \($0)" } ?? "") },
                    invitedBy: found.invitedBy)
            }
        }
    }

    func join(code: String, display: String?, session: String?) async throws -> Secret<String> {
        if let display, !(1...200).contains(display.unicodeScalars.count) {
            throw Problem(.invalidInput, "This name is too long.", hint: "Use at most 200 characters.")
        }
        let guest: Caller? = if let session { try await caller(session: session) } else { nil }
        let joined = try await metadata {
            try await book.accept(house.gate.hash(code), display: display, guest: guest?.principal)
        }
        guard let joined else {
            throw Problem(
                .unauthenticated, "This invitation was used already, is too old, or was replaced by a newer one.",
                hint: "Ask whoever invited you for a new link.")
        }
        callers.forget()
        return try await self.session(of: joined.principal, in: joined.organization)
    }

    // MARK: - Why

    func explain(
        _ permission: String, of member: String, in environment: String?, as caller: Caller
    ) async throws -> AccessAnswer {
        guard let permission = Permission(rawValue: permission) else {
            throw Problem(
                .invalidInput, "There is no permission \(permission.prefix(80)).", hint: "weir access list shows all.")
        }
        if let environment { _ = try place(PlaceRequest(environment: environment), caller) }
        let found = try await metadata { try await book.find(member, of: caller.organization) }
        let decision = Self.decide(permission, found, in: environment, closed: caller.closed)
        return AccessAnswer(
            member: found.name, permission: permission, environment: environment, isAllowed: decision.isAllowed,
            reason: decision.reason)
    }

    /// As `Caller` decides once they have signed in.
    private static func decide(
        _ permission: Permission, _ member: MemberBook.Member, in environment: String?, closed: String?
    ) -> Decision {
        guard member.state != .deactivated else {
            return Decision(isAllowed: false, reason: "\(member.name) is deactivated: nobody can sign in as them.")
        }
        let them = Caller(
            organization: TimeSource.system.makeID(), slug: "", principal: member.id, name: member.name,
            rights: Rights(member.roles.map(\.grant)), closed: closed)
        let decision = them.decide(permission, in: environment)
        guard decision.isAllowed, member.state == .invited else { return decision }
        return Decision(isAllowed: false, reason: "\(member.name) has not joined yet. \(decision.reason)")
    }
}

extension MemberView {
    fileprivate init(_ found: MemberBook.Member, _ caller: Caller) {
        self.init(
            memberID: found.id.description, name: found.name, display: found.display, kind: found.kind.rawValue,
            state: found.state.rawValue,
            roles: found.roles.map { held in
                GrantView(role: held.role, environment: held.grant.environment, origin: held.origin)
            },
            invitedBy: found.invitedBy, createdAt: found.createdAt.rfc3339, lastSeenAt: found.lastSeenAt?.rfc3339,
            isCaller: found.id == caller.principal)
    }
}

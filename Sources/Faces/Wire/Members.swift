import Foundation
package import Kernel
package import Roles

/// What the faces ask about who belongs to the caller's organization. A member is named by id or by name: a person's
/// e-mail address, a service's name.
package protocol MemberOperations: Sendable {
    /// By name.
    func members(as caller: Caller) async throws -> [MemberView]
    /// - Throws: `notFound`.
    func member(_ member: String, as caller: Caller) async throws -> MemberView
    /// Makes a member who is to come, and a link that lets them in once within seven days; for one who was invited before,
    /// a new link that puts the old one out. The link goes out by e-mail too, where a mail server is set.
    /// - Throws: `invalidInput` for an address that is none; `forbidden` for a role that the caller may not give;
    ///   `conflict` for one who belongs to the organization already.
    func invite(_ request: InviteRequest, as caller: Caller) async throws -> InvitationMade
    /// - Throws: `notFound`, `forbidden`; `invalidInput` for a role that is not of an environment.
    func grant(_ request: GrantRequest, to member: String, as caller: Caller) async throws -> MemberView
    /// - Throws: `notFound`, `forbidden`; `conflict` for a role that a rule of sign-in gave, and for the last owner.
    func revoke(_ request: GrantRequest, from member: String, as caller: Caller) async throws -> MemberView
    /// All their sessions and tokens are worthless at once.
    /// - Throws: `notFound`, `forbidden`; `conflict` for the last owner and the local admin.
    func deactivate(_ member: String, as caller: Caller) async throws -> MemberView
    /// They may sign in again; sessions and tokens of before stay worthless.
    func activate(_ member: String, as caller: Caller) async throws -> MemberView
    /// As `deactivate`, and they are no member any more.
    func removeMember(_ member: String, as caller: Caller) async throws

    /// What a link invites to; nil if it is worth nothing. Needs no sign-in.
    func invitation(code: String) async throws -> InvitationView?
    /// Uses a link up and opens a session.
    /// - Parameters:
    ///   - display: what people call them; as it was if nil.
    ///   - session: of the browser, which says who the new member is, if anybody is signed in.
    /// - Throws: `unauthenticated` if the link is worth nothing; `conflict` if they belong to the organization already.
    func join(code: String, display: String?, session: String?) async throws -> Secret<String>

    /// Why a member may do something, or not.
    /// - Throws: `notFound`; `invalidInput` for a permission or environment that there is not.
    func explain(
        _ permission: String, of member: String, in environment: String?, as caller: Caller
    ) async throws -> AccessAnswer
}

/// Who belongs to an organization.
package struct MemberView: Sendable, Codable {
    package var memberID: String
    /// A person's e-mail address, a service's name.
    package var name: String
    /// What people call them.
    package var display: String
    /// `person`, `service` or `local`: whoever holds the data folder.
    package var kind: String
    /// `invited`, `active` or `deactivated`.
    package var state: String
    package var roles: [GrantView]
    package var invitedBy: String?
    /// RFC 3339.
    package var createdAt: String
    package var lastSeenAt: String?
    /// Whether it is the caller.
    package var isCaller: Bool

    package init(
        memberID: String, name: String, display: String, kind: String, state: String, roles: [GrantView],
        invitedBy: String?, createdAt: String, lastSeenAt: String?, isCaller: Bool
    ) {
        self.memberID = memberID
        self.name = name
        self.display = display
        self.kind = kind
        self.state = state
        self.roles = roles
        self.invitedBy = invitedBy
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.isCaller = isCaller
    }
}

package struct GrantView: Sendable, Codable, Hashable {
    package var role: Role
    /// Nil: the organization as a whole.
    package var environment: String?
    /// `person`: somebody gave it; else the rule of sign-in that did.
    package var origin: String

    package init(role: Role, environment: String?, origin: String) {
        self.role = role
        self.environment = environment
        self.origin = origin
    }

    package var grant: Grant { Grant(role, in: environment) }
}

/// `POST /api/v1/members`.
package struct InviteRequest: Sendable, Codable {
    package var email: String
    package var role: Role
    package var environment: String?

    /// The address as it is kept: without blanks around it, in small letters.
    package var address: String { email.trimmingCharacters(in: .whitespacesAndNewlines).lowercased() }

    package init(email: String, role: Role, environment: String? = nil) {
        self.email = email
        self.role = role
        self.environment = environment
    }
}

/// `POST /api/v1/members/{member}/grant` and `/revoke`.
package struct GrantRequest: Sendable, Codable {
    package var role: Role
    package var environment: String?

    package init(role: Role, environment: String? = nil) {
        self.role = role
        self.environment = environment
    }
}

/// The link of an invitation, which is shown this once.
package struct InvitationMade: Sendable, Codable {
    package var member: MemberView
    /// Where the link leads, whole.
    package var joinURL: String
    /// RFC 3339.
    package var expiresAt: String
    /// Whether it was handed to the mail server; if not, `mailProblem` says why.
    package var isMailed: Bool
    package var mailProblem: String?

    package init(member: MemberView, joinURL: String, expiresAt: String, isMailed: Bool, mailProblem: String?) {
        self.member = member
        self.joinURL = joinURL
        self.expiresAt = expiresAt
        self.isMailed = isMailed
        self.mailProblem = mailProblem
    }
}

/// What somebody with a link sees before they use it.
package struct InvitationView: Sendable {
    package var organization: String
    package var email: String
    package var display: String?
    /// `engineer`, `viewer in prod`.
    package var roles: [String]
    package var invitedBy: String?

    package init(organization: String, email: String, display: String?, roles: [String], invitedBy: String?) {
        self.organization = organization
        self.email = email
        self.display = display
        self.roles = roles
        self.invitedBy = invitedBy
    }
}

/// `GET /api/v1/access/explain`.
package struct AccessAnswer: Sendable, Codable {
    package var member: String
    package var permission: Permission
    package var environment: String?
    package var isAllowed: Bool
    /// One sentence.
    package var reason: String

    package init(member: String, permission: Permission, environment: String?, isAllowed: Bool, reason: String) {
        self.member = member
        self.permission = permission
        self.environment = environment
        self.isAllowed = isAllowed
        self.reason = reason
    }
}

/// `GET /api/v1/access/roles`: the permission table.
package struct RoleView: Sendable, Codable {
    package var role: Role
    package var words: String
    package var permissions: [PermissionView]

    package init(_ role: Role) {
        self.role = role
        words = role.words
        permissions = Permission.allCases.filter { role.permissions.contains($0) }.map { PermissionView($0) }
    }

    /// From the least to the most.
    package static let all = Role.allCases.map { RoleView($0) }
}

package struct PermissionView: Sendable, Codable {
    package var permission: Permission
    package var words: String

    package init(_ permission: Permission) {
        self.permission = permission
        words = permission.words
    }
}

package import Kernel
package import Roles

/// Who asks, in which organization, and what they may do there.
package struct Caller: Sendable, Hashable {
    package var organization: OrganizationID
    /// The organization's slug.
    package var slug: String
    package var principal: PrincipalID
    /// A person's e-mail address, a service's name.
    package var name: String
    /// What people call them.
    package var display: String
    package var rights: Rights
    /// Whether it is whoever holds the data folder.
    package var isLocal: Bool
    /// Whether it is a person's account; else it is a service's, or the local admin's.
    package var isPerson: Bool
    /// Who they are whatever the organization; nil also for a person who has come in by an invitation's link alone.
    package var person: PersonID?
    /// The token or session that was used.
    package var credential: CredentialID?
    /// Why the organization is closed to its people, a sentence; nil if it is open.
    package var closed: String?
    /// Whether a session's person can switch to another organization.
    package var belongsElsewhere = false

    package init(
        organization: OrganizationID, slug: String, principal: PrincipalID, name: String, display: String? = nil,
        rights: Rights, isLocal: Bool = false, isPerson: Bool = false, person: PersonID? = nil,
        credential: CredentialID? = nil,
        closed: String? = nil
    ) {
        self.organization = organization
        self.slug = slug
        self.principal = principal
        self.name = name
        self.display = display ?? name
        self.rights = rights
        self.isLocal = isLocal
        self.isPerson = isPerson
        self.person = person
        self.credential = credential
        self.closed = closed
    }

    /// What is still possible in an organization that is suspended or being deleted.
    private static let possibleWhenClosed: Set<Permission> = [
        .systemRead, .organizationRead, .accountManage, .auditRead, .organizationDelete,
    ]

    /// Whether it is allowed in an environment, or, if that is nil, in the whole organization.
    package func may(_ permission: Permission, in environment: String? = nil) -> Bool {
        decide(permission, in: environment).isAllowed
    }

    /// Whether it is allowed, and why, or why not.
    package func decide(_ permission: Permission, in environment: String? = nil) -> Decision {
        if let closed, !Self.possibleWhenClosed.contains(permission) {
            return Decision(isAllowed: false, reason: closed)
        }
        return rights.explain(permission, in: environment)
    }

    /// - Throws: `forbidden`, with what is missing.
    package func require(_ permission: Permission, in environment: String? = nil) throws {
        let decision = decide(permission, in: environment)
        guard !decision.isAllowed else { return }
        throw Problem(
            .forbidden, decision.reason,
            hint: closed == nil
                ? "Ask an admin of \(slug): weir members grant NAME --role ROLE" : "Ask an owner of \(slug).")
    }

    /// As `require`, for what is allowed in one environment at least.
    package func requireSomewhere(_ permission: Permission) throws {
        if closed == nil, rights.maySomewhere(permission) { return }
        try require(permission)
    }
}

package import Kernel
package import Roles

/// Someone who has proved who they are, in one organization.
package struct Principal: Sendable, Hashable {
    package enum Kind: String, Sendable {
        /// Whoever holds the data folder.
        case local
        case person, service
    }

    package let organization: OrganizationID
    package let slug: String
    package let id: PrincipalID
    /// A person's e-mail address, a service's name.
    package let name: String
    /// What people call them.
    package let display: String
    package let kind: Kind
    package let rights: Rights
    /// Who they are whatever the organization; nil also for a person who has come in by an invitation's link alone.
    package let person: PersonID?
    /// The token or session that was used.
    package let credential: CredentialID?
    /// Why the organization is closed to its people; nil if it is open.
    package let closed: Closed?

    package enum Closed: Sendable, Hashable {
        case suspended(because: String)
        case deleting
    }

    package init(
        organization: OrganizationID, slug: String, id: PrincipalID, name: String, display: String? = nil,
        kind: Kind, rights: Rights, person: PersonID? = nil,
        credential: CredentialID? = nil, closed: Closed? = nil
    ) {
        self.organization = organization
        self.slug = slug
        self.id = id
        self.name = name
        self.display = display ?? name
        self.kind = kind
        self.rights = rights
        self.person = person
        self.credential = credential
        self.closed = closed
    }
}

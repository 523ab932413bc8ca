package import Kernel

/// A company's directory tells who belongs to an organization (SCIM 2.0, RFC 7644): above all who does not any more.
package protocol DirectoryOperations: Sendable {
    /// By e-mail address.
    /// - Parameters:
    ///   - email: only the one of this address; all if nil.
    ///   - offset: how many to leave out.
    ///   - limit: 0…200.
    func directoryUsers(email: String?, offset: Int, limit: Int, as caller: Caller) async throws -> DirectoryPage
    /// - Throws: `notFound`.
    func directoryUser(_ id: PrincipalID, as caller: Caller) async throws -> DirectoryUser
    /// A member without a role: rules of sign-in or people give roles.
    /// - Throws: `conflict` if there is a member of that address; `invalidInput`.
    func addDirectoryUser(_ change: DirectoryChange, as caller: Caller) async throws -> DirectoryUser
    /// What is nil stays. With `isActive` false all sessions and tokens of the member are worthless at once.
    /// - Throws: `notFound`; `conflict` for the last owner, or an address that another member has.
    func changeDirectoryUser(
        _ id: PrincipalID, _ change: DirectoryChange, as caller: Caller
    ) async throws -> DirectoryUser
}

package struct DirectoryUser: Sendable, Hashable {
    package var id: PrincipalID
    package var email: String
    package var display: String
    package var isActive: Bool
    package var createdAt: String
    package var changedAt: String

    package init(
        id: PrincipalID, email: String, display: String, isActive: Bool, createdAt: String, changedAt: String
    ) {
        self.id = id
        self.email = email
        self.display = display
        self.isActive = isActive
        self.createdAt = createdAt
        self.changedAt = changedAt
    }
}

package struct DirectoryChange: Sendable, Hashable {
    package var email: String?
    package var display: String?
    package var isActive: Bool?

    package init(email: String? = nil, display: String? = nil, isActive: Bool? = nil) {
        self.email = email
        self.display = display
        self.isActive = isActive
    }
}

package struct DirectoryPage: Sendable, Hashable {
    /// Of all that fit, not only of this page.
    package var total: Int
    package var users: [DirectoryUser]

    package init(total: Int, users: [DirectoryUser]) {
        self.total = total
        self.users = users
    }
}

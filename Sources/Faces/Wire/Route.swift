package import Roles

/// One way in, as the router has it. `weir routes` lists all of them, and the isolation test walks that list: what is
/// reachable but was never said to take anything shows there.
package struct Route: Codable, Sendable, Hashable {
    package let method: String
    /// With captures in braces: `/runs/{id}`.
    package let path: String
    /// What it takes at least; nil if it is open.
    package let permission: Permission?

    package init(method: String, path: String, permission: Permission?) {
        self.method = method
        self.path = path
        self.permission = permission
    }
}

import Kernel

/// What a token is narrowed to: permissions by name, or groups of them.
package enum Scope {
    /// `read`: all that only looks. `all`: whatever the role gives.
    package static let groups: [String: Set<Permission>] = [
        "read": Set(Permission.allCases.filter(\.isReading)),
        "all": Set(Permission.allCases),
    ]

    package static var names: [String] { ["read", "all"] + Permission.allCases.map(\.rawValue).sorted() }

    /// The permissions that names stand for; nil for `all`, which narrows nothing.
    /// - Throws: `invalidInput` for a name that is none, or none at all.
    package static func permissions(of names: [String]) throws -> Set<Permission>? {
        guard !names.isEmpty else {
            throw Problem(
                .invalidInput, "A token without scopes can do nothing.", hint: "Use read, all, or permissions.")
        }
        var found: Set<Permission> = []
        for name in names {
            if let group = groups[name] {
                found.formUnion(group)
            } else if let permission = Permission(rawValue: name) {
                found.insert(permission)
            } else {
                throw Problem(
                    .invalidInput, "There is no scope \(name.prefix(40)).",
                    hint:
                        "Use read, all, or any of: \(Permission.allCases.map(\.rawValue).sorted().joined(separator: ", "))."
                )
            }
        }
        return names.contains("all") ? nil : found
    }
}

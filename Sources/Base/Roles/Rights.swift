/// A role in one environment, or in all of them and the organization itself.
package struct Grant: Sendable, Hashable, Codable {
    package var role: Role
    /// `dev`, `stage` or `prod`; nil: the whole organization.
    package var environment: String?

    package init(_ role: Role, in environment: String? = nil) {
        self.role = role
        self.environment = environment
    }
}

/// All that a caller may do: what roles give, narrowed by the scopes of the token that was used.
package struct Rights: Sendable, Hashable {
    package var grants: [Grant]
    /// Nil: no token narrows them.
    package var scopes: Set<Permission>?

    package init(_ grants: [Grant], scopes: Set<Permission>? = nil) {
        self.grants = grants
        self.scopes = scopes
    }

    /// Whether it is allowed in an environment, or, if that is nil, in the whole organization.
    package func may(_ permission: Permission, in environment: String? = nil) -> Bool {
        explain(permission, in: environment).isAllowed
    }

    /// Whether it is allowed somewhere.
    package func maySomewhere(_ permission: Permission) -> Bool {
        guard permission.isOfEnvironment else { return may(permission) }
        return isInScope(permission) && grants.contains { $0.role.permissions.contains(permission) }
    }

    /// The environments in which it is allowed; nil: all.
    package func environments(for permission: Permission) -> Set<String>? {
        guard isInScope(permission) else { return [] }
        let giving = grants.filter { $0.role.permissions.contains(permission) }
        return giving.contains { $0.environment == nil } ? nil : Set(giving.compactMap(\.environment))
    }

    /// Why it is allowed or not.
    package func explain(_ permission: Permission, in place: String? = nil) -> Decision {
        let environment = permission.isOfEnvironment ? place : nil
        let giving = grants.filter { $0.role.permissions.contains(permission) }
        let here = giving.first { $0.environment == nil || $0.environment == environment }
        let anywhere = permission.isForAll ? giving.first : nil
        guard let grant = here ?? anywhere else {
            return Decision(isAllowed: false, reason: refusal(permission, in: environment, elsewhere: giving))
        }
        guard isInScope(permission) else {
            return Decision(
                isAllowed: false,
                reason: "The role \(grant.role.rawValue) may \(permission.words), but this token's scopes leave it out."
            )
        }
        return Decision(
            isAllowed: true, reason: "The role \(grant.role.rawValue)\(words(of: grant)) may \(permission.words).")
    }

    private func isInScope(_ permission: Permission) -> Bool { scopes?.contains(permission) ?? true }

    private func words(of grant: Grant) -> String { grant.environment.map { " in \($0)" } ?? "" }

    private func refusal(_ permission: Permission, in environment: String?, elsewhere: [Grant]) -> String {
        let roles = Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue)
        let needed = roles.count == 1 ? "the role \(roles[0])" : "one of the roles \(roles.joined(separator: ", "))"
        let held = grants.map { "\($0.role.rawValue)\(words(of: $0))" }
        let holds = held.isEmpty ? "There is no role" : "There is only \(held.joined(separator: ", "))"
        let here =
            environment.map { " in \($0)" }
            ?? (permission.isOfEnvironment && !elsewhere.isEmpty ? " in all environments" : "")
        return "To \(permission.words)\(here) takes \(needed). \(holds)."
    }
}

/// An answer to "may they?" with its reason, a sentence.
package struct Decision: Sendable, Hashable {
    package let isAllowed: Bool
    package let reason: String

    package init(isAllowed: Bool, reason: String) {
        self.isAllowed = isAllowed
        self.reason = reason
    }
}

/// What a person or a service is in an organization, or in one of its environments.
package enum Role: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
    case viewer, billing, analyst, engineer, admin, owner

    /// By how much they may.
    package static func < (first: Role, second: Role) -> Bool {
        first.permissions.count < second.permissions.count
    }

    /// **The permission table.** All that is not here is forbidden. `GuardedOperations` is the only place that asks.
    package var permissions: Set<Permission> {
        switch self {
        case .viewer:
            [.systemRead, .dashboardsRead, .runsRead, .organizationRead, .accountManage]
        case .billing:
            [.systemRead, .organizationRead, .accountManage, .billingRead, .billingManage]
        case .analyst:
            Role.viewer.permissions.union([
                .dataRead, .schedulesRead, .notificationsRead, .workforceRead, .membersRead,
            ])
        case .engineer:
            Role.analyst.permissions.union([
                .runsManage, .clonesStart, .schedulesManage, .notificationsManage, .workforceManage,
            ])
        case .admin:
            // Provisioning and secrets are for admins only.
            Role.engineer.permissions.union([
                .sourcesManage, .secretsRead, .secretsManage, .membersManage, .organizationManage, .tokensManage,
                .signInManage, .auditRead, .billingRead,
            ])
        case .owner: Set(Permission.allCases)
        }
    }

    /// One line for people who choose a role.
    package var words: String {
        switch self {
        case .viewer: "sees dashboards and runs"
        case .billing: "sees costs and bills, no data"
        case .analyst: "sees data and runs SQL"
        case .engineer: "runs pipelines, changes schedules and limits"
        case .admin: "connects sources, keeps secrets, manages people"
        case .owner: "everything, also deleting the organization"
        }
    }

    /// Whether somebody with `grants` may give or take this role: admins make everybody but owners.
    package func mayBeGiven(by giver: Rights) -> Bool {
        giver.may(.membersManage) && (self != .owner || giver.may(.organizationDelete))
    }
}

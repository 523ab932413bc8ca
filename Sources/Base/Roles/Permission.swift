/// One thing that somebody may or may not do. The raw value is its name in the API, in tokens' scopes and in the audit.
package enum Permission: String, Sendable, Hashable, CaseIterable, Codable {
    case systemRead = "system.read"

    case dashboardsRead = "dashboards.read"
    /// Tables, previews and SQL.
    case dataRead = "data.read"

    case runsRead = "runs.read"
    /// Cancel, retry, resolve.
    case runsManage = "runs.manage"
    /// Another clone of a source that is known already.
    case clonesStart = "clones.start"
    /// A source that is new or has moved: it provisions, and keeps a secret.
    case sourcesManage = "sources.manage"

    case schedulesRead = "schedules.read"
    case schedulesManage = "schedules.manage"
    case notificationsRead = "notifications.read"
    case notificationsManage = "notifications.manage"
    case workforceRead = "workforce.read"
    /// Limits and maintenance windows.
    case workforceManage = "workforce.manage"

    case organizationRead = "organization.read"
    case membersRead = "members.read"
    /// Invite, change roles of, deactivate.
    case membersManage = "members.manage"
    /// Name, environments, retention, suspension.
    case organizationManage = "organization.manage"
    case organizationDelete = "organization.delete"
    /// Tokens of one's own, one's own account.
    case accountManage = "account.manage"
    /// Service tokens, and other people's.
    case tokensManage = "tokens.manage"
    /// Names, versions and moments; never values.
    case secretsRead = "secrets.read"
    case secretsManage = "secrets.manage"
    /// Issuers, rules of sign-in, deactivation by SCIM.
    case signInManage = "signin.manage"
    case auditRead = "audit.read"
    case billingRead = "billing.read"
    case billingManage = "billing.manage"

    /// What it is for a person: "see dashboards".
    package var words: String {
        switch self {
        case .systemRead: "see whether the house is well"
        case .dashboardsRead: "see dashboards"
        case .dataRead: "see tables and run SQL"
        case .runsRead: "see runs and their logs"
        case .runsManage: "cancel, retry and resolve runs"
        case .clonesStart: "clone a known source again"
        case .sourcesManage: "connect sources and give their addresses"
        case .schedulesRead: "see schedules"
        case .schedulesManage: "change schedules"
        case .notificationsRead: "see subscriptions, expectations and messages"
        case .notificationsManage: "change subscriptions and expectations"
        case .workforceRead: "see workers, limits and maintenance windows"
        case .workforceManage: "change limits and maintenance windows"
        case .organizationRead: "see the organization and its environments"
        case .membersRead: "see who belongs to the organization"
        case .membersManage: "invite people and change their roles"
        case .organizationManage: "change the organization and its environments"
        case .organizationDelete: "delete the organization"
        case .accountManage: "manage the own account, tokens and sessions"
        case .tokensManage: "manage service tokens and other people's"
        case .secretsRead: "see the names of secrets"
        case .secretsManage: "replace and revoke secrets"
        case .signInManage: "manage how people sign in"
        case .auditRead: "read the audit"
        case .billingRead: "see costs and bills"
        case .billingManage: "change plan and billing"
        }
    }

    /// Whether it only looks.
    package var isReading: Bool { rawValue.hasSuffix(".read") }

    /// Whether a role in one environment gives it for the whole organization: it tells nothing of other environments (of workers, limits and windows only what is of the caller's).
    package var isForAll: Bool {
        switch self {
        case .systemRead, .organizationRead, .membersRead, .workforceRead, .accountManage: true
        default: false
        }
    }

    /// Whether it is of an environment. The others hold for the organization as a whole.
    package var isOfEnvironment: Bool {
        switch self {
        case .dashboardsRead, .dataRead, .runsRead, .runsManage, .clonesStart, .sourcesManage, .schedulesRead,
            .schedulesManage:
            true
        default: false
        }
    }
}

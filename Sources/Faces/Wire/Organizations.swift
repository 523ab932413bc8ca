package import Kernel

/// What the faces ask about organizations. All but the first four are about the caller's own.
package protocol OrganizationOperations: Sendable {
    /// Those that the caller belongs to, by slug: a person whatever the organization, the local admin all that it made.
    func organizations(as caller: Caller) async throws -> [OrganizationSummary]
    /// Who the caller is in another organization that they belong to; nil or the own slug is the caller as they are. A
    /// token is good for its own organization only, unless it is the local admin's.
    /// - Throws: `notFound` for one that they do not belong to.
    func caller(_ caller: Caller, in organization: String?) async throws -> Caller
    /// A new session in another organization that the caller belongs to; the old one stays.
    /// - Throws: `notFound`; `forbidden` for a token with scopes.
    func openSession(in organization: String, as caller: Caller) async throws -> Secret<String>
    /// Whether `foundOrganization` is for this caller (WEIR_WHO_MAY_FOUND).
    func mayFound(as caller: Caller) async -> Bool
    /// Makes an organization whose owner the caller becomes.
    /// - Throws: `forbidden` if it is not the caller who may (WEIR_WHO_MAY_FOUND); `conflict` for a slug that is taken.
    func foundOrganization(_ request: FoundRequest, as caller: Caller) async throws -> OrganizationView

    func organization(as caller: Caller) async throws -> OrganizationView
    /// - Throws: `invalidInput` for a name that is empty or longer than 100.
    func renameOrganization(_ name: String, as caller: Caller) async throws -> OrganizationView
    /// What is said of an environment, as a whole but for what the request may leave as it is.
    /// - Throws: `invalidInput`.
    func putEnvironment(
        _ environment: String, _ request: EnvironmentRequest, as caller: Caller
    ) async throws -> OrganizationView
    /// Nobody can do anything in it, and no job of it starts. What runs goes on.
    /// - Throws: `conflict` if it is suspended or being deleted already; `invalidInput` without a reason.
    func suspendOrganization(because: String, as caller: Caller) async throws -> OrganizationView
    /// - Throws: `conflict` if it is not suspended.
    func resumeOrganization(as caller: Caller) async throws -> OrganizationView
    /// Closes it now and removes all of it when the time of grace is over.
    /// - Throws: `conflict` if it is being deleted already.
    func deleteOrganization(as caller: Caller) async throws -> OrganizationView
    /// Opens one again that is being deleted.
    /// - Throws: `conflict` if it is not.
    func restoreOrganization(as caller: Caller) async throws -> OrganizationView

    /// What is still to be set up.
    func setup(as caller: Caller) async throws -> SetupView
    func dismissSetup(as caller: Caller) async throws
}

/// An organization in a list.
package struct OrganizationSummary: Sendable, Codable {
    package var slug: String
    package var name: String
    /// `active`, `suspended` or `deleting`.
    package var state: String
    /// What the caller is there: `owner`, `dev engineer`.
    package var roles: [String]
    /// Whether the caller speaks for it now.
    package var isCurrent: Bool

    package init(slug: String, name: String, state: String, roles: [String], isCurrent: Bool) {
        self.slug = slug
        self.name = name
        self.state = state
        self.roles = roles
        self.isCurrent = isCurrent
    }
}

package struct OrganizationView: Sendable, Codable {
    package var slug: String
    package var name: String
    /// `active`, `suspended` or `deleting`.
    package var state: String
    package var stateReason: String?
    /// RFC 3339.
    package var stateSince: String?
    /// When it is gone for good, if it is being deleted.
    package var deleteAfter: String?
    package var createdAt: String
    package var environments: [EnvironmentView]

    package init(
        slug: String, name: String, state: String, stateReason: String?, stateSince: String?, deleteAfter: String?,
        createdAt: String, environments: [EnvironmentView]
    ) {
        self.slug = slug
        self.name = name
        self.state = state
        self.stateReason = stateReason
        self.stateSince = stateSince
        self.deleteAfter = deleteAfter
        self.createdAt = createdAt
        self.environments = environments
    }
}

/// What is said of an environment.
package struct EnvironmentView: Sendable, Codable {
    /// `dev`, `stage` or `prod`.
    package var environment: String
    /// `small`, `medium` or `large`.
    package var size: String
    /// How long runs that are over are kept.
    package var keepRunsDays: Int
    /// How long lines of their logs are kept.
    package var keepLogsDays: Int
    /// How long states of the warehouse and folders of the lake are kept that a newer load has superseded.
    package var keepDataDays: Int
    /// What a month may cost; nil: no limit.
    package var monthlyBudget: Double?
    /// Nil as long as these are the defaults; RFC 3339.
    package var settledAt: String?

    package init(
        environment: String, size: String, keepRunsDays: Int, keepLogsDays: Int, keepDataDays: Int,
        monthlyBudget: Double?, settledAt: String?
    ) {
        self.environment = environment
        self.size = size
        self.keepRunsDays = keepRunsDays
        self.keepLogsDays = keepLogsDays
        self.keepDataDays = keepDataDays
        self.monthlyBudget = monthlyBudget
        self.settledAt = settledAt
    }
}

/// `POST /api/v1/organizations`.
package struct FoundRequest: Sendable, Codable {
    package var slug: String
    /// The slug if nil.
    package var name: String?

    package init(slug: String, name: String? = nil) {
        self.slug = slug
        self.name = name
    }
}

/// `PUT /api/v1/organizations/{slug}`.
package struct RenameRequest: Sendable, Codable {
    package var name: String

    package init(name: String) { self.name = name }
}

/// `POST /api/v1/organizations/{slug}/suspend`.
package struct SuspendRequest: Sendable, Codable {
    package var because: String

    package init(because: String) { self.because = because }
}

/// `PUT /api/v1/organizations/{slug}/environments/{environment}`.
package struct EnvironmentRequest: Sendable, Codable, Hashable {
    package static let sizes = ["small", "medium", "large"]
    package static let mostDays = 36_500
    package static let mostBudget = 9_999_999_999.0

    package var size: String
    package var keepRunsDays: Int
    package var keepLogsDays: Int
    /// Nil leaves it as it is: clients that do not know of it send none.
    package var keepDataDays: Int?
    /// What a month may cost; nil: no limit.
    package var monthlyBudget: Double?

    package init(size: String, keepRunsDays: Int, keepLogsDays: Int, keepDataDays: Int?, monthlyBudget: Double?) {
        self.size = size
        self.keepRunsDays = keepRunsDays
        self.keepLogsDays = keepLogsDays
        self.keepDataDays = keepDataDays
        self.monthlyBudget = monthlyBudget
    }
}

/// The first things to do in a new organization.
package struct SetupView: Sendable, Codable {
    package var isNamed: Bool
    /// Whether somebody has looked at the settings of an environment.
    package var isSettled: Bool
    package var hasMembers: Bool
    package var isDismissed: Bool

    package init(isNamed: Bool, isSettled: Bool, hasMembers: Bool, isDismissed: Bool) {
        self.isNamed = isNamed
        self.isSettled = isSettled
        self.hasMembers = hasMembers
        self.isDismissed = isDismissed
    }

    package var isDone: Bool { isNamed && isSettled && hasMembers }
}

import Roles
import Wire

extension Shapes {
    private static let state = Field("state", .words(["active", "suspended", "deleting"]))

    static let organizationSummary = Shape(
        name: "OrganizationSummary", note: "An organization that the caller belongs to.",
        fields: [
            Field("slug", .text()),
            Field("name", .text()),
            state,
            Field("roles", .list(.text()), "What the caller is there: `owner`, `dev engineer`."),
            Field("is_current", .boolean, "Whether the token is of it."),
        ])

    static let organizationList = Shape(
        name: "OrganizationList", note: "Organizations.",
        fields: [Field("organizations", .list(.shape(organizationSummary)))])

    static let foundRequest = Shape(
        name: "FoundRequest", note: "An organization to be.",
        fields: [
            Field(
                "slug", .formed(.slug), "Its short name for ever: `a-z`, digits and `_`, led by a letter, at most 40."),
            .open("name", .formed(.line(most: 100)), "The slug if absent."),
        ])

    static let renameRequest = Shape(
        name: "RenameRequest", note: "Another name.", fields: [Field("name", .formed(.line(most: 100)))])

    static let suspendRequest = Shape(
        name: "SuspendRequest", note: "Why an organization is closed.",
        fields: [Field("because", .formed(.words(most: 500)), "Its people read it.")])

    private static let days = Schema.integer(least: 1, most: EnvironmentRequest.mostDays)
    private static let settings = [
        Field("size", .words(EnvironmentRequest.sizes)),
        Field("keep_runs_days", days, "Runs that are over."),
        Field("keep_logs_days", days, "Lines of their logs."),
    ]

    static let environmentRequest = Shape(
        name: "EnvironmentRequest", note: "What is said of an environment.",
        fields: settings + [
            .open("keep_data_days", days, "Data that a newer load has superseded; as it is if absent."),
            .open(
                "monthly_budget", .number(least: 0, most: EnvironmentRequest.mostBudget),
                "What a month may cost; no limit if absent."),
        ])

    static let environment = Shape(
        name: "Environment", note: "An environment of an organization.",
        fields: [Field("environment", environments)] + settings + [
            Field("keep_data_days", days, "Data that a newer load has superseded."),
            .optional("monthly_budget", .number(), "What a month may cost; absent: no limit."),
            .optional("settled_at", .text(format: "date-time"), "Absent as long as these are the defaults."),
        ])

    static let organization = Shape(
        name: "Organization", note: "An organization, its state and its environments.",
        fields: [
            Field("slug", .text()),
            Field("name", .text()),
            state,
            .optional("state_reason", .text(), "Why it is suspended."),
            .optional("state_since", .text(format: "date-time")),
            .optional("delete_after", .text(format: "date-time"), "When it is gone for good, if it is being deleted."),
            Field("created_at", .text(format: "date-time")),
            Field("environments", .list(.shape(environment))),
        ])
}

extension Shapes {
    private static let role = Field("role", .words(Role.allCases.map(\.rawValue)))
    private static let environmentOfRole = Field.open(
        "environment", environments, "The organization as a whole if absent.")

    static let grantRequest = Shape(
        name: "GrantRequest", note: "A role.", fields: [role, environmentOfRole])

    static let inviteRequest = Shape(
        name: "InviteRequest", note: "Somebody to invite.",
        fields: [Field("email", .text(), "`name@domain`"), role, environmentOfRole])

    static let heldRole = Shape(
        name: "HeldRole", note: "A role of a member.",
        fields: [
            role,
            .optional("environment", environments, "Absent: the organization as a whole."),
            Field("origin", .text(), "`person`: somebody gave it; else the rule of sign-in that did."),
        ])

    static let member = Shape(
        name: "Member", note: "Who belongs to an organization.",
        fields: [
            Field("member_id", .text(format: "uuid")),
            Field("name", .text(), "A person's e-mail address, a service's name."),
            Field("display", .text(), "What people call them."),
            Field("kind", .words(["person", "service", "local"]), "`local`: whoever holds the data folder."),
            Field("state", .words(["invited", "active", "deactivated"])),
            Field("roles", .list(.shape(heldRole))),
            .optional("invited_by", .text()),
            Field("created_at", .text(format: "date-time")),
            .optional("last_seen_at", .text(format: "date-time"), "Within a minute."),
            Field("is_caller", .boolean),
        ])

    static let memberList = Shape(
        name: "MemberList", note: "Members.", fields: [Field("members", .list(.shape(member)))])

    static let invitation = Shape(
        name: "Invitation", note: "A link that lets somebody in once.",
        fields: [
            Field("member", .shape(member)),
            Field("join_url", .text(), "Shown only here: whoever has it can join."),
            Field("expires_at", .text(format: "date-time")),
            Field("is_mailed", .boolean, "Whether it was handed to the mail server."),
            .optional("mail_problem", .text(), "Why it could not be."),
        ])

    private static let permission = Field("permission", .words(Permission.allCases.map(\.rawValue)))

    static let permissionWords = Shape(
        name: "Permission", note: "What somebody may.", fields: [permission, Field("words", .text())])

    static let roleWords = Shape(
        name: "Role", note: "A role and all that it may.",
        fields: [role, Field("words", .text()), Field("permissions", .list(.shape(permissionWords)))])

    static let roleList = Shape(
        name: "RoleList", note: "The permission table.", fields: [Field("roles", .list(.shape(roleWords)))])

    static let accessAnswer = Shape(
        name: "AccessAnswer", note: "Whether a member may do something, and why.",
        fields: [
            Field("member", .text()), permission,
            .optional("environment", environments),
            Field("is_allowed", .boolean),
            Field("reason", .text(), "One sentence."),
        ])
}

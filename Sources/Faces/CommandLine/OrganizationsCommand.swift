import ArgumentParser
import Kernel
import Wire

struct OrganizationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organizations", abstract: "List organizations; make, rename, suspend or delete one.",
        discussion: "A token is good for its own organization; the local admin's for all that it made.",
        subcommands: [
            ListOrganizationsCommand.self, CreateOrganizationCommand.self, ShowOrganizationCommand.self,
            RenameOrganizationCommand.self, SuspendOrganizationCommand.self, ResumeOrganizationCommand.self,
            DeleteOrganizationCommand.self, RestoreOrganizationCommand.self,
        ],
        defaultSubcommand: ListOrganizationsCommand.self)
}

struct ListOrganizationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the organizations that you belong to.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: OrganizationList = try await answers.client.get(Address.of("organizations"))
        try answers.show(answer) { OrganizationText(style: $0).text(of: answer.organizations) }
    }
}

/// `GET /api/v1/organizations`.
struct OrganizationList: Codable {
    let organizations: [OrganizationSummary]
}

struct CreateOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an organization and become its owner.")

    @Argument(help: "Its short name for ever: a-z, digits and _, led by a letter.")
    var slug: String
    @Option(help: "What people call it.")
    var name: String?
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let made: OrganizationView = try await answers.client.post(
            Address.of("organizations"), FoundRequest(slug: slug, name: name))
        try answers.show(made) { OrganizationText(style: $0).text(of: made) }
    }
}

/// Which organization, and how to print the answer.
struct OrganizationOptions: ParsableArguments {
    @Argument(help: "The organization's slug.")
    var slug: String
    @OptionGroup var answers: AnswerOptions

    func path(_ rest: String...) -> String { rest.reduce(Address.of("organizations", slug)) { "\($0)/\($1)" } }

    func show(_ organization: OrganizationView) throws {
        try answers.show(organization) { OrganizationText(style: $0).text(of: organization) }
    }
}

struct ShowOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show an organization, its state and its environments.")

    @Argument(help: "The organization's slug; the token's own if absent.")
    var slug: String?
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let found: OrganizationView = try await answers.client.organization(slug)
        try answers.show(found) { OrganizationText(style: $0).text(of: found) }
    }
}

extension Client {
    /// The organization of that slug, or the token's own.
    func organization(_ slug: String?) async throws -> OrganizationView {
        try await get(Address.of("organizations", try await ownSlug(slug)))
    }

    /// The slug that is given, or that of the token's organization.
    func ownSlug(_ given: String?) async throws -> String {
        if let given { return given }
        let list: OrganizationList = try await get(Address.of("organizations"))
        guard let own = list.organizations.first(where: \.isCurrent) else {
            throw Problem(.notFound, "The token's organization is not there.", hint: "Name one.")
        }
        return own.slug
    }
}

struct RenameOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Give an organization another name. Its slug stays.")

    @OptionGroup var organization: OrganizationOptions
    @Argument(help: "What people call it.")
    var name: String

    func run() async throws {
        try organization.show(
            await organization.answers.client.put(organization.path(), RenameRequest(name: name)))
    }
}

struct SuspendOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Close an organization: none of its jobs starts, its people are told why.")

    @OptionGroup var organization: OrganizationOptions
    @Option(help: "Why; its people read it.")
    var because: String

    func run() async throws {
        try organization.show(
            await organization.answers.client.post(organization.path("suspend"), SuspendRequest(because: because)))
    }
}

struct ResumeOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Open a suspended organization again.")

    @OptionGroup var organization: OrganizationOptions

    func run() async throws {
        try organization.show(await organization.answers.client.post(organization.path("resume")))
    }
}

struct DeleteOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Close an organization, and remove all that is its own after 30 days.",
        discussion: "Until then weir organizations restore opens it again.")

    @OptionGroup var organization: OrganizationOptions
    @Option(help: "The slug once more: all data of the organization goes.")
    var confirm: String

    func validate() throws {
        guard confirm == organization.slug else {
            throw ValidationError("--confirm must repeat the slug \(organization.slug).")
        }
    }

    func run() async throws {
        let client = organization.answers.client
        try await client.delete(organization.path())
        try organization.show(await client.get(organization.path()))
    }
}

struct RestoreOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Open an organization again that is being deleted.")

    @OptionGroup var organization: OrganizationOptions

    func run() async throws {
        try organization.show(await organization.answers.client.post(organization.path("restore")))
    }
}

/// Organizations for people.
struct OrganizationText {
    let style: Style

    func text(of organizations: [OrganizationSummary]) -> String {
        var grid = Grid(
            columns: [.init("slug", isWhole: true), .init("name"), .init("state"), .init("your roles"), .init("")])
        grid.rows = organizations.map { found in
            [
                found.slug, found.name.withoutControls, found.state, found.roles.joined(separator: ", "),
                found.isCurrent ? "current" : "",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    func text(of organization: OrganizationView) -> String {
        "\(style.bold(organization.name.withoutControls)) (\(organization.slug)), \(state(of: organization))\n\n"
            + text(of: organization.environments)
    }

    private func state(of organization: OrganizationView) -> String {
        switch organization.state {
        case "suspended":
            "suspended" + (organization.stateReason.map { ": \($0)" } ?? "").withoutControls
        case "deleting":
            "being deleted: gone \(organization.deleteAfter.map { "on \($0.minute)" } ?? "soon")."
                + " Keep it with: weir organizations restore \(organization.slug)"
        default: organization.state
        }
    }

    func text(of environments: [EnvironmentView]) -> String {
        var grid = Grid(
            columns: [
                .init("environment"), .init("size"), .init("keeps runs", isNumber: true),
                .init("keeps logs", isNumber: true), .init("keeps old data", isNumber: true),
                .init("monthly budget", isNumber: true),
            ])
        grid.rows = environments.map { environment in
            [
                environment.environment, environment.size, Figures.count(environment.keepRunsDays, "day"),
                Figures.count(environment.keepLogsDays, "day"), Figures.count(environment.keepDataDays, "day"),
                environment.monthlyBudget.map(Self.budget) ?? "none",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    private static func budget(_ amount: Double) -> String {
        let cents = Int64((amount * 100).rounded())
        let rest = cents % 100
        return Figures.grouped(cents / 100) + (rest == 0 ? "" : ".\(rest < 10 ? "0" : "")\(rest)")
    }
}

import ArgumentParser
import Roles
import Wire

struct AccessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access", abstract: "Say what roles may, and why a member may do something or not.",
        subcommands: [ListAccessCommand.self, ExplainAccessCommand.self], defaultSubcommand: ListAccessCommand.self)
}

struct ListAccessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Print the permission table: what each role may.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: RoleList = try await answers.client.get(Address.of("access", "roles"))
        try answers.show(answer) { AccessText(style: $0).text(of: answer.roles) }
    }

    /// `GET /api/v1/access/roles`.
    private struct RoleList: Codable {
        let roles: [RoleView]
    }
}

struct ExplainAccessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a member may do something, or not.",
        discussion: "Exits with 1 if they may not.")

    @Argument(help: "Their e-mail address, a service's name, or the member's id.")
    var member: String
    @Argument(help: "A permission, such as runs.manage; weir access list shows all.")
    var permission: String
    @Option(help: "dev, stage or prod; all environments if absent.")
    var environment: String?
    @OptionGroup var options: MembershipOptions

    func run() async throws {
        let query = Address.query([
            "member": member, "permission": permission, "environment": environment,
            "organization": options.organization,
        ])
        let answer: AccessAnswer = try await options.answers.client.get(Address.of("access", "explain") + query)
        try options.answers.show(answer) { AccessText(style: $0).text(of: answer) }
        if !answer.isAllowed { throw ExitCode.failure }
    }
}

/// Roles and answers for people.
struct AccessText {
    let style: Style

    /// A row for each permission, a column for each role.
    func text(of roles: [RoleView]) -> String {
        var permissions: [PermissionView] = []
        for found in roles.flatMap(\.permissions)
        where !permissions.contains(where: { $0.permission == found.permission }) {
            permissions.append(found)
        }
        permissions.sort { $0.permission.rawValue < $1.permission.rawValue }
        var grid = Grid(
            columns: [.init("permission", isWhole: true)] + roles.map { .init($0.role.rawValue, isWhole: true) }
                + [.init("to")])
        grid.rows = permissions.map { permission in
            [permission.permission.rawValue]
                + roles.map { role in
                    role.permissions.contains { $0.permission == permission.permission } ? "yes" : "-"
                } + [permission.words]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    func text(of answer: AccessAnswer) -> String {
        "\(answer.isAllowed ? style.green("yes") : style.red("no")): \(answer.reason.withoutControls)\n"
    }
}

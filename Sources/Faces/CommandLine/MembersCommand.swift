import ArgumentParser
import Roles
import Wire

struct MembersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members", abstract: "List who belongs to the organization; invite, give roles, shut out.",
        subcommands: [
            ListMembersCommand.self, InviteMemberCommand.self, GrantRoleCommand.self, RevokeRoleCommand.self,
            DeactivateMemberCommand.self, ActivateMemberCommand.self, RemoveMemberCommand.self,
        ],
        defaultSubcommand: ListMembersCommand.self)
}

extension Role: ExpressibleByArgument {}

/// Of which organization, and how to print the answer.
struct MembershipOptions: ParsableArguments {
    @Option(help: "The organization's slug; the token's own if absent.")
    var organization: String?
    @OptionGroup var answers: AnswerOptions

    var query: String { Address.query(["organization": organization]) }

    func show(_ member: MemberView) throws {
        try answers.show(member) { MemberText(style: $0).text(of: [member]) }
    }
}

struct ListMembersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List members and their roles.")

    @OptionGroup var options: MembershipOptions

    func run() async throws {
        let answer: MemberList = try await options.answers.client.get(Address.of("members") + options.query)
        try options.answers.show(answer) { MemberText(style: $0).text(of: answer.members) }
    }

    /// `GET /api/v1/members`.
    private struct MemberList: Codable {
        let members: [MemberView]
    }
}

struct InviteMemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Invite somebody; print the link that lets them in once, within seven days.",
        discussion: "For somebody who was invited before: a new link, which puts the old one out.")

    @Argument(help: "Their e-mail address.")
    var email: String
    @Option(help: "owner, admin, engineer, analyst, viewer or billing.")
    var role: Role
    @Option(help: "dev, stage or prod; the organization as a whole if absent.")
    var environment: String?
    @OptionGroup var options: MembershipOptions

    func run() async throws {
        let made: InvitationMade = try await options.answers.client.post(
            Address.of("members") + options.query, InviteRequest(email: email, role: role, environment: environment))
        try options.answers.show(made) { MemberText(style: $0).text(of: made) }
    }
}

/// Whose role it is.
struct RoleOptions: ParsableArguments {
    @Argument(help: "Their e-mail address, a service's name, or the member's id.")
    var member: String
    @Option(help: "owner, admin, engineer, analyst, viewer or billing.")
    var role: Role
    @Option(help: "dev, stage or prod; the organization as a whole if absent.")
    var environment: String?
    @OptionGroup var options: MembershipOptions

    func change(_ verb: String) async throws {
        let path = Address.of("members", member, verb) + options.query
        try options.show(
            await options.answers.client.post(path, GrantRequest(role: role, environment: environment)))
    }
}

struct GrantRoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "grant", abstract: "Give a member a role.")

    @OptionGroup var role: RoleOptions

    func run() async throws { try await role.change("grant") }
}

struct RevokeRoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Take a role from a member.")

    @OptionGroup var role: RoleOptions

    func run() async throws { try await role.change("revoke") }
}

/// Which member.
struct MemberOptions: ParsableArguments {
    @Argument(help: "Their e-mail address, a service's name, or the member's id.")
    var member: String
    @OptionGroup var options: MembershipOptions

    func change(_ verb: String) async throws {
        try options.show(await options.answers.client.post(Address.of("members", member, verb) + options.query))
    }
}

struct DeactivateMemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deactivate", abstract: "Shut a member out: sessions and tokens are worthless at once.")

    @OptionGroup var member: MemberOptions

    func run() async throws { try await member.change("deactivate") }
}

struct ActivateMemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate", abstract: "Let a member sign in again who was deactivated.")

    @OptionGroup var member: MemberOptions

    func run() async throws { try await member.change("activate") }
}

struct RemoveMemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a member, with sessions, tokens and roles.")

    @OptionGroup var member: MemberOptions

    func run() async throws {
        let options = member.options
        try await options.answers.client.delete(Address.of("members", member.member) + options.query)
        options.answers.say("\(member.member) belongs to the organization no more.")
    }
}

/// Members for people.
struct MemberText {
    let style: Style

    func text(of members: [MemberView]) -> String {
        var grid = Grid(
            columns: [.init("name", isWhole: true), .init("state"), .init("roles"), .init("last seen")])
        grid.rows = members.map { member in
            [
                member.name.withoutControls, Self.state(member),
                member.roles.isEmpty ? "-" : member.roles.map(Self.words).joined(separator: ", "),
                member.lastSeenAt?.minute ?? "-",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    func text(of made: InvitationMade) -> String {
        let mail =
            made.isMailed
            ? "It was sent to them by e-mail too."
            : made.mailProblem.map { "It could not be sent by e-mail: \($0)" } ?? "Pass it on: no mail server is set."
        return """
            \(made.member.name.withoutControls) is invited. This link lets them in once, until \(made.expiresAt.minute):
            \(made.joinURL.withoutControls)
            \(mail.withoutControls)

            """
    }

    private static func state(_ member: MemberView) -> String {
        member.kind == "person"
            ? member.state : "\(member.state), \(member.kind == "local" ? "this machine" : member.kind)"
    }

    /// `engineer`, `viewer in prod (group rule)`.
    private static func words(_ role: GrantView) -> String {
        let place = role.environment.map { " in \($0)" } ?? ""
        let rule = role.origin == "person" ? "" : " (\(role.origin.prefix { $0 != ":" }) rule)"
        return "\(role.role.rawValue)\(place)\(rule)".withoutControls
    }
}

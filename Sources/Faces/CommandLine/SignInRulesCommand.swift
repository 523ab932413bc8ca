import ArgumentParser
import Kernel
import Wire

struct SignInRulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-in-rules", abstract: "List and change whom the organization lets in, with which role.",
        subcommands: [ListSignInRulesCommand.self, AddSignInRuleCommand.self, RemoveSignInRuleCommand.self],
        defaultSubcommand: ListSignInRulesCommand.self)
}

struct ListSignInRulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List rules of sign-in.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: RuleList = try await answers.client.get(Address.of("sign-in-rules"))
        try answers.show(answer) { SignInRuleText(style: $0).text(of: answer.rules) }
    }

    /// `GET /api/v1/sign-in-rules`.
    private struct RuleList: Codable {
        let rules: [SignInRuleView]
    }
}

struct AddSignInRuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Let accounts of an issuer in.",
        discussion: "Give one of --domain, --group and --claim NAME=VALUE.")

    @Argument(help: "The issuer's name; weir issuers lists them.")
    var issuer: String
    @Option(help: "Accounts whose verified e-mail address is of this domain.")
    var domain: String?
    @Option(help: "Accounts of this group.")
    var group: String?
    @Option(help: "Accounts whose claim has this value: NAME=VALUE.")
    var claim: String?
    @Option(help: "admin, engineer, analyst, viewer or billing.")
    var role: String
    @Option(help: "dev, stage or prod; the whole organization if absent.")
    var environment: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard [domain, group, claim].compactMap({ $0 }).count == 1 else {
            throw ValidationError("Give one of --domain, --group and --claim.")
        }
        guard claim.map({ $0.contains("=") }) ?? true else {
            throw ValidationError("Write --claim NAME=VALUE.")
        }
    }

    func run() async throws {
        let parts = claim.map {
            $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        }
        let kind = domain != nil ? "domain" : group != nil ? "group" : "claim"
        let request = SignInRuleRequest(
            issuer: issuer, kind: kind, claim: parts?.first, value: domain ?? group ?? parts?.last ?? "", role: role,
            environment: environment)
        let rule: SignInRuleView = try await answers.client.post(Address.of("sign-in-rules"), request)
        try answers.show(rule) { SignInRuleText(style: $0).text(of: [rule]) }
    }
}

struct RemoveSignInRuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a rule away, and the roles that it gave at once.")

    @Argument(help: "A rule's id; weir sign-in-rules lists them.")
    var id: String
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        try await answers.client.delete(Address.of("sign-in-rules", id))
        answers.say("The rule is taken away, and the roles that it gave.")
    }
}

/// Rules of sign-in for people.
struct SignInRuleText {
    let style: Style

    func text(of rules: [SignInRuleView]) -> String {
        guard !rules.isEmpty else {
            return
                "Nobody is let in yet. Begin with: weir sign-in-rules add ISSUER --domain company.example --role viewer\n"
        }
        var grid = Grid(
            columns: [
                .init("rule", isWhole: true), .init("issuer"), .init("who"), .init("role"), .init("environment"),
            ])
        grid.rows = rules.map { rule in
            [
                rule.ruleID, rule.issuer, "\(rule.claim ?? rule.kind) \(rule.value)".withoutControls, rule.role,
                rule.environment ?? "all",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }
}

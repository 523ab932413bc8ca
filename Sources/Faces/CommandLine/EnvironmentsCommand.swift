import ArgumentParser
import Kernel
import Wire

struct EnvironmentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environments", abstract: "List environments; set size, retention and budget of one.",
        subcommands: [ListEnvironmentsCommand.self, SetEnvironmentCommand.self],
        defaultSubcommand: ListEnvironmentsCommand.self)
}

struct ListEnvironmentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List environments.")

    @Option(help: "The organization's slug; the token's own if absent.")
    var organization: String?
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let found = try await answers.client.organization(organization)
        try answers.show(found) { OrganizationText(style: $0).text(of: found.environments) }
    }
}

struct SetEnvironmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set size, retention or budget of an environment.",
        discussion: "What is left out stays as it is.")

    @Argument(help: "dev, stage or prod.")
    var environment: String
    @Option(help: "small, medium or large.")
    var size: String?
    @Option(help: "How long runs that are over are kept: 400d.", transform: TimeSpan.init(typed:))
    var keepRuns: TimeSpan?
    @Option(help: "How long lines of their logs are kept: 30d.", transform: TimeSpan.init(typed:))
    var keepLogs: TimeSpan?
    @Option(help: "How long data that a newer load has superseded is kept: 30d.", transform: TimeSpan.init(typed:))
    var keepData: TimeSpan?
    @Option(help: "What a month may cost; none for no limit.")
    var monthlyBudget: String?
    @Option(help: "The organization's slug; the token's own if absent.")
    var organization: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        _ = try Self.days(keepRuns, "--keep-runs")
        _ = try Self.days(keepLogs, "--keep-logs")
        _ = try Self.days(keepData, "--keep-data")
        _ = try budget(instead: nil)
    }

    func run() async throws {
        let client = answers.client
        let slug = try await client.ownSlug(organization)
        let all: OrganizationView = try await client.get(Address.of("organizations", slug))
        guard let old = all.environments.first(where: { $0.environment == environment }) else {
            throw Problem(.notFound, "There is no environment \(environment).", hint: "Use dev, stage or prod.")
        }
        let request = EnvironmentRequest(
            size: size ?? old.size, keepRunsDays: try Self.days(keepRuns, "--keep-runs") ?? old.keepRunsDays,
            keepLogsDays: try Self.days(keepLogs, "--keep-logs") ?? old.keepLogsDays,
            keepDataDays: try Self.days(keepData, "--keep-data"), monthlyBudget: try budget(instead: old.monthlyBudget))
        let path = Address.of("organizations", slug, "environments", environment)
        let found: OrganizationView = try await client.put(path, request)
        try answers.show(found) { OrganizationText(style: $0).text(of: found.environments) }
    }

    private static func days(_ span: TimeSpan?, _ option: String) throws -> Int? {
        guard let span else { return nil }
        guard span.seconds % 86_400 == 0 else { throw ValidationError("\(option) takes whole days, like 30d.") }
        return span.seconds / 86_400
    }

    private func budget(instead old: Double?) throws -> Double? {
        guard let monthlyBudget else { return old }
        guard monthlyBudget != "none" else { return nil }
        guard let amount = Double(monthlyBudget), amount.isFinite, amount >= 0 else {
            throw ValidationError("--monthly-budget takes a number, 0 or more, or none.")
        }
        return amount
    }
}

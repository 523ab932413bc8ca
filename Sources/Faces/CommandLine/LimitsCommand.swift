import ArgumentParser
import Wire

struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "List limits; set, pause or resume one.",
        discussion: "A key is organization, source/{environment}/{name} or warehouse/{environment}.",
        subcommands: [
            ListLimitsCommand.self, SetLimitCommand.self, PauseLimitCommand.self, ResumeLimitCommand.self,
        ],
        defaultSubcommand: ListLimitsCommand.self)
}

struct ListLimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List limits that are set, paused or in use.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: LimitList = try await answers.client.get(Address.of("limits"))
        try answers.show(answer) { LimitText(style: $0).text(of: answer.limits) }
    }

    /// `GET /api/v1/limits`.
    private struct LimitList: Codable {
        let limits: [LimitView]
    }
}

/// A limit's key, and how to print the answer.
struct LimitOptions: ParsableArguments {
    @Argument(help: "organization, source/{environment}/{name} or warehouse/{environment}.")
    var key: String
    @OptionGroup var answers: AnswerOptions

    func show(_ limit: LimitView) throws {
        try answers.show(limit) { LimitText(style: $0).text(of: [limit]) }
    }
}

struct SetLimitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "How many jobs of a key run at once, and how far apart they start.",
        discussion: "What is left out is lifted; --none lifts both.")

    @OptionGroup var limit: LimitOptions
    @Option(help: "At once; 0 for none.")
    var most: Int?
    @Option(help: "Between two starts: 30s, 15m.", transform: TimeSpan.init(typed:))
    var every: TimeSpan?
    @Flag(help: "Lift the limit.")
    var none = false

    func validate() throws {
        guard none != (most != nil || every != nil) else {
            throw ValidationError(
                none
                    ? "--none goes with neither --most nor --every."
                    : "Say what to set: --most 2, --every 30s, or --none to lift the limit.")
        }
        if let most, most < 0 { throw ValidationError("--most must not be below 0.") }
    }

    func run() async throws {
        let request = LimitRequest(key: limit.key, most: most, secondsBetweenStarts: every.map { Double($0.seconds) })
        try limit.show(await limit.answers.client.put(Address.of("limits"), request))
    }
}

struct PauseLimitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Start no job of a key. What runs goes on.")

    @OptionGroup var limit: LimitOptions
    @Option(
        name: .customLong("for"), help: "How long: 15m, 2h; until it is resumed if absent.",
        transform: TimeSpan.init(typed:))
    var span: TimeSpan?
    @Option(help: "Why, for others.")
    var because: String?

    func validate() throws { _ = try span?.minutes(of: "--for") }

    func run() async throws {
        let request = LimitPauseRequest(key: limit.key, minutes: try span?.minutes(of: "--for"), because: because)
        try limit.show(await limit.answers.client.post(Address.of("limits", "pause"), request))
    }
}

struct ResumeLimitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Start jobs of a key again.")

    @OptionGroup var limit: LimitOptions

    func run() async throws {
        try limit.show(
            await limit.answers.client.post(Address.of("limits", "resume"), LimitResumeRequest(key: limit.key)))
    }
}

/// Limits for people.
struct LimitText {
    let style: Style

    func text(of limits: [LimitView]) -> String {
        guard !limits.isEmpty else {
            return "No limit is set, paused or in use. Set one with: weir limits set source/dev/SOURCE --most 1\n"
        }
        var grid = Grid(
            columns: [
                .init("key", isWhole: true), .init("at once", isNumber: true), .init("apart", isNumber: true),
                .init("running", isNumber: true), .init("waiting", isNumber: true), .init("paused"),
            ])
        grid.rows = limits.map { limit in
            [
                limit.key.withoutControls, limit.most.map { Figures.grouped($0) } ?? "any",
                limit.secondsBetweenStarts.map(apart) ?? "-", Figures.grouped(limit.running),
                Figures.grouped(limit.waiting), paused(limit),
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    private func apart(_ seconds: Double) -> String {
        Int(exactly: seconds).map { TimeSpan.words(seconds: $0) } ?? Figures.seconds(seconds)
    }

    private func paused(_ limit: LimitView) -> String {
        guard let until = limit.pausedUntil else { return "-" }
        return "until \(until.minute)" + (limit.pausedBecause.map { ": \($0)" } ?? "").withoutControls
    }
}

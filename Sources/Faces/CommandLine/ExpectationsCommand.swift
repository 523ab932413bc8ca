import ArgumentParser
import Wire

struct ExpectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expect", abstract: "Expect a pipeline, or one of its tables, to be at most so old.",
        discussion: "The same again changes its time. Who subscribes to `late` and `fresh` is told.")

    @Argument(help: "The source's name.")
    var source: String
    @Option(
        help: "Late when what is in the warehouse was taken longer ago than this: 30m, 6h, 2d.",
        transform: TimeSpan.init(typed:))
    var freshWithin: TimeSpan
    @Option(help: "One table; the oldest of the pipeline's tables if absent.")
    var table: String?
    @Option(help: "dev, stage or prod.")
    var environment: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws { _ = try freshWithin.minutes(of: "--fresh-within") }

    func run() async throws {
        let request = ExpectationRequest(
            source: source, environment: environment, table: table,
            freshWithinMinutes: try freshWithin.minutes(of: "--fresh-within"))
        let expectation: ExpectationView = try await answers.client.put(Address.of("expectations"), request)
        try answers.show(expectation) { ExpectationText(style: $0).text(of: [expectation]) }
    }
}

struct ExpectationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expectations", abstract: "List how old pipelines and tables may be, and which are late.",
        subcommands: [ListExpectationsCommand.self, RemoveExpectationCommand.self],
        defaultSubcommand: ListExpectationsCommand.self)
}

struct ListExpectationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List expectations.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: ExpectationList = try await answers.client.get(Address.of("expectations"))
        try answers.show(answer) { ExpectationText(style: $0).text(of: answer.expectations) }
    }

    /// `GET /api/v1/expectations`.
    private struct ExpectationList: Codable {
        let expectations: [ExpectationView]
    }
}

struct RemoveExpectationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Take an expectation away.")

    @Argument(help: "An expectation's id; weir expectations lists them.")
    var id: String
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        try await answers.client.delete(Address.of("expectations", id))
        answers.say("The expectation is taken away.")
    }
}

/// Expectations for people.
struct ExpectationText {
    let style: Style

    func text(of expectations: [ExpectationView]) -> String {
        guard !expectations.isEmpty else {
            return "Nothing is expected yet. Begin with: weir expect SOURCE --fresh-within 6h\n"
        }
        var grid = Grid(
            columns: [
                .init("expectation", isWhole: true), .init("pipeline"), .init("table"), .init("within", isNumber: true),
                .init("fresh at"), .init("state"),
            ])
        grid.rows = expectations.map { expectation in
            [
                expectation.expectationID, "\(expectation.source) \(expectation.environment)",
                expectation.table?.withoutControls ?? "the oldest",
                TimeSpan.words(seconds: expectation.freshWithinMinutes * 60), expectation.freshAt?.minute ?? "-",
                state(of: expectation),
            ]
        }
        return grid.lines(style: style) { column, text in
            guard column == 5 else { return text }
            return text == "fresh" ? style.green(text) : text.hasPrefix("late") ? style.red(text) : text
        }.map { $0 + "\n" }.joined()
    }

    private func state(of expectation: ExpectationView) -> String {
        if expectation.isLate { return "late" + (expectation.lateSince.map { " since \($0.minute)" } ?? "") }
        return expectation.freshAt == nil ? "nothing yet" : "fresh"
    }
}

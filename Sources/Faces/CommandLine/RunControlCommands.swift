import ArgumentParser
import Foundation
import Wire

struct WatchRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Follow a run to its end, with progress.",
        discussion: "Exit status 0 only if it succeeds and every stream is verified. Ctrl-C leaves the run alone.")

    @Argument(help: "A run's id; weir runs lists them.")
    var id: String
    @OptionGroup var answers: AnswerOptions

    func validate() throws { try RunIDs.check([id]) }

    func run() async throws { try await OneRun(id: id, answers: answers).showAtEnd() }
}

/// The ids of one run or of several, and how to print what becomes of them.
struct RunIDs: ParsableArguments {
    @Argument(help: "The ids of one or more runs; weir runs lists them.")
    var ids: [String]
    @OptionGroup var answers: AnswerOptions

    /// The most that the API changes at once.
    private static let most = 200

    static func check(_ ids: [String]) throws {
        guard ids.allSatisfy({ UUID(uuidString: $0) != nil }) else {
            throw ValidationError("A run's id is a UUID; weir runs lists them.")
        }
    }

    func validate() throws {
        try Self.check(ids)
        guard ids.count <= Self.most else { throw ValidationError("At most \(Self.most) runs can be changed at once.") }
    }

    /// Asks for a change of the run, or of each run, and says how it stands after it.
    /// - Parameter body: of the request for one run.
    func change(_ action: String, _ body: some Encodable, note: String?) async throws {
        guard ids.count == 1, let id = ids.first else { return try await changeAll(action, note: note) }
        let detail: RunDetail = try await answers.client.post(Address.of("runs", id.lowercased(), action), body)
        try answers.show(detail) { _ in RunIDs.line(of: detail.run) }
    }

    private func changeAll(_ action: String, note: String?) async throws {
        let request = BulkRequest(action: action, runIDs: ids.map { $0.lowercased() }, note: note)
        let answer: Outcomes = try await answers.client.post(Address.of("runs", "actions"), request)
        try answers.show(answer) { OutcomesText(style: $0).text(of: answer.outcomes) }
        guard answer.outcomes.allSatisfy({ $0.problem == nil }) else { throw ExitCode.failure }
    }

    private static func line(of run: RunSummary) -> String {
        let more = run.state.isOver ? "" : " Follow it with: weir runs watch \(run.runID)"
        return "The run is \(run.state.rawValue).\(more)\n"
    }

    /// `POST /api/v1/runs/actions`.
    private struct Outcomes: Codable {
        let outcomes: [BulkOutcome]
    }
}

/// What became of several runs: a line for each, then how many.
struct OutcomesText {
    let style: Style

    func text(of outcomes: [BulkOutcome]) -> String {
        let failed = outcomes.filter { $0.problem != nil }.count
        let sum = failed == 0 ? "All \(outcomes.count) are done." : "\(failed) of \(outcomes.count) could not be done."
        return (outcomes.map(line) + [sum]).map { $0 + "\n" }.joined()
    }

    private func line(of outcome: BulkOutcome) -> String {
        if let problem = outcome.problem { return "\(outcome.runID)  \(style.red("not done"))  \(problem.line)" }
        return "\(outcome.runID)  \(outcome.state?.rawValue ?? "done")"
    }
}

struct CancelRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Stop runs: what is done stays, nothing half done is left.",
        discussion: "Exit status 1 if one of them could not be stopped.")

    @OptionGroup var runs: RunIDs
    @Option(help: "Why, for others.")
    var note: String?

    func run() async throws { try await runs.change("cancel", CancelRequest(note: note), note: note) }
}

struct RetryRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Take failed runs up again, at the jobs that failed.",
        discussion: "Exit status 1 if one of them could not be taken up.")

    @OptionGroup var runs: RunIDs
    @Option(help: "One run: begin with this job, and do all after it again: extract, validate, load, model, publish.")
    var from: String?

    func validate() throws {
        if from != nil, runs.ids.count > 1 { throw ValidationError("--from goes with one run only.") }
    }

    func run() async throws { try await runs.change("retry", RetryRequest(from: from), note: nil) }
}

struct ResolveRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "End failed runs that you have taken care of otherwise.",
        discussion: "Exit status 1 if one of them could not be resolved.")

    @OptionGroup var runs: RunIDs
    @Option(help: "How they were resolved.")
    var note: String

    func run() async throws { try await runs.change("resolve", ResolveRequest(note: note), note: note) }
}

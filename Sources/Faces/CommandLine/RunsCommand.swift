import ArgumentParser
import Foundation
import Kernel
import Wire

struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List runs, show or follow one; cancel, retry or resolve some.",
        subcommands: [
            ShowRunsCommand.self, WatchRunCommand.self, CancelRunCommand.self, RetryRunCommand.self,
            ResolveRunCommand.self,
        ],
        defaultSubcommand: ShowRunsCommand.self)
}

struct ShowRunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "List runs, or show one with its jobs and receipts (what `weir runs` does).",
        discussion: "Exit status with an ID: 1 if that run has failed, with --follow also if a stream is not verified.")

    @Argument(help: "A run's id.")
    var id: String?
    @OptionGroup(title: "Which runs to list") var choice: RunChoiceOptions
    @Flag(help: "Follow the run to its end.")
    var follow = false
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard let id else {
            if follow { throw ValidationError("--follow needs a run's id.") }
            return
        }
        try RunIDs.check([id])
        if choice.isNarrowed { throw ValidationError("Give a run's id, or say which runs to list.") }
    }

    func run() async throws {
        guard let id else { return try await list() }
        let run = OneRun(id: id, answers: answers)
        if follow { try await run.showAtEnd() } else { try await run.showNow() }
    }

    private func list() async throws {
        let answer: RunList = try await answers.client.get(Address.of("runs") + choice.query())
        try answers.show(answer) { style in
            if answer.runs.isEmpty, choice.isNarrowed { return "No run is like that. See all with: weir runs\n" }
            let more = answer.next.map { "More: \(choice.command(before: $0, answers))\n" } ?? ""
            return RunText(style: style).text(of: answer.runs) + more
        }
    }
}

/// Which runs to list.
struct RunChoiceOptions: ParsableArguments {
    @Option(help: "How many at most, 1 to 500.")
    var limit = 20
    @Option(help: "Only runs before this one: as the page before says.")
    var before: String?
    @Option(help: "Any of these states: RETRYABLE,FAILED.")
    var state: String?
    @Option(help: "clone or notify; all but notify if absent.")
    var kind: String?
    @Option(help: "The source's name.")
    var source: String?
    @Option(help: "dev, stage or prod.")
    var environment: String?
    @Option(help: "The name of the schedule that made them.")
    var schedule: String?
    @Option(help: "Part of a source's name, of a run's id, of its problem or its note.")
    var search: String?

    func validate() throws {
        guard (1...500).contains(limit) else { throw ValidationError("--limit must be from 1 to 500.") }
        _ = try states()
    }

    var isNarrowed: Bool {
        [before, state, kind, source, environment, schedule, search].contains { $0 != nil }
    }

    /// The query of `GET /api/v1/runs`.
    func query() throws -> String {
        Address.query([
            "limit": String(limit), "before": before, "state": try states(), "kind": kind, "source": source,
            "environment": environment, "schedule": schedule, "search": search,
        ])
    }

    /// The same list from there on.
    func command(before next: String, _ answers: AnswerOptions) -> String {
        let options: KeyValuePairs<String, String?> = [
            "limit": limit == 20 ? nil : String(limit), "state": state, "kind": kind, "source": source,
            "environment": environment, "schedule": schedule, "search": search, "before": next,
        ]
        let words = options.compactMap { name, value in value.map { " --\(name) \($0.shellWord)" } }
        return "weir runs" + words.joined() + answers.client.folder.option
    }

    private func states() throws -> String? {
        guard let state else { return nil }
        let words = state.elements.map { $0.uppercased() }
        guard !words.isEmpty, words.allSatisfy({ StateWord(rawValue: $0) != nil }) else {
            throw ValidationError(
                "--state takes of \(StateWord.allCases.map(\.rawValue).joined(separator: ", ")), with commas between.")
        }
        return words.joined(separator: ",")
    }
}

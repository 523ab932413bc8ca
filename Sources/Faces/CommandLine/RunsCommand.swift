import ArgumentParser
import Foundation
import Kernel
import Wire

struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List runs, show or follow one; cancel, retry or resolve one.",
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
    @Option(help: "How many to list, 1 to 500.")
    var limit = 20
    @Flag(help: "Print JSON.")
    var json = false
    @Flag(help: "Follow the run to its end.")
    var follow = false
    @OptionGroup var data: DataOptions

    func validate() throws {
        guard (1...500).contains(limit) else { throw ValidationError("--limit must be from 1 to 500.") }
        guard let id else {
            if follow { throw ValidationError("--follow needs a run's id.") }
            return
        }
        guard UUID(uuidString: id) != nil else { throw ValidationError("A run's id is a UUID; weir runs lists them.") }
    }

    func run() async throws {
        guard let id else { return try await list() }
        let detail: RunDetail = follow ? try await followed(id) : try await data.client.get("/api/v1/runs/\(id)")
        let dashboard = try detail.dashboardURL.map { try data.client.absolute($0) }
        if json {
            try write(detail)
        } else {
            try Output.standardOutput.write(
                RunText(style: Output.standardOutput.style).text(of: detail, dashboard: dashboard))
        }
        let isWell = follow ? CloneResult.isVerified(detail) : !detail.run.state.hasFailed
        guard isWell else { throw ExitCode.failure }
    }

    private func followed(_ id: String) async throws -> RunDetail {
        let display = ProgressDisplay()
        let interrupts = Interrupts { display.say("Interrupted. The run goes on.") }
        defer { interrupts.stop() }
        return try await data.client.follower(of: id.lowercased()).follow(display.show)
    }

    private func list() async throws {
        let answer: RunList = try await data.client.get("/api/v1/runs?limit=\(limit)")
        if json { return try write(answer) }
        try Output.standardOutput.write(RunText(style: Output.standardOutput.style).text(of: answer.runs))
    }

    private func write(_ value: some Encodable) throws {
        try Output.standardOutput.write(String(decoding: try WireJSON.encode(value), as: UTF8.self) + "\n")
    }

    /// `GET /api/v1/runs`.
    private struct RunList: Codable {
        let runs: [RunSummary]
    }
}

/// Runs for people.
struct RunText {
    let style: Style

    func text(of runs: [RunSummary]) -> String {
        guard !runs.isEmpty else { return "There are no runs yet. Begin with: weir clone URL\n" }
        var grid = Grid(
            columns: ["run", "kind", "source", "into", "state", "began"].map { .init($0) } + [
                .init("took", isNumber: true)
            ])
        grid.rows = runs.map { run in
            [
                run.runID, run.kind, run.source, "\(run.organization) \(run.environment)", run.state.rawValue,
                run.createdAt, Figures.seconds(run.seconds),
            ]
        }
        return grid.lines(style: style) { $0 == 4 ? painted($1) : $1 }.map { $0 + "\n" }.joined()
    }

    func text(of detail: RunDetail, dashboard: String?) -> String {
        let run = detail.run
        let head =
            "\(run.kind) of \(run.source) into \(run.organization) \(run.environment): \(painted(run.state.rawValue))"
        let jobs = ProgressLines(style: style).lines(of: detail)
        return ([head] + jobs + [""]).map { $0 + "\n" }.joined()
            + ReceiptsText(style: style).text(of: detail, dashboard: dashboard)
    }

    private func painted(_ state: String) -> String {
        switch StateWord(rawValue: state) {
        case .success: style.green(state)
        case .failed, .retryable, .resolved, .cancelled: style.red(state)
        case .pending, .running, nil: state
        }
    }
}

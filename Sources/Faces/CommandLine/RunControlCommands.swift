import ArgumentParser
import Foundation
import Wire

/// A run's id, and the data folder.
struct RunOptions: ParsableArguments {
    @Argument(help: "A run's id; weir runs lists them.")
    var id: String
    @OptionGroup var data: DataOptions

    func validate() throws {
        guard UUID(uuidString: id) != nil else { throw ValidationError("A run's id is a UUID; weir runs lists them.") }
    }

    /// Asks for a change, and says how the run stands after it.
    func change(_ what: String, _ body: some Encodable) async throws {
        let detail: RunDetail = try await data.client.post("/api/v1/runs/\(id.lowercased())/\(what)", body)
        let state = detail.run.state
        let more = state.isOver ? "" : " Follow it with: weir runs watch \(detail.run.runID)"
        Output.standardOutput.say("The run is \(state.rawValue).\(more)")
    }
}

struct WatchRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Follow a run to its end, with progress.",
        discussion: "Exit status 0 only if it succeeds and every stream is verified. Ctrl-C leaves the run alone.")

    @OptionGroup var run: RunOptions

    func run() async throws {
        var show = ShowRunsCommand()
        show.id = run.id
        show.limit = 20
        show.json = false
        show.follow = true
        show.data = run.data
        try await show.run()
    }
}

struct CancelRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Stop a run: what is done stays, nothing half done is left.")

    @OptionGroup var run: RunOptions
    @Option(help: "Why, for others.")
    var note: String?

    func run() async throws { try await run.change("cancel", CancelRequest(note: note)) }
}

struct RetryRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Take a failed run up again, at the jobs that failed.")

    @OptionGroup var run: RunOptions
    @Option(help: "Begin with this job instead, and do all after it again: extract, validate, load, model, publish.")
    var from: String?

    func run() async throws { try await run.change("retry", RetryRequest(from: from)) }
}

struct ResolveRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "End a failed run that you have taken care of otherwise.")

    @OptionGroup var run: RunOptions
    @Option(help: "How it was resolved.")
    var note: String

    func run() async throws { try await run.change("resolve", ResolveRequest(note: note)) }
}

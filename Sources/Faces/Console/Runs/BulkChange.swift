import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// The same done to all runs that are chosen in the list.
struct BulkChange: Sendable {
    let console: Console
    let visit: Visit

    /// Does it, and shows the list again with what became of each run. A form that lacks something comes back with
    /// its runs still chosen.
    func response() async throws -> Response {
        let form = try await visit.call.form()
        let choice = try RunChoice(Form(form.raw("query") ?? ""))
        let ids = form.all("run").filter { !$0.isEmpty }
        let before = try await list(choice)
        do {
            let outcomes = try await console.operations.changeRuns(try request(form, ids), as: visit.caller)
            let titles = Dictionary(
                before.runs.map { ($0.runID, RunRow.title(of: $0)) }, uniquingKeysWith: { first, _ in first })
            let note = BulkNote(outcomes, action: form["action"] ?? "", titles: titles)
            return page(RunsPage(try await list(choice), choice: choice, now: console.time.now(), outcome: note))
        } catch let problem as Problem where problem.code == .invalidInput {
            let view = RunsPage(
                before, choice: choice, now: console.time.now(), problem: ProblemNote(problem), selected: Set(ids))
            return page(view, status: .badRequest)
        }
    }

    private func request(_ form: Form, _ ids: [String]) throws -> BulkRequest {
        guard let action = form["action"], BulkNote.done[action] != nil else {
            throw Problem(
                .invalidInput, "It is not said what is to be done.", hint: "Choose Retry, Cancel or Resolve.")
        }
        guard !ids.isEmpty else {
            throw Problem(.invalidInput, "No run is chosen.", hint: "Choose runs in the list first.")
        }
        guard action != "resolve" || form["note"] != nil else {
            throw Problem(
                .invalidInput, "To resolve runs, say how.", hint: "Write in the note what was done about them.")
        }
        return BulkRequest(action: action, runIDs: ids, note: form["note"])
    }

    private func list(_ choice: RunChoice) async throws -> RunList {
        try await console.operations.runs(choice.filter, as: visit.caller)
    }

    private func page(_ view: RunsPage, status: HTTPResponse.Status = .ok) -> Response {
        console.pages.page("runs", view, Heading("Runs", .runs), visit: visit, status: status)
    }
}

/// What became of each run.
struct BulkNote: Sendable {
    static let done = ["retry": "taken up again", "cancel": "cancelled", "resolve": "resolved"]

    let summary: String
    let rows: [Row]
    /// Whether nothing was left undone.
    let isClean: Bool

    struct Row: Sendable {
        let address: String
        let title: String
        let state: StateBadge?
        let problem: ProblemNote?
    }

    /// - Parameter titles: of the runs that the list showed.
    init(_ outcomes: [BulkOutcome], action: String, titles: [String: String]) {
        let succeeded = outcomes.count { $0.problem == nil }
        let failed = outcomes.count - succeeded
        let verb = succeeded == 1 ? "was" : "were"
        let good = "\(Readable.plural(succeeded, "run")) \(verb) \(Self.done[action] ?? "changed")"
        isClean = failed == 0
        summary = failed == 0 ? "\(good)." : "\(good), \(Readable.count(Int64(failed))) could not be."
        rows = outcomes.map { outcome in
            Row(
                address: Address.run(outcome.runID), title: titles[outcome.runID] ?? "Run \(outcome.runID.prefix(8))",
                state: outcome.problem == nil ? outcome.state.map { StateBadge($0) } : nil,
                problem: outcome.problem.map { ProblemNote($0) })
        }
    }
}

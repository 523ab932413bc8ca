import Kernel
import Wire

/// The same change of several runs, one after the other.
struct BulkChange {
    /// The most runs of one request.
    private static let mostChanged = 200

    /// What changes each run.
    let operations: any Operations

    /// - Throws: as `Operations.changeRuns`.
    func make(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] {
        guard (1...Self.mostChanged).contains(request.runIDs.count) else {
            throw Problem(
                .invalidInput, "\(request.runIDs.count) runs are named.", hint: "Name 1 to \(Self.mostChanged).")
        }
        let change = try change(request, as: caller)
        var outcomes: [BulkOutcome] = []
        for text in request.runIDs {
            do {
                guard let id = RunID(text) else {
                    throw Problem(.invalidInput, "\(text.prefix(60)) is no run's id.", hint: "It is a UUID.")
                }
                outcomes.append(BulkOutcome(runID: text, state: try await change(id), problem: nil))
            } catch let problem as Problem {
                outcomes.append(BulkOutcome(runID: text, state: nil, problem: ProblemView(problem)))
            }
        }
        return outcomes
    }

    private func change(
        _ request: BulkRequest, as caller: Caller
    ) throws -> (RunID) async throws -> StateWord {
        switch request.action {
        case "cancel": return { try await operations.cancelRun($0, note: request.note, as: caller).run.state }
        case "retry": return { try await operations.retryRun($0, from: nil, as: caller).run.state }
        case "resolve":
            guard let note = request.note, note.contains(where: { !$0.isWhitespace }) else {
                throw Problem(.invalidInput, "A note is missing.", hint: "Say how it was resolved.")
            }
            return { try await operations.resolveRun($0, note: note, as: caller).run.state }
        default:
            throw Problem(
                .invalidInput, "There is no action \(request.action.prefix(40)).",
                hint: "Use cancel, retry or resolve.")
        }
    }
}

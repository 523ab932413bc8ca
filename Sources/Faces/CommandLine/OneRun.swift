import ArgumentParser
import Foundation
import Kernel
import Wire

/// One run to show: as it stands, or followed to its end.
struct OneRun {
    let id: String
    let answers: AnswerOptions

    /// - Throws: `ExitCode` 1 if it has failed.
    func showNow() async throws {
        let detail: RunDetail = try await answers.client.get(Address.of("runs", id.lowercased()))
        try show(detail)
        guard !detail.run.state.hasFailed else { throw ExitCode.failure }
    }

    /// - Throws: `ExitCode` 1 unless it has succeeded and every stream is verified.
    func showAtEnd() async throws {
        let display = ProgressDisplay()
        let interrupts = Interrupts { display.say("Interrupted. The run goes on.") }
        defer { interrupts.stop() }
        let detail = try await answers.client.follower(of: id.lowercased()).follow(display.show)
        try show(detail)
        guard CloneResult.isVerified(detail) else { throw ExitCode.failure }
    }

    private func show(_ detail: RunDetail) throws {
        let dashboard = try detail.dashboardURL.map { try answers.client.absolute($0) }
        try answers.show(detail) { RunText(style: $0).text(of: detail, dashboard: dashboard) }
    }
}

/// Runs for people.
struct RunText {
    let style: Style

    func text(of runs: [RunSummary]) -> String {
        guard !runs.isEmpty else { return "There are no runs yet. Begin with: weir clone URL\n" }
        var grid = Grid(
            columns: [.init("run", isWhole: true)] + ["kind", "source", "into", "state", "began"].map { .init($0) }
                + [.init("took", isNumber: true)])
        grid.rows = runs.map { run in
            [
                run.runID, run.kind, run.source, "\(run.organization) \(run.environment)", run.state.rawValue,
                run.createdAt, Figures.seconds(run.seconds),
            ]
        }
        return grid.lines(style: style) { $0 == 4 ? style.painted(state: $1) : $1 }.map { $0 + "\n" }.joined()
    }

    func text(of detail: RunDetail, dashboard: String?) -> String {
        let run = detail.run
        let state = style.painted(state: run.state.rawValue)
        let head = "\(run.kind) of \(run.source) into \(run.organization) \(run.environment): \(state)"
        let jobs = ProgressLines(style: style).lines(of: detail)
        return ([head] + origin(of: run) + jobs + [""]).map { $0 + "\n" }.joined()
            + ReceiptsText(style: style).text(of: detail, dashboard: dashboard)
    }

    private func origin(of run: RunSummary) -> [String] {
        let time = run.scheduledFor.map { ", for \($0.minute)" } ?? ""
        return [run.schedule.map { "By the schedule \($0)\(time)." }, run.note.map { "Note: \($0.withoutControls)" }]
            .compactMap(\.self)
    }
}

extension Style {
    /// The name of a run's state in its colour, also if it has been cut.
    func painted(state: String) -> String {
        switch StateWord(rawValue: state) {
        case .success: green(state)
        case .failed, .retryable, .resolved, .cancelled: red(state)
        case .pending, .running, nil: state
        }
    }
}

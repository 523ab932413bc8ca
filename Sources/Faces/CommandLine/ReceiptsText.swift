import Kernel
import Wire

/// What a run ends with, for people.
struct ReceiptsText {
    let style: Style

    /// The table of receipts, then models, seconds and the dashboard's address.
    func text(of detail: RunDetail, dashboard: String?) -> String {
        var lines = detail.streams.isEmpty ? [] : receipts(detail.streams) + [""]
        lines += summary(of: detail, dashboard: dashboard)
        return lines.map { $0 + "\n" }.joined()
    }

    private func receipts(_ streams: [StreamReceipt]) -> [String] {
        var grid = Grid(
            columns: [
                .init("stream"), .init("rows at source", isNumber: true), .init("rows loaded", isNumber: true),
                .init("result"),
            ])
        for stream in streams {
            grid.rows.append([
                stream.name.withoutControls, stream.sourceRows.map { Figures.grouped($0) } ?? "-",
                stream.loadedRows.map { Figures.grouped($0) } ?? "-", verdict(stream),
            ])
        }
        return grid.lines(style: style) { column, text in
            guard column == 3 else { return text }
            return text == "equal" ? style.green(text) : style.red(text)
        }
    }

    private func verdict(_ stream: StreamReceipt) -> String {
        if stream.verified { return "equal" }
        return stream.loadedRows == nil ? "not loaded" : "NOT EQUAL"
    }

    private func summary(of detail: RunDetail, dashboard: String?) -> [String] {
        var lines: [String] = []
        if !detail.streams.isEmpty { lines.append(totals(of: detail.streams)) }
        lines += detail.streams.compactMap { stream in
            stream.problem.map { "\(stream.name.withoutControls): \($0.line)" }
        }
        if let models = detail.models {
            lines.append(
                "\(Figures.count(models.built, "model")) built, \(Figures.count(models.testsPassed, "test")) passed, "
                    + "\(Figures.grouped(models.testsFailed)) failed.")
        }
        let loading = detail.loadSeconds.map { "Loaded in \(Figures.seconds($0)), all" } ?? "All"
        lines.append("\(loading) in \(Figures.seconds(detail.run.seconds)).")
        if let dashboard { lines.append("Dashboard: \(dashboard)") }
        lines += failures(of: detail)
        return lines
    }

    private func totals(of streams: [StreamReceipt]) -> String {
        let rows = streams.reduce(Int64(0)) { $0 + ($1.loadedRows ?? 0) }
        let unequal = streams.filter { !$0.verified }.count
        let verdict = unequal == 0 ? "all verified" : "\(unequal) of \(streams.count) NOT verified"
        return "\(Figures.count(streams.count, "stream")), \(Figures.count(rows, "row")) loaded, \(verdict)."
    }

    /// The run's problem, or those of its jobs.
    private func failures(of detail: RunDetail) -> [String] {
        guard detail.run.state.isOver, detail.run.state != .success else { return [] }
        let ofJobs = detail.jobs.compactMap { job in job.problem.map { "\(job.kind): \($0.line)" } }
        let problems = ofJobs.isEmpty ? detail.run.problem.map { [$0.line] } ?? [] : ofJobs
        return [ending(detail.run)] + problems
    }

    private func ending(_ run: RunSummary) -> String {
        switch run.state {
        case .retryable: "The run has failed. Take it up again with: weir runs retry \(run.runID)"
        case .resolved: "The run had failed, and has been resolved."
        case .cancelled: "The run has been cancelled."
        default: "The run has failed."
        }
    }
}

extension ProblemView {
    /// The detail and what to do.
    var line: String { (hint.map { "\(detail) \($0)" } ?? detail).withoutControls }
}

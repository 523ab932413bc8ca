import Foundation
import Kernel
import Wire

/// A run's jobs as lines of progress: pure, so that each can be looked at in a test.
struct ProgressLines {
    let style: Style
    /// What was seen of running jobs, by job id.
    var rates: [String: RateMeter.Rate] = [:]

    /// One line per job, none wider than the terminal.
    func lines(of detail: RunDetail) -> [String] {
        let nameWidth = detail.jobs.map(\.kind.columns).max() ?? 0
        return detail.jobs.map { line(of: $0, nameWidth: nameWidth) }
    }

    private func line(of job: JobView, nameWidth: Int) -> String {
        let name = job.kind.padded(to: nameWidth)
        // One column stays free: a line that fills the last one makes some terminals wrap.
        let room = (style.width ?? 100) - 1 - name.columns - 2
        guard room > 3 else { return name.cut(to: max(1, (style.width ?? 100) - 1), ellipsis: style.ellipsis) }
        return "\(name)  \(state(of: job, room: room))"
    }

    private func state(of job: JobView, room: Int) -> String {
        switch job.state {
        case .pending:
            style.dim(waiting(job).cut(to: room, ellipsis: style.ellipsis))
        case .running:
            running(job, room: room)
        case .success:
            painted("done", style.green, parts(of: job), room: room)
        case .failed, .retryable, .resolved:
            painted("failed", style.red, [job.problem?.detail.withoutControls ?? ""], room: room)
        case .cancelled:
            painted("cancelled", style.red, [], room: room)
        }
    }

    private func painted(_ word: String, _ paint: (String) -> String, _ parts: [String], room: Int) -> String {
        let rest = joined(parts, room: room - word.columns - 2)
        return paint(word.cut(to: room, ellipsis: style.ellipsis)) + (rest.isEmpty ? "" : "  \(rest)")
    }

    private func running(_ job: JobView, room: Int) -> String {
        let barWidth = min(16, room / 5)
        guard let progress = job.progress, let total = progress.total, total > 0, barWidth >= 5 else {
            let rest = joined(parts(of: job), room: room - "running  ".columns)
            return "running".cut(to: room, ellipsis: style.ellipsis) + (rest.isEmpty ? "" : "  \(rest)")
        }
        let share = min(1, max(0, Double(progress.done) / Double(total)))
        let filled = Int((share * Double(barWidth)).rounded(.down))
        let full = String(repeating: style.hasUnicode ? "█" : "#", count: filled)
        let empty = String(repeating: style.hasUnicode ? "░" : "-", count: barWidth - filled)
        let rest = joined(parts(of: job), room: room - barWidth - 2)
        return full + style.dim(empty) + (rest.isEmpty ? "" : "  \(rest)")
    }

    /// The most important first: what does not fit falls off the end.
    private func parts(of job: JobView) -> [String] {
        var parts: [String] = []
        if let progress = job.progress { parts += figures(of: progress, job) }
        if job.attempt > 1 { parts.append("attempt \(job.attempt)") }
        if job.state == .success, let seconds = job.seconds { parts.append(Figures.seconds(seconds)) }
        return parts
    }

    /// `1.2 M of 3.4 M rows`, `310,000 rows/s`, `7 s left`, then what else is known.
    private func figures(of progress: ProgressView, _ job: JobView) -> [String] {
        let isRunning = job.state == .running
        var figures = [amount(of: progress)]
        if isRunning {
            figures += [rate(of: progress, job), timeLeft(of: progress, job)].compactMap(\.self)
        }
        if let rows = progress.rows, progress.unit != "rows" { figures.append(Figures.count(rows, "row")) }
        if let bytes = progress.bytes { figures.append(Figures.bytes(bytes)) }
        if isRunning, let note = progress.note { figures.append(note.withoutControls) }
        return figures
    }

    /// `7 of 11 tables`; `3 tables` when all is done or the end is not known.
    private func amount(of progress: ProgressView) -> String {
        let total = progress.total ?? progress.done
        let isOne = total == 1 && progress.unit.hasSuffix("s")
        let unit = isOne ? String(progress.unit.dropLast()) : progress.unit
        let done = Figures.short(progress.done)
        return progress.done == total ? "\(done) \(unit)" : "\(done) of \(Figures.short(total)) \(unit)"
    }

    /// Rows per second where rows are known beside the unit, as this process has seen them; else the unit's own.
    private func rate(of progress: ProgressView, _ job: JobView) -> String? {
        let seen = progress.unit == "rows" ? nil : rates[job.jobID]?.rows
        if let seen = seen.flatMap(Figures.rate) { return "\(seen) rows/s" }
        return donePerSecond(progress, job).flatMap(Figures.rate).map { "\($0) \(progress.unit)/s" }
    }

    private func timeLeft(of progress: ProgressView, _ job: JobView) -> String? {
        guard let total = progress.total, total > progress.done else { return nil }
        let rate = donePerSecond(progress, job) ?? 0
        let computed = rate > 0 ? Double(total - progress.done) / rate : nil
        return (progress.secondsLeft ?? computed).flatMap(Figures.remaining).map { "\($0) left" }
    }

    /// As the server says; else as this process has seen it.
    private func donePerSecond(_ progress: ProgressView, _ job: JobView) -> Double? {
        progress.perSecond ?? rates[job.jobID]?.done
    }

    private func waiting(_ job: JobView) -> String { (job.waiting ?? "waiting").withoutControls }

    private func joined(_ parts: [String], room: Int) -> String {
        var line = ""
        for part in parts where !part.isEmpty {
            let longer = line.isEmpty ? part : line + (style.hasUnicode ? " · " : ", ") + part
            guard longer.columns <= room else {
                return line.isEmpty && room > 3 ? part.cut(to: room, ellipsis: style.ellipsis) : line
            }
            line = longer
        }
        return line
    }

    /// A job in one line that stands by itself, for files and pipes.
    func plain(_ job: JobView) -> String {
        let rest = parts(of: job).joined(separator: ", ")
        let tail = rest.isEmpty ? "" : ": \(rest)"
        switch job.state {
        case .pending: return "\(job.kind): \(waiting(job))"
        case .running: return "\(job.kind): running\(rest.isEmpty ? "" : ", \(rest)")"
        case .success: return "\(job.kind): done\(rest.isEmpty ? "" : ", \(rest)")"
        case .failed, .retryable, .resolved:
            return "\(job.kind): failed\(job.problem.map { ": \($0.detail.withoutControls)" } ?? tail)"
        case .cancelled: return "\(job.kind): cancelled"
        }
    }
}

extension JobView {
    /// How long it ran; nil while it does.
    var seconds: Double? {
        guard let start = startedAt.flatMap(Moment.init), let end = finishedAt.flatMap(Moment.init) else { return nil }
        return end.date.timeIntervalSince(start.date)
    }
}

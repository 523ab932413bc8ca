import Foundation
import Wire

/// When each job of a run waited and worked, on one axis from the run's beginning to its end or to now.
struct RunTimings: Sendable {
    let ticks: [Tick]
    let rows: [Row]
    let summary: String

    /// A mark of the axis; `x` in percent.
    struct Tick: Sendable {
        let x: String
        let label: String
        let anchor: String
    }

    struct Row: Sendable {
        let name: String
        let state: StateBadge
        let after: String?
        let wait: Bar?
        let work: Bar?
        let waited: String?
        let worked: String?
        let attempts: String?
        let worker: String?
    }

    /// A part of the axis, in percent of it.
    struct Bar: Sendable {
        let x: String
        let width: String
    }

    /// Nil before any job could begin.
    init?(_ detail: RunDetail, now: Date) {
        let isOver = detail.run.state.isOver
        let times = detail.jobs.map { JobTimes($0, isOver: isOver, now: now) }
        let moments = times.flatMap(\.all) + [Moment.parse(detail.run.createdAt)].compactMap(\.self)
        guard let begin = moments.min(), times.contains(where: { !$0.all.isEmpty }) else { return nil }
        let last = isOver ? detail.run.finishedAt.flatMap { Moment.parse($0) } : now
        let end = max(moments.max() ?? begin, last ?? begin)
        let axis = TimeAxis(begin: begin, seconds: max(end.timeIntervalSince(begin), 0.1))
        ticks = axis.ticks
        summary = "\(Readable.duration(axis.seconds)) from the beginning \(isOver ? "to the end" : "to now")"
        let names = Dictionary(
            detail.jobs.map { ($0.jobID, JobRow.word(for: $0.kind)) }, uniquingKeysWith: { first, _ in first })
        rows = zip(detail.jobs, times).map { job, times in
            let before = job.after.compactMap { names[$0] }
            return Row(
                name: JobRow.word(for: job.kind), state: StateBadge(job.state),
                after: before.isEmpty ? nil : before.joined(separator: ", "), wait: axis.bar(times.waiting),
                work: axis.bar(times.working), waited: times.waited.map { Readable.duration($0) },
                worked: times.worked.map { Readable.duration($0) },
                attempts: job.attempt > 1 ? "\(job.attempt) attempts" : nil, worker: job.worker)
        }
    }
}

/// From when to when a job waited for a worker, and then worked. With more than one attempt the earlier ones are part of
/// the waiting: only the last one's beginning is known.
struct JobTimes: Sendable {
    let waiting: Range<Date>?
    let working: Range<Date>?

    var waited: Double? { waiting.map { $0.upperBound.timeIntervalSince($0.lowerBound) } }
    var worked: Double? { working.map { $0.upperBound.timeIntervalSince($0.lowerBound) } }
    var all: [Date] { [waiting, working].compactMap(\.self).flatMap { [$0.lowerBound, $0.upperBound] } }

    /// - Parameter isOver: of the run: nothing waits on in it.
    init(_ job: JobView, isOver: Bool, now: Date) {
        let ready = job.readyAt.flatMap { Moment.parse($0) }
        let started = job.startedAt.flatMap { Moment.parse($0) }
        let finished = job.finishedAt.flatMap { Moment.parse($0) } ?? (job.state == .running ? now : nil)
        working = started.flatMap { start in finished.map { start..<max(start, $0) } }
        let taken = working?.lowerBound ?? (job.state == .pending && !isOver ? now : nil)
        waiting = ready.flatMap { ready in taken.map { ready..<max(ready, $0) } }
    }
}

/// Seconds of a run as percents of a drawing's width.
struct TimeAxis: Sendable {
    let begin: Date
    let seconds: Double

    private static let steps: [Double] = [
        0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 21_600,
        43_200,
    ]

    /// At most six marks, at round times.
    var ticks: [RunTimings.Tick] {
        let whole = (seconds / 5 / 86_400).rounded(.up) * 86_400
        let step = Self.steps.first { seconds / $0 <= 5 } ?? whole
        return (0...5).map { Double($0) * step }.filter { $0 <= seconds * 1.0001 }.map { time in
            let share = time / seconds
            return RunTimings.Tick(
                x: Self.percent(share), label: Self.label(time),
                anchor: share < 0.03 ? "start" : share > 0.95 ? "end" : "middle")
        }
    }

    /// What took any time is seen, however short it was.
    private static let least = 0.004

    func bar(_ range: Range<Date>?) -> RunTimings.Bar? {
        guard let range else { return nil }
        let from = range.lowerBound.timeIntervalSince(begin) / seconds
        let length = range.upperBound.timeIntervalSince(range.lowerBound) / seconds
        return RunTimings.Bar(x: Self.percent(from), width: Self.percent(length > 0 ? max(length, Self.least) : 0))
    }

    private static func percent(_ share: Double) -> String { String(format: "%.2f%%", min(max(share, 0), 1) * 100) }

    /// In the largest unit that it is a whole number of.
    private static func label(_ seconds: Double) -> String {
        if seconds == 0 { return "0" }
        if seconds < 1 { return String(format: "%g s", (seconds * 100).rounded() / 100) }
        let whole = Int(seconds.rounded())
        if whole.isMultiple(of: 86_400) { return Readable.plural(whole / 86_400, "day") }
        if whole.isMultiple(of: 3600) { return "\(whole / 3600) h" }
        return whole.isMultiple(of: 60) ? "\(whole / 60) min" : "\(whole) s"
    }
}

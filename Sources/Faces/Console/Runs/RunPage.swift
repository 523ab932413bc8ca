import Foundation
import Kernel
import Wire

/// A run with a page of its log, the newest lines unless earlier ones are asked for.
struct RunPage: Sendable {
    /// The most lines of the log on one page.
    static let logLines = 500

    let live: RunLive
    let lines: [LogRow]
    /// Where the lines before these are; nil if there are none.
    let earlier: String?
    /// Where the newest lines are; nil if these are.
    let newest: String?
    /// Nil once the run is over, and beside earlier lines, which nothing new may follow.
    let events: String?

    init(_ detail: RunDetail, log: LogPage, isNewest: Bool, now: Date) {
        let address = "/runs/\(detail.run.runID)"
        live = RunLive(detail, now: now)
        lines = log.lines.map { LogRow($0, now: now) }
        earlier = log.next.map { "\(address)?before=\($0)#log-title" }
        newest = isNewest ? nil : "\(address)#log-title"
        let last = log.lines.last?.sequence ?? 0
        events = detail.run.state.isOver || !isNewest ? nil : "\(address)/events?after=\(last)"
    }
}

/// The part of a run's page that changes while it goes on.
struct RunLive: Sendable {
    let title: String
    let organization: String
    let environment: String
    let state: StateBadge
    let isOver: Bool
    let created: Moment
    let duration: String
    /// Set while it runs: the browser counts on from there.
    let since: String?
    let problem: ProblemNote?
    let graph: RunGraph?
    let jobs: [JobRow]
    let timings: RunTimings?
    let facts: RunFacts
    let receipts: Receipts?
    let models: ModelsNote?
    let loadDuration: String?
    let dashboard: String?
    /// Where a person can stop it; nil once it is over.
    let cancel: String?
    let rescue: Rescue?

    /// What a person can do about a failed run.
    struct Rescue: Sendable {
        let retry: String
        let resolve: String
        /// Jobs to begin again with.
        let steps: [Choice]
    }

    init(_ detail: RunDetail, now: Date) {
        let run = detail.run
        title = RunRow.title(of: run)
        organization = run.organization
        environment = run.environment
        state = StateBadge(run.state)
        isOver = run.state.isOver
        created = Moment(run.createdAt, now: now)
        duration = Readable.duration(run.seconds)
        since = run.state.isOver ? nil : run.createdAt
        problem = run.problem.map { ProblemNote($0) }
        graph = RunGraph(detail.jobs, now: now)
        timings = RunTimings(detail, now: now)
        facts = RunFacts(run, now: now)
        jobs = detail.jobs.map { JobRow($0, told: run.problem, now: now) }
        receipts = Receipts(detail.streams, isOver: run.state.isOver, place: run.environment)
        models = detail.models.map { ModelsNote($0) }
        loadDuration = detail.loadSeconds.map { Readable.duration($0) }
        dashboard = detail.dashboardURL.flatMap { Self.path(of: $0) }
        let address = "/runs/\(run.runID)"
        cancel = run.state.isOver ? nil : "\(address)/cancel"
        rescue =
            run.state == .retryable
            ? Rescue(
                retry: "\(address)/retry", resolve: "\(address)/resolve",
                steps: detail.jobs.map { Choice(value: $0.kind, label: JobRow.name(of: $0.kind), isChosen: false) })
            : nil
    }

    /// Only the path and query: the console is wherever the browser found it.
    static func path(of address: String) -> String? {
        guard let parts = URLComponents(string: address), parts.percentEncodedPath.hasPrefix("/"),
            !parts.percentEncodedPath.hasPrefix("//")
        else { return nil }
        return parts.percentEncodedPath + (parts.percentEncodedQuery.map { "?\($0)" } ?? "")
    }
}

/// One step of the journey.
struct JobRow: Sendable {
    let id: String
    let name: String
    let state: StateBadge
    let isRunning: Bool
    let waiting: String?
    let note: String?
    let figures: [String]
    let bar: Bar?
    let duration: String?
    let attempt: Int?
    let problem: ProblemNote?

    struct Bar: Sendable {
        let done: Int64
        let total: Int64
        let label: String
    }

    /// - Parameter told: the run's own problem, which the page tells above its jobs and not twice.
    init(_ job: JobView, told: ProblemView?, now: Date) {
        let started = job.startedAt.flatMap { Moment.parse($0) }
        let ended = job.finishedAt.flatMap { Moment.parse($0) } ?? now
        let seconds = started.map { max(ended.timeIntervalSince($0), 0) }
        id = job.jobID
        name = Self.name(of: job.kind)
        state = StateBadge(job.state)
        isRunning = job.state == .running
        waiting = job.state == .pending ? job.waiting?.capitalizedFirst : nil
        note = isRunning ? job.progress?.note : nil
        figures = Self.figures(job.progress, seconds: seconds, isRunning: job.state == .running)
        bar = isRunning ? Self.bar(job.progress) : nil
        duration = seconds.map { Readable.duration($0) }
        attempt = job.attempt > 1 ? job.attempt : nil
        problem = job.problem == told ? nil : job.problem.map { ProblemNote($0) }
    }

    static func name(of kind: String) -> String { names[kind] ?? word(for: kind) }

    /// `Extract`: where there is room for a word only.
    static func word(for kind: String) -> String { kind.capitalized.replacing("_", with: " ") }

    private static let names = [
        "provision": "Provision the warehouse", "extract": "Extract from the source", "validate": "Validate",
        "load": "Load into RAW", "notify": "Send the message", "model": "Build and test models",
        "publish": "Publish the dashboard",
    ]

    private static func bar(_ progress: ProgressView?) -> Bar? {
        guard let progress, let total = progress.total, total > 0 else { return nil }
        let done = min(max(progress.done, 0), total)
        return Bar(done: done, total: total, label: "\(done * 100 / total)%")
    }

    /// `7 of 11 tables`, `1,234 rows`, `2.3 MB`, `50,000 rows/s`, `about 2 min left`.
    private static func figures(_ progress: ProgressView?, seconds: Double?, isRunning: Bool) -> [String] {
        guard let progress else { return [] }
        let done = Readable.count(progress.done)
        let unit =
            progress.total == 1 && progress.unit.hasSuffix("s") ? String(progress.unit.dropLast()) : progress.unit
        var figures = [progress.total.map { "\(done) of \(Readable.count($0)) \(unit)" } ?? "\(done) \(unit)"]
        if let rows = progress.rows { figures.append(Readable.plural(rows, "row")) }
        if let bytes = progress.bytes { figures.append(Readable.bytes(bytes)) }
        if let rows = progress.rows, rows > 0, let seconds, seconds >= 0.2 {
            figures.append("\(Readable.count(Int64((Double(rows) / seconds).rounded()))) rows/s")
        } else if let rate = progress.perSecond, rate > 0, isRunning {
            figures.append("\(Readable.rate(rate)) \(progress.unit)/s")
        }
        if let left = progress.secondsLeft, isRunning { figures.append("\(Readable.roughly(left)) left") }
        return figures
    }
}

struct ModelsNote: Sendable {
    let built: String
    let passed: String
    let failed: String?

    init(_ models: ModelsReceipt) {
        built = Readable.plural(models.built, "model")
        passed = Readable.plural(models.testsPassed, "test")
        failed = models.testsFailed > 0 ? Readable.plural(models.testsFailed, "test") : nil
    }
}

/// One line of the log.
struct LogRow: Sendable {
    let sequence: Int64
    let at: Moment
    let job: String
    let level: String
    let text: String

    init(_ line: LogLine, now: Date) {
        sequence = line.sequence
        at = Moment(line.at, now: now)
        job = line.job
        level = line.level
        text = line.text
    }
}

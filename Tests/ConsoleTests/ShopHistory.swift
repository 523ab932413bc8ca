import Foundation
import Kernel
import Wire

/// Older runs of the shop: one of each state, some by a schedule, messages, and a run whose jobs fan out.
enum ShopHistory {
    static let fannedID = "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a20"
    static let resolvedID = "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a07"
    static let hostile = "<script>alert(1)</script>\" x='"
    static let nothingToTakeUp = Problem(
        .conflict, "The run was a success: there is nothing to take up.", hint: "Clone the source again.")

    static let runs: [RunSummary] =
        Shop.runs + [
            run("05", "billing", .pending, "2026-11-21T09:29:58Z", 2, schedule: "hourly_billing"),
            run(
                "06", "erp", .failed, "2026-11-11T02:00:00Z", 3, schedule: "nightly",
                problem: Problem(.sourceCredentials, "The source refused the user or password.", hint: "Check both.")),
            run(
                "07", "shop", .resolved, "2026-11-19T06:00:01Z", 61, schedule: "nightly",
                note: "loaded by hand from the export", problem: ShopRuns.interrupted),
            run("08", hostile, .cancelled, "2026-11-18T12:30:00Z", 5, note: hostile),
            run("20", "shop", .running, "2026-11-21T09:28:00Z", 120, environment: "prod", schedule: "nightly"),
        ]
    /// So many that they need a second page.
    static let many = (100..<168).map { run("\($0)", "orders", .success, "2026-11-01T00:\($0 % 60):00Z", 4) }
    static let messages = [
        run("31", "billing", .success, "2026-11-20T16:43:06Z", 1, kind: "notify"),
        run(
            "32", "shop", .retryable, "2026-11-20T16:43:06Z", 9000, kind: "notify",
            problem: Problem(.deliveryFailed, "Nothing answers at hooks.acme.example.", hint: "Check the address.")),
    ]

    /// As the server lists them: the newest first, what the filter names, a page at a time.
    static func list(_ filter: RunFilter, isBusy: Bool) -> RunList {
        let found = (runs + messages + (isBusy ? many : [])).sorted { $0.createdAt > $1.createdAt }.filter { run in
            (filter.kind ?? (run.kind == "notify" ? "" : run.kind)) == run.kind
                && (filter.states.isEmpty || filter.states.contains(run.state))
                && (filter.source ?? run.source) == run.source
                && (filter.environment ?? run.environment) == run.environment
                && (filter.schedule == nil || filter.schedule == run.schedule)
                && (filter.search.map { "\(run.source) \(run.note ?? "")".contains($0) } ?? true)
        }
        let start = filter.before.flatMap { Int($0) } ?? 0
        let page = Array(found.dropFirst(start).prefix(filter.limit))
        let end = start + page.count
        return RunList(runs: page, next: end < found.count ? String(end) : nil)
    }

    static func run(
        _ number: String, _ source: String, _ state: StateWord, _ created: String, _ seconds: Double,
        environment: String = "dev", kind: String = "clone", schedule: String? = nil, note: String? = nil,
        problem: Problem? = nil
    ) -> RunSummary {
        RunSummary(
            runID: "0b9d7a10-5f3e-4c56-9a57-\("1f2f6f3c1a".dropLast(number.count - 2))\(number)", kind: kind,
            organization: "acme",
            environment: environment, source: source, state: state, createdAt: created,
            finishedAt: state.isOver ? Moments.date(created).addingTimeInterval(seconds).rfc3339 : nil,
            seconds: seconds, problem: problem.map { ProblemView($0) }, schedule: schedule,
            scheduledFor: schedule == nil ? nil : created, note: note,
            correlationID: "4bf92f3577b34da6a3ce929d0e0e\(number)00")
    }

    /// Three extractions at once, a load after each, models after all of them; `publish` also says that it comes after
    /// a load, which the models say already.
    static let fanned = RunDetail(
        run: runs[8],
        jobs: [
            job("provision", "provision", .success, [], ready: 0, started: 1, finished: 3),
            job("extract-a", "extract", .success, ["provision"], ready: 3, started: 4, finished: 40),
            job("extract-b", "extract", .success, ["provision"], ready: 3, started: 4, finished: 62),
            job("extract-c", "extract", .retryable, ["provision"], ready: 3, started: 45, finished: 58, attempt: 2),
            job("load-a", "load", .success, ["extract-a"], ready: 40, started: 41, finished: 66),
            job("load-b", "load", .running, ["extract-b"], ready: 62, started: 80),
            job("load-c", "load", .pending, ["extract-c"], waiting: "waiting because extract failed"),
            job("model", "model", .pending, ["load-a", "load-b", "load-c"], waiting: "waiting for load"),
            job("publish", "publish", .pending, ["model", "load-a"], waiting: "waiting for model"),
        ], streams: [], models: nil, dashboardURL: nil, loadSeconds: nil)

    private static func job(
        _ id: String, _ kind: String, _ state: StateWord, _ after: [String], ready: Int? = nil, started: Int? = nil,
        finished: Int? = nil, attempt: Int = 1, waiting: String? = nil
    ) -> JobView {
        JobView(
            jobID: id, kind: kind, state: state, attempt: attempt,
            progress: state == .running
                ? ProgressView(done: 4, total: 12, unit: "tables", perSecond: 0.1, secondsLeft: 128) : nil,
            startedAt: started.map { at($0) }, finishedAt: finished.map { at($0) }, problem: nil, waiting: waiting,
            after: after, readyAt: ready.map { at($0) }, worker: started == nil ? nil : "box/4711")
    }

    private static func at(_ seconds: Int) -> String {
        Moments.date("2026-11-21T09:28:00Z").addingTimeInterval(Double(seconds)).rfc3339
    }
}

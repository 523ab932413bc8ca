import Kernel
import Wire

@testable import CommandLine

/// Runs to render.
enum Sample {
    static let id = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a01"

    static func run(_ state: StateWord, _ jobs: [JobView], streams: [StreamReceipt] = []) -> RunDetail {
        RunDetail(
            run: RunSummary(
                runID: id, kind: "clone", organization: "acme", environment: "dev", source: "chinook", state: state,
                createdAt: "2026-11-21T07:30:00.000Z", finishedAt: nil, seconds: 9.31, problem: nil),
            jobs: jobs, streams: streams, models: nil, dashboardURL: nil, loadSeconds: nil)
    }

    static func job(
        _ kind: String, _ state: StateWord, attempt: Int = 1, _ progress: ProgressView? = nil,
        problem: ProblemView? = nil,
        waiting: String? = nil, began: String? = nil, ended: String? = nil
    ) -> JobView {
        JobView(
            jobID: "job-\(kind)", kind: kind, state: state, attempt: attempt, progress: progress, startedAt: began,
            finishedAt: ended, problem: problem, waiting: waiting)
    }

    static func stream(
        _ name: String, _ source: Int64?, _ loaded: Int64?, _ verified: Bool, _ problem: ProblemView? = nil
    ) -> StreamReceipt {
        StreamReceipt(
            name: name, table: "chinook__\(name)", sourceRows: source, loadedRows: loaded, verified: verified,
            problem: problem)
    }

    static let denied = ProblemView(
        Problem(.sourcePermission, "The user reader may not read it.", hint: "Grant SELECT to reader."))

    /// What was seen of `underway`.
    static let rates = ["job-extract": RateMeter.Rate(done: 0.5, rows: 812_345.4)]

    /// In the middle of the journey.
    static let underway = run(
        .running,
        [
            job("provision", .success, began: "2026-11-21T07:30:00.000Z", ended: "2026-11-21T07:30:00.412Z"),
            job(
                "extract", .running, attempt: 2,
                ProgressView(
                    done: 7, total: 11, unit: "tables", rows: 1_234_567, bytes: 45_200_000, note: "public.orders",
                    perSecond: 0.6, secondsLeft: 6.7)),
            job("validate", .running, ProgressView(done: 3, total: nil, unit: "tables")),
            job("load", .pending, waiting: "waiting for validate"),
            job("model", .failed, problem: denied),
            job("publish", .cancelled),
        ])

    static let success: RunDetail = {
        var detail = run(
            .success, [job("load", .success, ProgressView(done: 3, total: 3, unit: "tables", rows: 2515))],
            streams: [
                stream("public.album", 347, 347, true), stream("public.empty", 0, 0, true),
                stream("public.invoice_line", 2_240_168, 2_240_168, true),
            ])
        detail.models = ModelsReceipt(built: 34, testsPassed: 98, testsFailed: 0)
        detail.dashboardURL = "/dashboards/chinook"
        detail.loadSeconds = 2.14
        return detail
    }()

    static let failure = run(
        .failed, [job("load", .failed, problem: denied)],
        streams: [
            stream("public.album", 347, 346, false), stream("public.secret", nil, nil, false, denied),
            stream("public.track", 3503, nil, false), stream("public.one", 1, 1, true),
        ])
}

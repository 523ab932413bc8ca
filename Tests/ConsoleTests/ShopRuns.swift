import Foundation
import Kernel
import Wire

/// Runs of the shop: one that is over, one that failed, one that goes on step by step.
enum ShopRuns {
    static let lastStep = 14
    static let interrupted = Problem(
        .sourceInterrupted, "The source closed the connection while billing.invoices was read.",
        hint: "Check the server's log; the run can be started again.")

    static let finished: [String: RunDetail] = [
        Shop.doneID: inPast(
            RunDetail(
                run: Shop.runs[1],
                jobs: [
                    job("provision", .success, ProgressView(done: 4, total: 4, unit: "schemas"), 0, 1),
                    job("extract", .success, progress(7), 1, 5), job("validate", .success, progress(7), 5, 6),
                    job("load", .success, progress(7), 6, 8),
                    job("model", .success, ProgressView(done: 19, total: 19, unit: "models"), 8, 17),
                    job("publish", .success, ProgressView(done: 1, total: 1, unit: "dashboards"), 17, 18),
                ],
                streams: receipts(7), models: ModelsReceipt(built: 19, testsPassed: 64, testsFailed: 0),
                dashboardURL: "http://127.0.0.1:8080/dashboards/shop", loadSeconds: 6.84)),
        Shop.failedID: inPast(
            RunDetail(
                run: Shop.runs[2],
                jobs: [
                    job("provision", .success, ProgressView(done: 4, total: 4, unit: "schemas"), 0, 1),
                    JobView(
                        jobID: "extract", kind: "extract", state: .retryable, attempt: 3, progress: progress(2),
                        startedAt: at(60), finishedAt: at(180), problem: ProblemView(interrupted), waiting: nil,
                        after: ["provision"], readyAt: at(1), worker: "box/4711"),
                    waiting("validate", "extract"), waiting("load", "validate"),
                ],
                streams: [
                    StreamReceipt(
                        name: "invoices", table: "billing__invoices", sourceRows: 51_000, loadedRows: nil,
                        verified: false,
                        problem: ProblemView(interrupted)),
                    StreamReceipt(
                        name: "accounts", table: "billing__accounts", sourceRows: 300, loadedRows: 300, verified: true,
                        problem: nil),
                    StreamReceipt(
                        name: "plans", table: "billing__plans", sourceRows: 12, loadedRows: 11, verified: false,
                        problem: nil),
                ], models: ModelsReceipt(built: 3, testsPassed: 9, testsFailed: 1), dashboardURL: nil, loadSeconds: nil)
        ),
    ]

    /// The jobs' times moved to where the run began.
    private static func inPast(_ detail: RunDetail) -> RunDetail {
        let move = Moments.date(detail.run.createdAt).timeIntervalSince(Moments.date(at(0)))
        func moved(_ text: String?) -> String? {
            text.map { Moments.date($0).addingTimeInterval(move).rfc3339 }
        }
        var detail = detail
        for index in detail.jobs.indices {
            detail.jobs[index].readyAt = moved(detail.jobs[index].readyAt)
            detail.jobs[index].startedAt = moved(detail.jobs[index].startedAt)
            detail.jobs[index].finishedAt = moved(detail.jobs[index].finishedAt)
        }
        return detail
    }

    private static func waiting(_ kind: String, _ before: String) -> JobView {
        JobView(
            jobID: kind, kind: kind, state: .pending, attempt: 0, progress: nil, startedAt: nil, finishedAt: nil,
            problem: nil, waiting: "waiting because extract failed: retry or resolve the run", after: [before])
    }

    /// The journey's kinds, each after the one before.
    private static let before = [
        "extract": "provision", "validate": "extract", "load": "validate", "model": "load", "publish": "model",
    ]

    /// Steps 0 to 6 extract a table each, then the later jobs run.
    static func running(step: Int) -> RunDetail {
        let extracted = min(step, 7)
        let later = step - 7
        let states = (0..<5).map { index -> StateWord in
            if index == 0 { return step >= 7 ? .success : .running }
            return later > index ? .success : later == index ? .running : .pending
        }
        let isOver = step >= lastStep
        let kinds = ["extract", "validate", "load", "model", "publish"]
        var jobs = [job("provision", .success, ProgressView(done: 4, total: 4, unit: "schemas"), 0, 1)]
        for (index, kind) in kinds.enumerated() {
            let state = isOver ? .success : states[index]
            let done = index == 0 ? extracted : state == .success ? 7 : 3
            jobs.append(
                state == .pending
                    ? JobView(
                        jobID: kind, kind: kind, state: .pending, attempt: 1, progress: nil, startedAt: nil,
                        finishedAt: nil, problem: nil,
                        waiting: index == 0 ? nil : "waiting for \(kinds[index - 1])", after: [before[kind] ?? ""])
                    : job(kind, state, progress(done), 1 + index * 4, state == .running ? nil : 5 + index * 4))
        }
        return RunDetail(
            run: RunSummary(
                runID: Shop.runningID, kind: "clone", organization: "acme", environment: "dev", source: "shop",
                state: isOver ? .success : .running, createdAt: "2026-11-21T09:29:48.000Z",
                finishedAt: isOver ? "2026-11-21T09:30:08.000Z" : nil, seconds: isOver ? 20 : 12, problem: nil),
            jobs: jobs, streams: receipts(later > 2 ? 7 : 0),
            models: isOver ? ModelsReceipt(built: 19, testsPassed: 64, testsFailed: 0) : nil,
            dashboardURL: isOver ? "http://127.0.0.1:8080/dashboards/shop" : nil, loadSeconds: isOver ? 6.2 : nil)
    }

    static func lines(at step: Int) -> [LogLine] {
        [
            LogLine(
                sequence: Int64(step * 10), at: at(step), job: "extract", level: "info",
                text: "Step \(step) of \(lastStep): \(Shop.tables[step % 7].name) is done")
        ]
    }

    static let log: [LogLine] = [
        LogLine(sequence: 1, at: at(0), job: "provision", level: "info", text: "The warehouse acme_dev is there"),
        LogLine(
            sequence: 2, at: at(1), job: "extract", level: "info", text: "Snapshot 00000003-0000001B-1 at 0/1A2B3C8"),
        LogLine(sequence: 3, at: at(2), job: "extract", level: "info", text: "customers: 12,000 rows, 2.3 MB"),
        LogLine(
            sequence: 4, at: at(3), job: "extract", level: "warning",
            text: "audit.\"Entries <raw>\" is left out: permission denied"),
        LogLine(sequence: 5, at: at(4), job: "extract", level: "info", text: "orders: 38,412 rows, 5.2 MB"),
    ]

    static let longLog = (1...1200).map {
        LogLine(sequence: $0, at: at(5), job: "extract", level: "info", text: "Line \($0)")
    }

    static func receipts(_ loaded: Int) -> [StreamReceipt] {
        Shop.tables.enumerated().map { index, table in
            StreamReceipt(
                name: table.name, table: "shop__\(table.name)", sourceRows: table.rows,
                loadedRows: index < loaded ? table.rows : nil, verified: index < loaded, problem: nil)
        }
    }

    private static func progress(_ tables: Int) -> ProgressView {
        let done = Shop.tables.prefix(tables)
        return ProgressView(
            done: Int64(tables), total: 7, unit: "tables", rows: done.reduce(0) { $0 + $1.rows },
            bytes: done.reduce(0) { $0 + $1.bytes }, note: tables < 7 ? Shop.tables[tables].name : nil,
            perSecond: 0.6, secondsLeft: Double(7 - tables) * 42)
    }

    private static func job(
        _ kind: String, _ state: StateWord, _ progress: ProgressView?, _ from: Int?, _ to: Int?
    ) -> JobView {
        JobView(
            jobID: kind, kind: kind, state: state, attempt: 1, progress: progress, startedAt: from.map { at($0) },
            finishedAt: to.map { at($0) }, problem: nil, waiting: nil, after: before[kind].map { [$0] } ?? [],
            readyAt: from.map { at(max($0 - 1, 0)) }, worker: kind == "model" ? "box-2/88" : "box/4711")
    }

    static func at(_ seconds: Int) -> String {
        Moments.date("2026-11-21T09:29:48Z").addingTimeInterval(Double(seconds)).rfc3339
    }
}

import API
import Kernel
import Roles
import Wire
import WireSamples

/// A Weirhouse whose every answer has every field. Some inputs make it fail, as the names say.
struct House: Operations {
    static let token = "right"
    static let run = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a01"

    /// What an unexpected error must never show.
    struct RawError: Error, CustomStringConvertible {
        var description: String { "password=hunter2 at 10.0.0.7" }
    }

    let asked = Asked()
    var events: @Sendable (Int64) -> AsyncThrowingStream<RunEvent, any Error> = { after in
        AsyncThrowingStream { queue in
            queue.yield(.run(detail(.running)))
            for sequence in after + 1..<max(after + 1, 4) { queue.yield(.log(line(sequence))) }
            queue.yield(.run(detail(.success)))
            queue.finish()
        }
    }

    func health() async -> HealthReport {
        HealthReport(
            version: "0.1.0",
            parts: [PartHealth(name: "worker", healthy: false, detail: "It is away.", hint: "Start it.")])
    }

    var readiness: @Sendable () throws -> Void = {}

    func checkReadiness() async throws { try readiness() }

    func startClone(_ request: CloneRequest, as caller: Caller) async throws -> CloneAccepted {
        asked.note(request)
        return CloneAccepted(runID: Self.run, runURL: "/runs/\(Self.run)", isNew: request.idempotencyKey != "seen")
    }

    func testSource(_ request: SourceTestRequest, as caller: Caller) async throws -> SourceTestResult {
        if request.url == "raw error" { throw RawError() }
        return SourceTestResult(
            product: "PostgreSQL 15.18", database: "shop",
            streams: [
                StreamView(
                    name: "public.orders", kind: "table", columns: 9, estimatedRows: 10, estimatedBytes: 1000,
                    refusal: Self.problem)
            ])
    }

    func runs(_ filter: RunFilter, as caller: Caller) async throws -> RunList {
        asked.note(filter)
        return RunList(runs: Array(repeating: Self.detail(.failed).run, count: min(filter.limit, 3)), next: "older")
    }

    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] {
        asked.note(request)
        return request.runIDs.map { BulkOutcome(runID: $0, state: .pending, problem: Self.problem) }
    }

    func run(_ id: RunID, as caller: Caller) async throws -> RunDetail {
        guard id.description == Self.run else { throw Problem(.notFound, "There is no such run.") }
        return Self.detail(.success)
    }

    func cancelRun(_ id: RunID, note: String?, as caller: Caller) async throws -> RunDetail {
        try await run(id, as: caller)
    }

    func retryRun(_ id: RunID, from kind: String?, as caller: Caller) async throws -> RunDetail {
        if kind == "nothing" { throw Problem(.conflict, "The run has no nothing job that could be done again.") }
        return try await run(id, as: caller)
    }

    func resolveRun(_ id: RunID, note: String, as caller: Caller) async throws -> RunDetail {
        try await run(id, as: caller)
    }

    /// A log of 1,200 lines.
    func log(of id: RunID, _ range: LogRange, limit: Int, as caller: Caller) async throws -> LogPage {
        guard case .after(let sequence) = range else { throw RawError() }
        let lines = (sequence..<max(sequence, min(1200, sequence + Int64(limit)))).map { Self.line($0 + 1) }
        return LogPage(lines: lines, next: lines.last.flatMap { $0.sequence < 1200 ? $0.sequence : nil })
    }

    func events(
        of id: RunID, after sequence: Int64, as caller: Caller
    ) async throws -> AsyncThrowingStream<RunEvent, any Error> {
        events(sequence)
    }

    func query(_ request: QueryRequest, as caller: Caller) async throws -> QueryTable {
        if request.sql == "DROP" {
            throw Problem(.queryRefused, "Only SELECT is allowed.", hint: "Write a SELECT.")
        }
        return Self.table
    }

    func export(_ request: QueryRequest, as caller: Caller) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream { queue in
            if request.sql == "fails at once" {
                return queue.finish(throwing: Problem(.queryFailed, "There is no column x."))
            }
            queue.yield(Array("a,b\r\n".utf8))
            queue.yield(Array("1,2\r\n".utf8))
            queue.finish(throwing: request.sql == "fails midway" ? RawError() : nil)
        }
    }

    func tables(of place: PlaceRequest, as caller: Caller) async throws -> [SchemaView] {
        [SchemaView(name: "RAW", tables: [TableView(name: "t", kind: "table", columns: Self.table.columns, rows: 2)])]
    }

    func preview(
        schema: String, table: String, limit: Int, of place: PlaceRequest, as caller: Caller
    ) async throws -> QueryTable {
        guard schema == "RAW", table == "a b" else { throw Problem(.notFound, "There is no table \(table).") }
        return Self.table
    }

    func dashboards(as caller: Caller) async throws -> [DashboardSummary] { [Self.dashboard] }

    func dashboard(_ name: String, of place: PlaceRequest, as caller: Caller) async throws -> DashboardView {
        let chart = ChartView(
            id: "c", title: "Orders", kind: "line", x: "day", y: ["orders"], unit: "EUR", isDated: true)
        return DashboardView(summary: Self.dashboard, charts: [chart], firstDay: "2026-01-01", lastDay: "2026-02-01")
    }

    func chart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartData {
        ChartData(table: Self.table, verifiedThrough: "2026-11-21T07:30:00.123Z")
    }

    func exportChart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartExport {
        let request = QueryRequest(sql: chart)
        return ChartExport(
            bytes: try await export(request, as: caller), verifiedThrough: "2026-11-21T07:30:00.123Z")
    }

    func caller(token: String) async throws -> Caller {
        guard token == Self.token else { throw Problem(.unauthenticated, "This token is not known.") }
        return Self.admin
    }

    static let admin = Caller(
        organization: TimeSource.system.makeID(), slug: "acme", principal: TimeSource.system.makeID(), name: "admin",
        rights: Rights([Grant(.owner)]))

    func caller(session: String) async throws -> Caller? { nil }
    func knownCaller(token: String) -> Caller? { token == Self.token ? Self.admin : nil }
    func knownCaller(session: String) -> Caller? { nil }
    func makeSignInCode(as caller: Caller) async throws -> String { "abc" }
    func openSession(code: String) async throws -> Secret<String> { Secret("s") }
    func closeSession(_ session: String) async throws {}
}

extension House {
    static let problem = ProblemView(Problem(.sourcePermission, "Not readable.", hint: "Grant SELECT."))

    static let dashboard = DashboardSummary(
        name: "shop", title: "Shop", organization: "acme", environment: "dev", charts: 1,
        problem: "The dashboard shop.yml cannot be read as YAML.")

    static let table = QueryTable(
        columns: [QueryColumn(name: "a", type: "DOUBLE"), QueryColumn(name: "b", type: "VARCHAR")],
        rows: [[.number(.nan), .text("x,\"y\"")], [.integer(1), .null], [.bool(true), .text("")]],
        truncated: false, seconds: 0.1)

    static func line(_ sequence: Int64) -> LogLine {
        LogLine(
            sequence: sequence, at: "2026-11-21T07:30:00.123Z", job: "load", level: "info",
            text: "line \(sequence)\nnext")
    }

    static func detail(_ state: StateWord) -> RunDetail {
        let at = "2026-11-21T07:30:00.123Z"
        let job = JobView(
            jobID: run, kind: "load", state: state, attempt: 1,
            progress: ProgressView(
                done: 1, total: 2, unit: "tables", rows: 3, bytes: 4, note: "orders", perSecond: 0.5, secondsLeft: 2),
            startedAt: at, finishedAt: at, problem: problem, waiting: "waiting for extract", after: [run], readyAt: at,
            worker: "box/4711")
        return RunDetail(
            run: RunSummary(
                runID: run, kind: "clone", organization: "acme", environment: "dev", source: "shop", state: state,
                createdAt: at, finishedAt: at, seconds: 1.5, problem: problem, schedule: "nightly", scheduledFor: at,
                note: "by hand", correlationID: "4bf92f3577b34da6a3ce929d0e0e4736"),
            jobs: [job],
            streams: [
                StreamReceipt(
                    name: "public.orders", table: "shop__orders", sourceRows: 3, loadedRows: 3, verified: true,
                    problem: problem)
            ],
            models: ModelsReceipt(built: 1, testsPassed: 2, testsFailed: 0), dashboardURL: "/dashboards/shop",
            loadSeconds: 1)
    }
}

import Foundation
import Kernel
import Roles
import Synchronization
import Wire
import WireSamples

/// Weirhouse as the pages see it, without any of it: a shop that was cloned, a clone that goes on, one that failed.
final class FixtureOperations: Operations {
    /// An error of no known kind.
    struct Broken: Error {}

    enum Mood: Sendable {
        case well
        case unwell
        case empty
        /// Every word of a schedule tries to be markup.
        case hostile
        /// More runs than one page holds.
        case busy
    }

    static let goodCode = "good-code"
    static let session = "fixture-session"
    static let caller = Caller(
        organization: OrganizationID(UUID(uuidString: "00000000-0000-0000-0000-00000000000a") ?? UUID()), slug: "acme",
        principal: PrincipalID(UUID(uuidString: "00000000-0000-0000-0000-00000000000b") ?? UUID()), name: "admin",
        rights: Rights([Grant(.owner)]))

    let mood: Mood
    /// Between two events of a run that goes on.
    let pace: Duration
    private let notes = Mutex<[String]>([])
    private let filters = Mutex<[RunFilter]>([])
    private let requests = Mutex<[CloneRequest]>([])
    private let addresses = Mutex<[String]>([])
    private let sessions = Mutex<Set<String>>([FixtureOperations.session])

    init(_ mood: Mood = .well, pace: Duration = .zero) {
        self.mood = mood
        self.pace = pace
    }

    /// What charts and events were asked for.
    var asked: [String] { notes.withLock { $0 } }
    /// Which runs were asked for.
    var runFilters: [RunFilter] { filters.withLock { $0 } }
    var clones: [CloneRequest] { requests.withLock { $0 } }
    /// The addresses that were to be tested.
    var tested: [String] { addresses.withLock { $0 } }

    func health() async -> HealthReport { Shop.health(isWell: mood != .unwell) }

    func checkReadiness() async throws {}

    func startClone(_ request: CloneRequest, as caller: Caller) async throws -> CloneAccepted {
        requests.withLock { $0.append(request) }
        return CloneAccepted(runID: Shop.runningID, runURL: "http://127.0.0.1:8080/runs/\(Shop.runningID)")
    }

    func testSource(_ request: SourceTestRequest, as caller: Caller) async throws -> SourceTestResult {
        addresses.withLock { $0.append(request.url) }
        if request.url.contains("nowhere") {
            throw Problem(
                .sourceUnreachable, "Nothing answers at nowhere:5432.",
                hint: "Check the host and the port, and that a firewall lets this machine through.")
        }
        return Shop.offer
    }

    func runs(_ filter: RunFilter, as caller: Caller) async throws -> RunList {
        filters.withLock { $0.append(filter) }
        return mood == .empty ? RunList(runs: [], next: nil) : ShopHistory.list(filter, isBusy: mood == .busy)
    }

    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] {
        remember("\(request.action) \(request.runIDs.joined(separator: " ")) \(request.note ?? "-")")
        return request.runIDs.map { id in
            guard id != Shop.doneID else {
                return BulkOutcome(runID: id, state: nil, problem: ProblemView(ShopHistory.nothingToTakeUp))
            }
            return BulkOutcome(runID: id, state: request.action == "retry" ? .pending : .cancelled, problem: nil)
        }
    }

    func run(_ id: RunID, as caller: Caller) async throws -> RunDetail {
        if id.description == Shop.runningID { return ShopRuns.running(step: 4) }
        if id.description == ShopHistory.fannedID { return ShopHistory.fanned }
        let isLong = id.description == Shop.longID
        guard var detail = ShopRuns.finished[isLong ? Shop.doneID : id.description] else {
            throw Problem(.notFound, "There is no such run.", hint: "See all runs under Runs.")
        }
        if isLong { detail.run.runID = Shop.longID }
        return detail
    }

    func cancelRun(_ id: RunID, note: String?, as caller: Caller) async throws -> RunDetail {
        remember("cancel \(id) \(note ?? "-")")
        return try await run(id, as: caller)
    }

    func retryRun(_ id: RunID, from kind: String?, as caller: Caller) async throws -> RunDetail {
        remember("retry \(id) \(kind ?? "-")")
        return try await run(id, as: caller)
    }

    func resolveRun(_ id: RunID, note: String, as caller: Caller) async throws -> RunDetail {
        remember("resolve \(id) \(note)")
        return try await run(id, as: caller)
    }

    func remember(_ text: String) { notes.withLock { $0.append(text) } }

    func log(of id: RunID, _ range: LogRange, limit: Int, as caller: Caller) async throws -> LogPage {
        let log = id.description == Shop.longID ? ShopRuns.longLog : ShopRuns.log
        switch range {
        case .after(let sequence):
            let found = log.filter { $0.sequence > sequence }
            let lines = Array(found.prefix(limit))
            return LogPage(lines: lines, next: found.count > limit ? lines.last?.sequence : nil)
        case .before(let sequence):
            let found = log.filter { $0.sequence < sequence ?? .max }
            let lines = Array(found.suffix(limit))
            return LogPage(lines: lines, next: found.count > limit ? lines.first?.sequence : nil)
        }
    }

    func events(
        of id: RunID, after sequence: Int64, as caller: Caller
    ) async throws -> AsyncThrowingStream<RunEvent, any Error> {
        notes.withLock { $0.append("events after \(sequence)") }
        let pace = pace
        return AsyncThrowingStream { continuation in
            guard id.description != ShopHistory.fannedID else {
                continuation.yield(.run(ShopHistory.fanned))
                return
            }
            let task = Task {
                for step in 4...ShopRuns.lastStep {
                    continuation.yield(.run(ShopRuns.running(step: step)))
                    for line in ShopRuns.lines(at: step) where line.sequence > sequence {
                        continuation.yield(.log(line))
                    }
                    if pace > .zero { try? await Task.sleep(for: pace) }
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    func query(_ request: QueryRequest, as caller: Caller) async throws -> QueryTable {
        guard request.sql.lowercased().contains("select") else {
            throw Problem(.queryRefused, "Only SELECT statements run here; this one is DROP.", hint: "Write a SELECT.")
        }
        return Shop.orders
    }

    func export(_ request: QueryRequest, as caller: Caller) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream { continuation in
            continuation.yield(Array("order_id,total\r\n".utf8))
            continuation.yield(Array("1,19.90\r\n".utf8))
            continuation.finish()
        }
    }

    func tables(of place: PlaceRequest, as caller: Caller) async throws -> [SchemaView] {
        mood == .empty || place.environment == "prod" ? [] : Shop.schemas
    }

    func preview(
        schema: String, table: String, limit: Int, of place: PlaceRequest, as caller: Caller
    ) async throws -> QueryTable { Shop.orders }

    func dashboards(as caller: Caller) async throws -> [DashboardSummary] {
        mood == .empty ? [] : [ShopDashboard.view.summary]
    }

    func dashboard(_ name: String, of place: PlaceRequest, as caller: Caller) async throws -> DashboardView {
        guard name == "shop" else {
            throw Problem(
                .notFound, "There is no dashboard \(name) in dev.", hint: "See what there is under Dashboards.")
        }
        return ShopDashboard.view
    }

    func chart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartData {
        notes.withLock { $0.append("\(dashboard)/\(chart) \(range.from ?? "…") to \(range.to ?? "…")") }
        return try ShopDashboard.data(of: chart, range: range)
    }

    func exportChart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartExport {
        ChartExport(bytes: try await export(QueryRequest(sql: chart), as: caller), verifiedThrough: nil)
    }

    func caller(token: String) async throws -> Caller { throw Problem(.unauthenticated, "There is no such token.") }

    func caller(session: String) async throws -> Caller? {
        sessions.withLock { $0.contains(session) } ? Self.caller : nil
    }

    func knownCaller(token: String) -> Caller? { nil }

    func knownCaller(session: String) -> Caller? {
        sessions.withLock { $0.contains(session) } ? Self.caller : nil
    }

    func makeSignInCode(as caller: Caller) async throws -> String { Self.goodCode }

    func openSession(code: String) async throws -> Secret<String> {
        if code == "broken" { throw Broken() }
        guard code == Self.goodCode else {
            throw Problem(
                .unauthenticated, "This link was used already, or is too old.",
                hint: "Make a new one: weir sign-in-link.")
        }
        return Secret(Self.session)
    }

    func closeSession(_ session: String) async throws { _ = sessions.withLock { $0.remove(session) } }
}

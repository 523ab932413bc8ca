import Foundation
import Kernel
import Roles
import Synchronization
import Wire
import WireSamples

@testable import CommandLine

/// What lies behind the API: one run, one table.
final class LiveHouse: Operations {
    let result = Mutex(Sample.success)
    let isWell = Mutex(true)
    let asked = Mutex<[CloneRequest]>([])
    let changes = Mutex<[String]>([])

    func health() async -> HealthReport {
        let healthy = isWell.withLock { $0 }
        return HealthReport(
            version: "0.1.0", parts: [PartHealth(name: "worker", healthy: healthy, detail: "It works.")])
    }

    func checkReadiness() async throws {}

    func startClone(_ request: CloneRequest, as caller: Caller) async throws -> CloneAccepted {
        asked.withLock { $0.append(request) }
        return CloneAccepted(
            runID: Sample.id, runURL: "/runs/\(Sample.id)", isNew: request.idempotencyKey != "seen")
    }

    func testSource(_ request: SourceTestRequest, as caller: Caller) async throws -> SourceTestResult { throw unused }

    func runs(_ filter: RunFilter, as caller: Caller) async throws -> RunList {
        RunList(runs: [Sample.success.run], next: filter.limit == 1 ? "further" : nil)
    }

    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] {
        request.runIDs.map { id in
            id == Sample.id
                ? BulkOutcome(runID: id, state: .pending, problem: nil)
                : BulkOutcome(runID: id, state: nil, problem: Sample.denied)
        }
    }

    func run(_ id: RunID, as caller: Caller) async throws -> RunDetail {
        guard id.description == Sample.id else { throw Problem(.notFound, "There is no such run.", hint: "List them.") }
        return result.withLock { $0 }
    }

    func cancelRun(_ id: RunID, note: String?, as caller: Caller) async throws -> RunDetail {
        changes.withLock { $0.append("cancel \(note ?? "-")") }
        return try await run(id, as: caller)
    }

    func retryRun(_ id: RunID, from kind: String?, as caller: Caller) async throws -> RunDetail {
        changes.withLock { $0.append("retry \(kind ?? "-")") }
        return try await run(id, as: caller)
    }

    func resolveRun(_ id: RunID, note: String, as caller: Caller) async throws -> RunDetail {
        changes.withLock { $0.append("resolve \(note)") }
        return try await run(id, as: caller)
    }

    func log(of id: RunID, _ range: LogRange, limit: Int, as caller: Caller) async throws -> LogPage { throw unused }

    func events(
        of id: RunID, after sequence: Int64, as caller: Caller
    ) async throws -> AsyncThrowingStream<RunEvent, any Error> {
        let end = try await run(id, as: caller)
        return AsyncThrowingStream { queue in
            queue.yield(.run(Sample.underway))
            queue.yield(.run(end))
            queue.finish()
        }
    }

    func query(_ request: QueryRequest, as caller: Caller) async throws -> QueryTable {
        if request.sql == "RAW" { throw CocoaError(.fileReadUnknown) }
        guard request.sql != "DROP" else { throw Problem(.queryRefused, "Only SELECT is allowed.") }
        return QueryTable(
            columns: [QueryColumn(name: "a", type: "INTEGER")], rows: [[.integer(1)]], truncated: false, seconds: 0)
    }

    func export(_ request: QueryRequest, as caller: Caller) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        _ = try await query(request, as: caller)
        return AsyncThrowingStream { queue in
            queue.yield(Array("a\r\n1\r\n".utf8))
            queue.finish()
        }
    }

    func tables(of place: PlaceRequest, as caller: Caller) async throws -> [SchemaView] { throw unused }
    func preview(
        schema: String, table: String, limit: Int, of place: PlaceRequest, as caller: Caller
    ) async throws -> QueryTable { throw unused }
    func dashboards(as caller: Caller) async throws -> [DashboardSummary] { throw unused }
    func dashboard(_ name: String, of place: PlaceRequest, as caller: Caller) async throws -> DashboardView {
        throw unused
    }
    func chart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartData { throw unused }
    func exportChart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartExport { throw unused }

    func caller(token: String) async throws -> Caller {
        guard token == "right" else { throw Problem(.unauthenticated, "This token is not known.") }
        return Caller(
            organization: TimeSource.system.makeID(), slug: "acme", principal: TimeSource.system.makeID(),
            name: "admin",
            rights: Rights([Grant(.owner)]))
    }

    func caller(session: String) async throws -> Caller? { nil }
    func knownCaller(token: String) -> Caller? { nil }
    func knownCaller(session: String) -> Caller? { nil }
    func makeSignInCode(as caller: Caller) async throws -> String { "abc" }
    func openSession(code: String) async throws -> Secret<String> { throw unused }
    func closeSession(_ session: String) async throws {}

    private var unused: Problem { Problem(.unsupported, "No command asks this.") }
}

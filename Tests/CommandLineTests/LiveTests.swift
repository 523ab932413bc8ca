import API
import Foundation
import Hummingbird
import HummingbirdTesting
import Kernel
import Synchronization
import Testing
import Wire
import WireSamples

@testable import CommandLine

/// The commands against the real API over real HTTP; only what lies behind the API is made up.
@Suite(.serialized) struct LiveTests {
    @Test("clone exits with 0 only if the run is a success and every stream is verified")
    func clone() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            #expect(await weir("clone", "postgresql://u@h/d", "--json", "--data", folder) == 0)
            house.result.withLock { $0 = Sample.failure }
            #expect(await weir("clone", "postgresql://u@h/d", "--tables", "a, s.b", "--data", folder) == 1)
            #expect(await weir("clone", "--source", "chinook", "--detach", "--data", folder) == 0)
        }
        #expect(house.asked.withLock { $0.map(\.tables) } == [nil, ["a", "s.b"], nil])
        #expect(house.asked.withLock { $0.map(\.url) } == ["postgresql://u@h/d", "postgresql://u@h/d", nil])
    }

    @Test("wrong usage exits with 2 and asks no server")
    func usage() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            for arguments in [
                ["clone"], ["clone", "shop"], ["clone", "postgresql://u@h/d", "--tables", ","], ["clone", "a", "b"],
                ["nothing"], ["query"], ["query", "x", "--format", "xml"], ["runs", "1"], ["runs", "--limit", "0"],
            ] {
                #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 2, "\(arguments)")
            }
        }
        #expect(house.asked.withLock { $0.isEmpty })
        #expect(await weir("--help") == 0)
        #expect(await weir("version") == 0)
    }

    @Test("status exits with 1 when a part is not well or nothing runs")
    func status() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            #expect(await weir("status", "--data", folder) == 0)
            house.isWell.withLock { $0 = false }
            #expect(await weir("status", "--json", "--data", folder) == 1)
        }
        #expect(await weir("status", "--data", "/nonexistent") == 1)
    }

    @Test("queries, runs and the sign-in link come through; a refused query exits with 1")
    func others() async throws {
        try await withServer(LiveHouse()) { folder in
            #expect(await weir("query", "SELECT 1", "--data", folder) == 0)
            #expect(await weir("query", "SELECT 1", "--format", "json", "--data", folder) == 0)
            #expect(await weir("query", "SELECT 1", "--format", "csv", "--data", folder) == 0)
            #expect(await weir("query", "DROP", "--data", folder) == 1)
            #expect(await weir("query", "DROP", "--format", "csv", "--data", folder) == 1)
            #expect(await weir("runs", "--data", folder) == 0)
            #expect(await weir("runs", Sample.id, "--follow", "--data", folder) == 0)
            #expect(await weir("sign-in-link", "--data", folder) == 0)
        }
    }

    @Test("runs are cancelled, retried, resolved and watched")
    func control() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            #expect(await weir("runs", "cancel", Sample.id, "--note", "wrong day", "--data", folder) == 0)
            #expect(await weir("runs", "retry", Sample.id, "--data", folder) == 0)
            #expect(await weir("runs", "retry", Sample.id, "--from", "load", "--data", folder) == 0)
            #expect(await weir("runs", "resolve", Sample.id, "--note", "by hand", "--data", folder) == 0)
            #expect(await weir("runs", "resolve", Sample.id, "--data", folder) == 2)
            #expect(await weir("runs", "watch", Sample.id, "--data", folder) == 0)
        }
        #expect(house.changes.withLock { $0 } == ["cancel wrong day", "retry -", "retry load", "resolve by hand"])
    }

    @Test("the API's problems arrive with their code, detail and hint")
    func problems() async throws {
        try await withServer(LiveHouse()) { folder in
            let client = Client(folder: DataFolder(option: folder, environment: [:]))
            do {
                let _: HealthReport = try await client.get("/api/v1/runs/0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8aff")
                Issue.record("it was found")
            } catch let problem as Problem {
                #expect(problem.code == .notFound && problem.description == "There is no such run. List them.")
            }
            let stranger = DataFolder(option: folder, environment: ["WEIR_TOKEN": "wrong"])
            await #expect(throws: Problem.self) {
                let _: HealthReport = try await Client(folder: stranger).get("/api/v1/status")
            }
        }
    }

    private func weir(_ arguments: String...) async -> Int32 { await WeirCommandLine.run(arguments) }

    private func withServer(_ house: LiveHouse, _ body: @Sendable (String) async throws -> Void) async throws {
        let router = Router()
        API(operations: house).addRoutes(to: router)
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await Application(router: router).test(.live) { client in
            let port = try #require(client.port)
            let own = ProcessInfo.processInfo.processIdentifier
            try Data(#"{"address": "http://127.0.0.1:\#(port)", "pid": \#(own)}"#.utf8).write(
                to: folder.appending(path: "server.json"))
            try Data("right".utf8).write(to: folder.appending(path: "token"))
            try await body(folder.path())
        }
    }
}

/// What lies behind the API: one run, one table.
private final class LiveHouse: Operations {
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
        return CloneAccepted(runID: Sample.id, runURL: "/runs/\(Sample.id)")
    }

    func testSource(_ request: SourceTestRequest, as caller: Caller) async throws -> SourceTestResult { throw unused }

    func runs(_ filter: RunFilter, as caller: Caller) async throws -> RunList {
        RunList(runs: [Sample.success.run], next: nil)
    }

    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] {
        request.runIDs.map { BulkOutcome(runID: $0, state: .pending, problem: nil) }
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

    func caller(token: String) async throws -> Caller {
        guard token == "right" else { throw Problem(.unauthenticated, "This token is not known.") }
        return Caller(
            organization: TimeSource.system.makeID(), slug: "acme", principal: TimeSource.system.makeID(), name: "admin"
        )
    }

    func caller(session: String) async throws -> Caller? { nil }
    func makeSignInCode(as caller: Caller) async throws -> String { "abc" }
    func openSession(code: String) async throws -> Secret<String> { throw unused }
    func closeSession(_ session: String) async throws {}

    private var unused: Problem { Problem(.unsupported, "No command asks this.") }
}

import DuckDB
import Foundation
import Kernel
import Serving
import Testing

@Suite("Limits", .serialized)
struct Limits {
    @Test(
        "a query that never ends is stopped and the engine goes on",
        arguments: [
            "WITH RECURSIVE t(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t",
            "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 3",
            "SELECT sum(a.i * b.i) FROM big a, big b, big c",
        ])
    func endless(_ sql: String) async throws {
        let lake = try await Lake.shared.value
        let start = ContinuousClock.now
        #expect(try await lake.problem(sql, deadline: 0.5)?.code == .queryTooLong)
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(try await lake.query("SELECT 42").rows == [[.integer(42)]])
    }

    @Test("a query that waits for its turn until its time is up is told so")
    func waiting() async throws {
        let lake = try await Lake.shared.value
        let endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 3"
        try await withThrowingTaskGroup(of: Problem.Code?.self) { group in
            for _ in 0..<6 { group.addTask { try await lake.problem(endless, deadline: 1)?.code } }
            for try await code in group { #expect(code == .queryTooLong) }
        }
        // Another warehouse is not held up by them.
        let other = try await lake.client.query(lake.request("SELECT 1", warehouse: "other"))
        #expect(other.rows == [[.integer(1)]])
    }

    @Test("a query whose caller leaves is interrupted", .timeLimit(.minutes(10)))
    func leaving() async throws {
        let lake = try await Lake.shared.value
        let task = Task {
            try await lake.client.query(
                lake.request(
                    "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 3"))
        }
        while try await lake.client.health().running == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        while try await lake.client.health().running > 0 { await Task.yield() }
    }

    @Test(
        "an export that is left in the middle frees its query", .timeLimit(.minutes(10)),
        arguments: [EngineFormat.csv, .parquet])
    func leavingExport(_ format: EngineFormat) async throws {
        let lake = try await Lake.shared.value
        for try await _ in try await lake.client.export(lake.request("FROM range(1000000000)", format: format)) {
            break
        }
        while try await lake.client.health().running > 0 { await Task.yield() }
    }

    @Test("queries beyond DuckDB's memory fail by themselves while others run on")
    func memory() async throws {
        let lake = try await Lake.shared.value
        async let other = lake.query("SELECT count(*) FROM big a JOIN big b USING (i)")
        let problem = try await lake.problem("SELECT list(repeat('x', 1000) || i) FROM range(10000000) t(i)")
        #expect(problem?.code == .queryTooLarge)
        #expect(try await other.rows == [[.integer(400_000)]])
    }

    @Test("what does not fit into memory is spilled to disk")
    func spill() async throws {
        let lake = try await Lake.shared.value
        let table = try await lake.query(
            "SELECT count(*) FROM (SELECT md5(i::VARCHAR) AS h, count(*) FROM range(6000000) t(i) GROUP BY 1)")
        #expect(table.rows == [[.integer(6_000_000)]])
    }

    @Test("the socket is open to its user alone")
    func socket() async throws {
        let lake = try await Lake.shared.value
        _ = try await lake.query("SELECT 1")
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(lake.folder)/engine.sock")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("without an engine the caller is told so")
    func absent() async throws {
        let lake = try await Lake.shared.value
        let client = EngineClient(socket: "\(lake.folder)/nobody.sock", patience: .milliseconds(100))
        for attempt in [0, 1] {
            let problem = await #expect(throws: Problem.self) {
                if attempt == 0 {
                    _ = try await client.query(lake.request("SELECT 1"))
                } else {
                    _ = try await client.health()
                }
            }
            #expect(problem?.code == .engineUnavailable && problem?.hint != nil)
        }
    }

    @Test("a warehouse that cannot be opened is said to be unavailable, without its connection string")
    func unopened() async throws {
        let lake = try await Lake.shared.value
        var request = lake.request("SELECT 1", warehouse: "broken")
        request.attach = ["ATTACH 'ducklake:postgres:host=127.0.0.1 port=1 user=x password=hush' AS lake (READ_ONLY)"]
        let problem = await #expect(throws: Problem.self) { try await lake.client.query(request) }
        #expect(problem?.code == .engineUnavailable)
        #expect(problem?.description.contains("hush") == false)
        // The next attempt with the right one works at once.
        #expect(try await lake.client.query(lake.request("SELECT 1", warehouse: "broken")).rows == [[.integer(1)]])
    }

    @Test(
        "allocations that DuckDB does not count end in a clear problem, and the process is replaced",
        .timeLimit(.minutes(10)),
        arguments: [
            "SELECT length(lpad('x', 2000000000, 'y'))", "SELECT len(range(1000000000))",
            "SELECT length(repeat('x', 3000000000))",
            "SELECT len(list_transform(range(10000000), lambda x: repeat('z', 1000)))",
        ])
    func uncounted(_ sql: String) async throws {
        let lake = try await Lake.shared.value
        let engine = try EngineInItsOwnProcess(lake, memory: 256)
        #expect(
            try await engine.client.query(lake.request("SELECT count(*) FROM fct_orders")).rows == [[.integer(1000)]])
        #expect(try await engine.client.health().memoryLimit > 0)
        let problem = await #expect(throws: Problem.self) {
            try await engine.client.query(lake.request(sql, deadline: 20))
        }
        #expect(
            [.queryTooLarge, .queryTooLong, .engineUnavailable].contains(problem?.code),
            "\(sql): \(String(describing: problem))")
        if problem?.code == .queryTooLarge { #expect(await engine.status() == QueryEngine.restartStatus) }
    }

    @Test("a query that cannot be interrupted is answered and its process ends", .timeLimit(.minutes(10)))
    func stuck() async throws {
        let lake = try await Lake.shared.value
        let engine = try EngineInItsOwnProcess(lake, memory: 256)
        // One call of a function, inside which DuckDB does not look for interrupts, of minutes.
        let sql = "SELECT levenshtein(repeat('a', 900000), repeat('b', 900000))"
        let problem = await #expect(throws: Problem.self) {
            try await engine.client.query(lake.request(sql, deadline: 1))
        }
        #expect(problem?.code == .queryTooLong)
        #expect(await engine.status() == QueryEngine.restartStatus)
    }

    @Test("an engine that is killed is reported, and its successor is waited for", .timeLimit(.minutes(10)))
    func killed() async throws {
        let lake = try await Lake.shared.value
        let engine = try EngineInItsOwnProcess(lake, memory: 256)
        #expect(try await engine.client.query(lake.request("SELECT 1")).rows == [[.integer(1)]])
        let running = Task {
            try await engine.client.query(
                lake.request(
                    "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 3"))
        }
        while try await engine.client.health().running == 0 { await Task.yield() }
        engine.kill()
        let problem = await #expect(throws: Problem.self) { try await running.value }
        #expect(problem?.code == .engineUnavailable)
    }

    @Test("who stood in line for longer than an engine is waited for waits for its successor", .timeLimit(.minutes(10)))
    func inLine() async throws {
        let lake = try await Lake.shared.value
        let patience = Duration.seconds(6)
        let engine = try EngineInItsOwnProcess(lake, memory: 256, patience: patience)
        #expect(try await engine.client.query(lake.request("SELECT 1")).rows == [[.integer(1)]])
        let hasty = EngineClient(socket: engine.socket, patience: .zero)
        let endless = lake.request(
            "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 3")
        let before = (0..<2).map { _ in Task { try await hasty.query(endless) } }
        while try await engine.client.health().running < before.count { await Task.yield() }
        let began = ContinuousClock.now
        let waiting = Task { try await engine.client.query(lake.request("SELECT 2")) }
        while try await engine.client.health().waiting == 0 { await Task.yield() }
        while .now - began < patience { _ = try await engine.client.health() }
        engine.kill()
        let successor = try EngineInItsOwnProcess(lake, memory: 256, at: engine.socket)
        #expect(try await waiting.value.rows == [[.integer(2)]])
        for task in before { await #expect(throws: Problem.self) { try await task.value } }
        successor.kill()
    }
}

import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Workers", .timeLimit(.minutes(10)))
struct WorkerTests {
    private actor Counts {
        private(set) var times: [Int: Int] = [:]

        func add(_ number: Int) { times[number, default: 0] += 1 }
    }

    private struct Odd: Error {}

    @Test("carry a run through: results, progress, a retry, and success")
    func whole() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([.init(kind: "flaky", payload: 7), .init(kind: "last", after: [0])])
            let worker = house.worker(
                "one",
                [
                    Handler(kind: "flaky") { job, context in
                        try await context.report(JobProgress(done: 1, total: 1, unit: "tables", rows: 9))
                        try await context.confirmLease()
                        guard job.attempt > 1 else { throw Problem(.sourceUnreachable, "Away.") }
                        return try job.payload(as: Int.self)
                    },
                    Handler(kind: "last") { _, context in try await context.result(of: "flaky", as: Int.self) + 1 },
                ])
            try await house.running([worker]) { try await house.end(of: run) }
            #expect(try await house.states(of: run) == ["SUCCESS", "SUCCESS"])
            #expect(try await house.state(of: run) == "SUCCESS")
            let jobs = try await house.metadata.database.query(
                "SELECT attempt, result, progress FROM weir.jobs ORDER BY position")
            #expect(try jobs.map { try $0.int("attempt") } == [2, 1])
            #expect(try jobs.map { try $0.json("result", as: Int.self) } == [7, 8])
            #expect(try jobs[0].json("progress", as: JobProgress.self).rows == 9)
            let lines = try await house.metadata.database.query("SELECT level, text FROM weir.log_lines")
            let texts = try lines.map { try $0.string("text") }
            #expect(texts == ["Away. It is tried again."])
        }
    }

    @Test("end a run badly when a job's problem cannot be mended by another attempt")
    func failing() async throws {
        try await JobHouse.use { house in
            let known = try await house.enqueue([.init(kind: "known"), .init(kind: "next", after: [0])])
            let unknown = try await house.enqueue([.init(kind: "unknown")])
            let worker = house.worker(
                "one",
                [
                    Handler(kind: "known") { _, _ in throw Problem(.dataInvalid, "Bad rows.") },
                    Handler(kind: "unknown") { _, _ in throw Odd() },
                    Handler(kind: "next") { _, _ in true },
                ])
            try await house.running([worker]) {
                try await house.end(of: known)
                try await house.end(of: unknown)
            }
            #expect(try await house.states(of: known) == ["RETRYABLE", "PENDING"])
            #expect(try await house.problem(of: known)?.code == "data_invalid")
            #expect(try await house.problem(of: unknown)?.code == "internal")
            #expect(try await house.problem(of: unknown)?.detail.contains("Odd") == false)
        }
    }

    @Test("that are stopped give their jobs back, and the next worker finishes them")
    func stopping() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([.init(kind: "a")])
            let started = Signal()
            let endless = Handler(kind: "a") { _, _ in
                await started.open()
                await cancellation()
                throw CancellationError()
            }
            try await house.running([house.worker("one", [endless])]) { await started.wait() }
            #expect(try await house.states(of: run) == ["PENDING"])
            let quick = Handler(kind: "a") { job, _ in job.attempt }
            try await house.running([house.worker("two", [quick])]) { try await house.end(of: run) }
            #expect(try await house.state(of: run) == "SUCCESS")
        }
    }

    @Test("cancel the work of a job that another worker has taken over")
    func takenOver() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([.init(kind: "a")])
            let started = Signal()
            let cancelled = Signal()
            let endless = Handler(kind: "a") { _, _ in
                await started.open()
                await cancellation()
                await cancelled.open()
                throw CancellationError()
            }
            try await house.running([house.worker("one", [endless])]) {
                await started.wait()
                try await house.metadata.database.query(
                    "UPDATE weir.jobs SET fence = fence + 1000, worker = 'two', lease_until = now() + interval '1 hour'"
                )
                await cancelled.wait()
            }
            #expect(try await house.states(of: run) == ["RUNNING"])
            #expect(
                try await house.metadata.database.number("SELECT count(*) FROM weir.jobs WHERE worker = 'two'") == 1)
        }
    }

    @Test("four together do two hundred jobs once each")
    func many() async throws {
        try await JobHouse.use(connections: 12) { house in
            let counts = Counts()
            let handler = Handler(kind: "a") { job, _ in
                await counts.add(try job.payload())
                return job.attempt
            }
            let run = try await house.enqueue(
                (0..<200).map { .init(kind: "a", after: $0 >= 100 ? [$0 - 100] : [], payload: $0) })
            try await house.running((0..<4).map { house.worker("worker \($0)", [handler]) }) {
                try await house.end(of: run)
            }
            #expect(await counts.times == Dictionary(uniqueKeysWithValues: (0..<200).map { ($0, 1) }))
            #expect(try await house.state(of: run) == "SUCCESS")
            #expect(try await house.metadata.database.number("SELECT max(attempt) FROM weir.jobs") == 1)
        }
    }

    @Test("end the jobs that went well when one's result cannot be stored")
    func badResult() async throws {
        try await JobHouse.use { house in
            let together = Gate(3)
            let handler = Handler(kind: "a") { job, _ in
                await together.pass()
                return try job.payload(as: Int.self) == 1 ? "\0" : "good"
            }
            let runs = try await [0, 1, 2].asyncMap { try await house.enqueue([.init(kind: "a", payload: $0)]) }
            try await house.running([house.worker("one", [handler])]) {
                for run in runs { try await house.end(of: run) }
            }
            #expect(
                try await runs.asyncMap { try await house.state(of: $0) } == ["SUCCESS", "RETRYABLE", "SUCCESS"])
            #expect(try await house.metadata.database.number("SELECT max(attempt) FROM weir.jobs") == 1)
        }
    }

    @Test("write the end of work that is done when the database is back, and do not do it again")
    func endWhileAway() async throws {
        try await JobHouse.use { house in
            let isBegun = Signal()
            let mayEnd = Signal()
            let handler = Handler(kind: "a") { job, _ in
                await isBegun.open()
                await mayEnd.wait()
                return job.attempt
            }
            let run = try await house.enqueue([.init(kind: "a")])
            let heard = Heard()
            try await house.running([house.worker("one", [handler], observe: heard.observe)]) {
                await isBegun.wait()
                try await house.takeDatabaseAway(true)
                await mayEnd.open()
                // It has tried.
                while !heard.all.contains(where: { if case .partFailed = $0.what { true } else { false } }) {
                    await Task.yield()
                }
                try await house.takeDatabaseAway(false)
                try await house.end(of: run)
            }
            #expect(try await house.state(of: run) == "SUCCESS")
            #expect(try await house.metadata.database.number("SELECT max(attempt) FROM weir.jobs") == 1)
        }
    }

    @Test("end when they are stopped while the database is away, and their jobs come back")
    func stopWhileAway() async throws {
        try await JobHouse.use { house in
            let isBegun = Signal()
            let handler = Handler(kind: "a") { job, _ in
                guard job.attempt == 1 else { return job.attempt }
                await isBegun.open()
                await cancellation()
                throw CancellationError()
            }
            let run = try await house.enqueue([.init(kind: "a")])
            try await house.running([house.worker("one", [handler])]) {
                await isBegun.wait()
                try await house.takeDatabaseAway(true)
            }
            try await house.takeDatabaseAway(false)
            try await house.running([house.worker("two", [handler])]) { try await house.end(of: run) }
            #expect(try await house.state(of: run) == "SUCCESS")
        }
    }
}

/// Lets nobody pass before so many have come.
private actor Gate {
    private var missing: Int
    private let isOpen = Signal()

    init(_ count: Int) { missing = count }

    func pass() async {
        missing -= 1
        if missing == 0 { await isOpen.open() }
        await isOpen.wait()
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ work: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await work(element)) }
        return values
    }
}

import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Leases", .timeLimit(.minutes(10)))
struct LeaseTests {
    private func expectLost(_ what: String, _ work: () async throws -> Void) async {
        let problem = await #expect(throws: Problem.self, "\(what)") { try await work() }
        #expect(problem?.code == .leaseLost, "\(what)")
    }

    private func expectPowerless(_ job: ClaimedJob, in house: JobHouse) async {
        let queue = house.queue
        let problem = Problem(.internal, "Late.")
        await expectLost("heartbeat") { try await queue.heartbeat(job) }
        await expectLost("report") {
            try await queue.report(JobProgress(done: 1, total: 1, unit: "tables"), of: job)
        }
        await expectLost("complete") { try await house.complete(job) }
        await expectLost("give back") { try await queue.end(job, with: JobStep(.pending)) }
        await expectLost("fail") { try await house.fail(job, because: problem) }
    }

    @Test("that ran out leave their holder without power over the job")
    func fencing() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([.init(kind: "a"), .init(kind: "b", after: [0])])
            let old = try #require(try await house.claim("a"))
            try await house.expire(old)
            await expectPowerless(old, in: house)
            let new = try #require(try await house.claim("a", by: "two"))
            #expect(new.id == old.id)
            #expect(new.attempt == 2)
            #expect(new.fence > old.fence)
            await expectPowerless(old, in: house)
            #expect(try await house.states(of: run) == ["RUNNING", "PENDING"])
            try await house.complete(new)
            await expectPowerless(new, in: house)
            #expect(try await house.states(of: run) == ["SUCCESS", "PENDING"])
        }
    }

    @Test("that are kept are not taken away")
    func kept() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([.init(kind: "a")])
            let job = try #require(try await house.claim("a"))
            #expect(try await house.queue.expireLeases() == 0)
            try await house.queue.heartbeat(job)
            #expect(try await house.claim("a") == nil)
            try await house.complete(job)
        }
    }

    @Test("lost too often fail the job and its run, and what waits stays")
    func givesUp() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([.init(kind: "a"), .init(kind: "b", after: [0])])
            let job = try #require(try await house.claim("a"))
            try await house.metadata.database.query("UPDATE weir.jobs SET losses = 14 WHERE job_id = \(job.id)")
            try await house.expire(job)
            #expect(try await house.states(of: run) == ["RETRYABLE", "PENDING"])
            #expect(try await house.state(of: run) == "RETRYABLE")
            #expect(try await house.problem(of: run)?.code == "internal")
            #expect(try await house.claim("a", "b") == nil)
        }
    }

    @Test("are kept by a worker whose pool is exhausted")
    func exhausted() async throws {
        try await JobHouse.use(connections: 2) { house in
            let mayEnd = Signal()
            let handler = Handler(kind: "a") { _, _ in
                await mayEnd.wait()
                return 1
            }
            try await house.running([house.worker("one", [handler])]) {
                let run = try await house.enqueue([.init(kind: "a")])
                try await house.metadata.database.wait(until: "EXISTS (SELECT FROM weir.jobs WHERE state = 'RUNNING')")
                // All connections are taken, and many wait for them.
                let mayGo = Signal()
                let users = (0..<100).map { _ in
                    Task { try await house.metadata.application.withConnection { _ in await mayGo.wait() } }
                }
                try await house.metadata.database.wait(
                    until: "EXISTS (SELECT FROM weir.jobs WHERE lease_until > started_at + interval '12 s')")
                await mayEnd.open()
                try await house.end(of: run)
                await mayGo.open()
                for user in users { try await user.value }
                #expect(try await house.metadata.database.number("SELECT max(attempt) FROM weir.jobs") == 1)
            }
        }
    }

    @Test("are kept for all other jobs while somebody holds the row of one, and that one is not lost either")
    func lockedRow() async throws {
        try await JobHouse.use { house in
            let mayEnd = Signal()
            let handler = Handler(kind: "a") { _, _ in
                await mayEnd.wait()
                return 1
            }
            try await house.running([house.worker("one", [handler])]) {
                let run = try await house.enqueue([.init(kind: "a", payload: 0), .init(kind: "a", payload: 1)])
                try await house.metadata.database.wait(
                    until: "(SELECT count(*) FROM weir.jobs WHERE state = 'RUNNING') = 2")
                let holder = try await house.metadata.database.connect()
                try await holder.script("BEGIN; SELECT FROM weir.jobs WHERE position = 0 FOR SHARE")
                // As if it had been held for longer than the lease.
                try await house.metadata.database.wait(
                    until: """
                        EXISTS (SELECT FROM weir.jobs WHERE position = 1 AND lease_until > started_at + interval '12 s')
                        """)
                #expect(try await house.queue.expireLeases() == 0)
                try await holder.script("ROLLBACK")
                try await house.metadata.database.wait(
                    until: """
                        EXISTS (SELECT FROM weir.jobs WHERE position = 0 AND lease_until > started_at + interval '12 s')
                        """)
                await mayEnd.open()
                try await house.end(of: run)
                #expect(try await house.metadata.database.number("SELECT max(attempt) FROM weir.jobs") == 1)
                await holder.close()
            }
        }
    }

    @Test("that were lost while their worker stood still are not told as a database that was away")
    func lostUnseen() async throws {
        try await JobHouse.use { house in
            let (isBegun, isCancelled, mayEnd) = (Signal(), Signal(), Signal())
            let handler = Handler(kind: "a") { _, _ in
                await isBegun.open()
                await cancellation()
                await isCancelled.open()
                await mayEnd.wait()
                throw CancellationError()
            }
            let heard = Heard()
            try await house.enqueue([.init(kind: "a")])
            try await house.running([house.worker("one", [handler], observe: heard.observe)]) {
                await isBegun.wait()
                // Nothing of it reaches the worker: the row is another's until the commit, and then another worker's.
                let other = try await house.metadata.database.connect()
                try await other.script(
                    "BEGIN; UPDATE weir.jobs SET fence = nextval('weir.fence'), attempt = 2, worker = 'two'")
                await isCancelled.wait()
                try await other.script("UPDATE weir.jobs SET lease_until = now() + interval '1 hour'; COMMIT")
                await mayEnd.open()
                while !heard.all.contains(where: { if case .partFailed = $0.what { true } else { false } }) {
                    await Task.yield()
                }
                await other.close()
            }
            let problems = heard.all.compactMap { said -> Problem? in
                switch said.what {
                case .partFailed(_, let problem), .jobFailed(_, _, let problem, _, _): problem
                default: nil
                }
            }
            #expect(problems.map(\.code) == [.leaseLost])
            #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.log_lines") == 0)
            #expect(try await house.metadata.database.number("SELECT max(failures) FROM weir.jobs") == 0)
        }
    }

    @Test("that the database cannot confirm end the work before another worker can have the job")
    func databaseAway() async throws {
        try await JobHouse.use { house in
            let (isBegun, isCancelled) = (Signal(), Signal())
            let handler = Handler(kind: "a") { job, _ in
                guard job.attempt == 1 else { return job.attempt }
                await isBegun.open()
                await cancellation()
                await isCancelled.open()
                throw CancellationError()
            }
            let run = try await house.enqueue([.init(kind: "a")])
            try await house.running([house.worker("one", [handler])]) {
                await isBegun.wait()
                let away = ContinuousClock.now
                try await house.takeDatabaseAway(true)
                await isCancelled.wait()
                // The last heartbeat was at most a quarter of the lease before.
                #expect((.seconds(5) ... .seconds(10)).contains(ContinuousClock.now - away))
                try await house.takeDatabaseAway(false)
                try await house.end(of: run)
                #expect(try await house.state(of: run) == "SUCCESS")
            }
        }
    }

    @Test("that the database's clock, set back, would make too long are cut to their length")
    func clockSetBack() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([.init(kind: "a")])
            let job = try #require(try await house.claim("a"))
            try await house.metadata.database.query("UPDATE weir.jobs SET lease_until = now() + interval '1 hour'")
            try await house.queue.wakeJobs()
            let left = try await house.metadata.database.number(
                "SELECT ceil(extract(epoch FROM lease_until - now())) FROM weir.jobs")
            #expect((8...10).contains(left))
            try await house.complete(job)
        }
    }

    @Test("are free for another of the key once they ran out")
    func exclusiveKey() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([.init(kind: "a", key: "lake")])
            try await house.enqueue([.init(kind: "b", key: "lake")])
            let a = try #require(try await house.claim("a"))
            #expect(try await house.claim("b") == nil)
            try await house.expire(a)
            #expect(try await house.claim("b") != nil)
            #expect(try await house.claim("a") == nil)
        }
    }
}

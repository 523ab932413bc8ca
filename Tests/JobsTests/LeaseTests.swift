import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Leases", .timeLimit(.minutes(2)))
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

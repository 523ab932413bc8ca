import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("The order of jobs", .timeLimit(.minutes(10)))
struct OrderTests {
    private func enqueue(
        _ count: Int, in house: JobHouse, for organization: OrganizationID? = nil, limits: [String] = [],
        priority: Int = 0, key: String? = nil
    ) async throws -> RunID {
        let owner = organization ?? house.organization
        let specs = try (0..<count).map { number in
            JobSpec(kind: "a", payload: try JSONValue(number), after: [], limits: limits, priority: priority)
        }
        return try await house.metadata.application.transaction(organization: owner) { connection in
            try await house.queue.enqueue(
                run: TimeSource.system.makeID(), kind: "test", organization: owner, environment: "dev", source: "s",
                jobs: specs, idempotencyKey: key, time: .system, on: connection)
        }
    }

    private func claimAll(_ house: JobHouse) async throws -> [ClaimedJob] {
        try await house.queue.claim(kinds: ["a"], worker: "one", limit: 1000)
    }

    @Test("higher priority first, then the older")
    func priority() async throws {
        try await JobHouse.use { house in
            let normal = try await enqueue(2, in: house)
            let low = try await enqueue(1, in: house, priority: -5)
            let high = try await enqueue(1, in: house, priority: 5)
            var order: [RunID] = []
            while let job = try await house.claim("a") { order.append(job.run) }
            #expect(order == [high, normal, normal, low])
        }
    }

    @Test("an organization with a thousand jobs does not keep another waiting")
    func fairness() async throws {
        try await JobHouse.use { house in
            let small = try await house.metadata.addOrganization("small")
            _ = try await enqueue(300, in: house)
            _ = try await enqueue(3, in: house, for: small)
            var owners: [OrganizationID] = []
            for _ in 0..<6 { owners.append(try #require(try await house.claim("a")).organization) }
            #expect(owners.filter { $0 == small }.count == 3)
            // And of a whole handful each gets its part.
            _ = try await enqueue(10, in: house, for: small)
            let handful = try await house.queue.claim(kinds: ["a"], worker: "one", limit: 8)
            #expect(handful.filter { $0.organization == small }.count == 4)
        }
    }

    @Test("a worker for one organization takes nothing of another")
    func organizations() async throws {
        try await JobHouse.use { house in
            let other = try await house.metadata.addOrganization("other")
            _ = try await enqueue(1, in: house)
            #expect(try await house.queue.claim(kinds: ["a"], organizations: [other], worker: "one").isEmpty)
            #expect(
                try await house.queue.claim(kinds: ["a"], organizations: [house.organization], worker: "one").count == 1
            )
        }
    }

    @Test("a limit lets so many run at once, the next when one ends")
    func limits() async throws {
        try await JobHouse.use { house in
            let limits = JobLimits(pool: house.metadata.application)
            try await limits.set("source/x", of: house.organization, most: 2)
            _ = try await enqueue(5, in: house, limits: ["source/x"])
            let first = try await claimAll(house)
            #expect(first.count == 2)
            #expect(try await claimAll(house).isEmpty)
            try await house.complete(first[0])
            #expect(try await claimAll(house).count == 1)
            try await limits.set("source/x", of: house.organization, most: nil)
            #expect(try await claimAll(house).count == 2)
        }
    }

    @Test("a limit on starts spaces them")
    func spacing() async throws {
        try await JobHouse.use { house in
            let limits = JobLimits(pool: house.metadata.application)
            try await limits.set("api", of: house.organization, most: nil, spacing: .seconds(60))
            _ = try await enqueue(3, in: house, limits: ["api"])
            #expect(try await claimAll(house).count == 1)
            #expect(try await claimAll(house).isEmpty)
            let due = try await house.metadata.database.number(
                "SELECT round(extract(epoch FROM min(run_after) - now())) FROM weir.jobs WHERE waits = 'time'")
            #expect((58...60).contains(due))
        }
    }

    @Test("a pause holds jobs back until it is lifted, or over")
    func pauses() async throws {
        try await JobHouse.use { house in
            let limits = JobLimits(pool: house.metadata.application)
            let soon = Date().addingTimeInterval(3600)
            try await limits.pause("w", of: house.organization, until: soon, because: "moving house")
            _ = try await enqueue(2, in: house, limits: ["w"])
            #expect(try await claimAll(house).isEmpty)
            try await limits.resume("w", of: house.organization)
            let jobs = try await claimAll(house)
            #expect(jobs.count == 2)
            for job in jobs { try await house.complete(job) }
            try await limits.pause("w", of: house.organization, until: soon, because: "again")
            _ = try await enqueue(1, in: house, limits: ["w"])
            #expect(try await claimAll(house).isEmpty)
            try await house.metadata.database.query("UPDATE weir.limits SET paused_until = now()")
            try await house.queue.expireLeases()
            #expect(try await claimAll(house).count == 1)
        }
    }

    @Test("of runs with one idempotency key there is one")
    func idempotency() async throws {
        try await JobHouse.use { house in
            let first = try await enqueue(1, in: house, key: "2026-11-21")
            let again = try await enqueue(1, in: house, key: "2026-11-21")
            let other = try await enqueue(1, in: house, key: "2026-11-22")
            #expect(again == first && other != first)
            #expect(try await claimAll(house).count == 2)
        }
    }

    @Test("jobs that wait for each other are refused, and nothing is made")
    func cycles() async throws {
        try await JobHouse.use { house in
            for after in [[[1], [0]], [[0]], [[1], [2], [0]], [[7]]] {
                let problem = await #expect(throws: Problem.self) {
                    try await house.enqueue(after.map { .init(kind: "a", after: $0) })
                }
                #expect(problem?.code == .invalidInput)
            }
            let made = try await house.metadata.database.number("SELECT count(*) FROM weir.runs")
            #expect(made == 0)
        }
    }

    @Test("a failed branch stops what comes after it and nothing else; taken up again it all comes to its end")
    func branches() async throws {
        try await JobHouse.use { house in
            let control = RunControl(pool: house.metadata.application)
            let run = try await house.enqueue([
                .init(kind: "root"), .init(kind: "left", after: [0]), .init(kind: "right", after: [0]),
                .init(kind: "end", after: [1, 2]), .init(kind: "side", after: [2]),
            ])
            try await house.complete(try #require(try await house.claim("root")))
            try await house.fail(try #require(try await house.claim("left")), because: Problem(.dataInvalid, "Bad."))
            try await house.complete(try #require(try await house.claim("right")))
            #expect(try await house.state(of: run) == "RUNNING")
            #expect(try await house.claim("end") == nil)
            try await house.complete(try #require(try await house.claim("side")))
            #expect(try await house.states(of: run) == ["SUCCESS", "RETRYABLE", "SUCCESS", "PENDING", "SUCCESS"])
            #expect(try await house.state(of: run) == "RETRYABLE")
            try await control.retry(run, of: house.organization, by: "ada")
            try await house.complete(try #require(try await house.claim("left")))
            try await house.complete(try #require(try await house.claim("end")))
            #expect(try await house.state(of: run) == "SUCCESS")
            let actor = try await house.metadata.database.query(
                "SELECT actor FROM weir.job_events WHERE from_state = 'RETRYABLE'"
            ).first?.string("actor")
            #expect(actor == "ada")
        }
    }
}

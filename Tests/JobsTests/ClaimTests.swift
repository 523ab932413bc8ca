import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Claiming jobs", .timeLimit(.minutes(10)))
struct ClaimTests {
    @Test("takes them in the order of their run, the older run first")
    func order() async throws {
        try await JobHouse.use { house in
            let first = try await house.enqueue((0..<3).map { .init(kind: "a", payload: $0) })
            let second = try await house.enqueue((3..<5).map { .init(kind: "a", payload: $0) })
            var claimed: [ClaimedJob] = []
            while let job = try await house.claim("a") { claimed.append(job) }
            #expect(try claimed.map { try $0.payload(as: Int.self) } == [0, 1, 2, 3, 4])
            #expect(claimed.map(\.run) == [first, first, first, second, second])
            #expect(claimed.map(\.fence) == claimed.map(\.fence).sorted())
            #expect(Set(claimed.map(\.fence)).count == 5)
            #expect(claimed.allSatisfy { $0.attempt == 1 && $0.organization == house.organization })
        }
    }

    @Test("takes only the kinds that the worker knows")
    func kinds() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([.init(kind: "a"), .init(kind: "b")])
            #expect(try await house.claim("b")?.kind == "b")
            #expect(try await house.claim("b", "c") == nil)
            #expect(try await house.claim("a", "b")?.kind == "a")
        }
    }

    @Test("waits until every predecessor has succeeded")
    func predecessors() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([
                .init(kind: "a"), .init(kind: "b"), .init(kind: "c", after: [0, 1]), .init(kind: "d", after: [2]),
            ])
            let a = try #require(try await house.claim("a"))
            let b = try #require(try await house.claim("b"))
            #expect(try await house.claim("c", "d") == nil)
            try await house.complete(a)
            #expect(try await house.claim("c", "d") == nil)
            try await house.complete(b)
            let c = try #require(try await house.claim("c", "d"))
            #expect(c.kind == "c")
            #expect(try await house.claim("d") == nil)
            #expect(try await house.state(of: run) == "RUNNING")
            try await house.complete(c)
            try await house.complete(try #require(try await house.claim("d")))
            #expect(try await house.state(of: run) == "SUCCESS")
        }
    }

    @Test("runs one job of an exclusive key at a time, across runs")
    func exclusive() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([.init(kind: "a", key: "lake"), .init(kind: "a")])
            try await house.enqueue([.init(kind: "a", key: "lake")])
            let keyed = try #require(try await house.claim("a"))
            #expect(try await house.claim("a") != nil)
            #expect(try await house.claim("a") == nil)
            try await house.complete(keyed)
            #expect(try await house.claim("a") != nil)
        }
    }

    @Test("gives no job to two of twenty workers, and no two jobs of one key out at once")
    func concurrently() async throws {
        try await JobHouse.use(connections: 20) { house in
            try await house.enqueue(
                (0..<60).map { .init(kind: "a", key: $0 % 3 == 0 ? "key\($0 % 4)" : nil, payload: $0) })
            var claimed = try await withThrowingTaskGroup(of: [ClaimedJob].self) { group in
                for worker in 0..<20 {
                    group.addTask {
                        var mine: [ClaimedJob] = []
                        while let job = try await house.claim("a", by: "worker \(worker)") { mine.append(job) }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            // A worker may find nothing while others look; what is left comes now.
            while let job = try await house.claim("a") { claimed.append(job) }
            #expect(Set(claimed.map(\.id)).count == claimed.count)
            #expect(Set(claimed.map(\.fence)).count == claimed.count)
            // 40 without a key and one of each of the four keys.
            #expect(claimed.count == 44)
            let running = try await house.metadata.database.query(
                """
                SELECT exclusive_key, count(*) FROM weir.jobs
                WHERE state = 'RUNNING' AND exclusive_key IS NOT NULL GROUP BY 1
                """
            )
            #expect(try running.map { try $0.int("count") } == [1, 1, 1, 1])
        }
    }
}

import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("A worker's turn", .timeLimit(.minutes(10)))
struct TurnTests {
    private func taker(_ kinds: String..., worker: String = "one") -> JobTaker {
        JobTaker(worker: worker, kinds: kinds.map { JobTaker.Kind($0) })
    }

    private func done(_ job: ClaimedJob) throws -> DoneJob { DoneJob(job, result: try JSONValue("done")) }

    @Test("ends what went well and takes what comes after it, in one statement")
    func chain() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([
                .init(kind: "a"), .init(kind: "a", after: [0]), .init(kind: "a", after: [1]),
            ])
            var turn = try await house.queue.turn(of: taker("a"), room: 1)
            for attempts in 0..<3 {
                let job = try #require(turn.claimed.first)
                #expect(try await house.states(of: run).filter { $0 == "SUCCESS" }.count == attempts)
                turn = try await house.queue.turn(of: taker("a"), ending: [try done(job)], room: 1)
                #expect(turn.lost.isEmpty)
            }
            #expect(turn.claimed.isEmpty)
            #expect(try await house.state(of: run) == "SUCCESS")
        }
    }

    @Test("takes the next of an exclusive key in the moment it ends the one before")
    func exclusive() async throws {
        try await JobHouse.use { house in
            try await house.enqueue((0..<4).map { .init(kind: "a", key: "key\($0 % 2)", payload: $0) })
            let first = try await house.queue.turn(of: taker("a"), room: 4).claimed
            #expect(try first.map { try $0.payload(as: Int.self) }.sorted() == [0, 1])
            let second = try await house.queue.turn(of: taker("a"), ending: first.map(done), room: 4)
            #expect(try second.claimed.map { try $0.payload(as: Int.self) }.sorted() == [2, 3])
            _ = try await house.queue.turn(of: taker("a"), ending: second.claimed.map(done), room: 0)
            #expect(try await house.metadata.database.number("SELECT sum(used) FROM weir.limits") == 0)
        }
    }

    @Test("ends what is still its own and says what is not")
    func lost() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue((0..<3).map { _ in .init(kind: "a") })
            let jobs = try await house.queue.turn(of: taker("a"), room: 3).claimed
            try await house.expire(jobs[1])
            let again = try #require(try await house.claim("a", by: "two"))
            // The later claim ends in the same turn as the one that was lost.
            let ended = try await house.queue.turn(of: taker("a"), ending: (jobs + [again]).map(done), room: 1)
            #expect(ended.lost == [jobs[1].fence])
            #expect(try await house.state(of: run) == "SUCCESS")
            let twice = try await house.queue.turn(of: taker("a"), ending: [try done(again)], room: 1)
            #expect(twice.lost == [again.fence])
        }
    }

    @Test("frees what comes after several jobs that end together, and settles their runs")
    func together() async throws {
        try await JobHouse.use { house in
            let runs = try await [
                house.enqueue([.init(kind: "a"), .init(kind: "a"), .init(kind: "b", after: [0, 1])]),
                house.enqueue([.init(kind: "a")]),
            ]
            let jobs = try await house.queue.turn(of: taker("a"), room: 8).claimed
            #expect(jobs.count == 3)
            let next = try await house.queue.turn(of: taker("a", "b"), ending: jobs.map(done), room: 8).claimed
            #expect(next.map(\.kind) == ["b"])
            #expect(try await house.state(of: runs[0]) == "RUNNING")
            #expect(try await house.state(of: runs[1]) == "SUCCESS")
        }
    }

    @Test("a handful is what one would get one by one: few running first, then priority whatever the kind, then age")
    func handful() async throws {
        try await JobHouse.use { house in
            let owners = try await [
                house.organization, house.metadata.addOrganization("two"), house.metadata.addOrganization("three"),
            ]
            // Two of the first run already, one of the second.
            try await house.enqueue((0..<2).map { _ in try JobSpec(kind: "a", payload: JSONValue(0), after: []) })
            try await house.enqueue([try JobSpec(kind: "a", payload: JSONValue(0), after: [])], of: owners[1])
            #expect(try await house.queue.turn(of: taker("a"), room: 3).claimed.count == 3)
            for owner in owners {
                let specs = try [("a", 0), ("b", 5), ("a", 5), ("c", -1), ("b", 9), ("a", 0)].map { kind, priority in
                    JobSpec(kind: kind, payload: try JSONValue(priority), after: [], priority: priority)
                }
                try await house.enqueue(specs, of: owner)
            }
            let handful = try await house.queue.turn(of: taker("a", "b", "c"), room: 6).claimed
            // So that each has three.
            let counts = owners.map { owner in handful.filter { $0.organization == owner }.count }
            #expect(counts == [1, 2, 3])
            for (owner, expected) in zip(owners, [[9], [9, 5], [9, 5, 5]]) {
                let priorities = try handful.filter { $0.organization == owner }.map { try $0.payload(as: Int.self) }
                #expect(priorities.sorted(by: >) == expected)
            }
            let kinds = handful.filter { $0.organization == owners[1] }.map(\.kind).sorted()
            #expect(kinds == ["b", "b"])
        }
    }

    @Test("what others hold does not keep a worker from what is free in another lane")
    func contended() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([.init(kind: "a"), .init(kind: "a"), .init(kind: "b")])
            let holder = try await house.metadata.database.connect()
            try await holder.script("BEGIN; SELECT FROM weir.jobs WHERE kind = 'a' FOR UPDATE")
            #expect(try await house.queue.turn(of: taker("a", "b"), room: 1).claimed.map(\.kind) == ["b"])
            #expect(try await house.queue.turn(of: taker("a", "b"), room: 1).claimed.isEmpty)
            try await holder.script("ROLLBACK")
            #expect(try await house.queue.turn(of: taker("a", "b"), room: 2).claimed.count == 2)
            await holder.close()
        }
    }

    @Test(
        "that begins where the one before found the first job misses none: neither one of higher priority nor one from before"
    )
    func fronts() async throws {
        try await JobHouse.use { house in
            for others in [false, true] {
                if others {
                    // With a second lane the lanes are chosen in another way.
                    let other = try await house.metadata.addOrganization("other")
                    try await house.enqueue([try JobSpec(kind: "a", payload: JSONValue(0), after: [])], of: other)
                    _ = try await house.queue.turn(of: taker("a"), room: 1)
                    try await house.enqueue(
                        (0..<300).map { _ in try JobSpec(kind: "a", payload: JSONValue(0), after: []) }, of: other)
                }
                let lane = JobTaker(worker: "one", kinds: [.init("a")], organizations: [house.organization])
                try await house.enqueue((0..<200).map { .init(kind: "a", payload: $0) })
                let early = try await house.queue.turn(of: lane, room: 100).claimed
                _ = try await house.queue.turn(of: lane, room: 1)
                let isKept = try await house.metadata.database.number(
                    "SELECT count(*) FROM weir.lane_fronts WHERE owner = \(house.organization) AND sequence > 50")
                #expect(isKept == 1)
                // One of the first comes back, and there is an urgent one.
                try await house.queue.end(early[0], with: JobStep(.pending))
                try await house.enqueue([try JobSpec(kind: "a", payload: JSONValue(-1), after: [], priority: 9)])
                #expect(try await house.queue.turn(of: lane, room: 1).claimed.first?.payload(as: Int.self) == -1)
                // It is taken at the latest when all others are.
                let rest = try await house.queue.turn(of: lane, room: 200).claimed
                #expect(rest.count == 100 && rest.contains { $0.id == early[0].id })
                let done = try (early.dropFirst() + rest).map(done)
                #expect(try await house.queue.turn(of: lane, ending: Array(done), room: 1).claimed.isEmpty)
            }
        }
    }
}

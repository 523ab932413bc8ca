import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Runs", .timeLimit(.minutes(10)))
struct RunTests {
    @Test("fail with the first of their jobs that fails, and what waits for it does not begin")
    func failing() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([
                .init(kind: "a"), .init(kind: "b", after: [0]), .init(kind: "c", after: [1]),
            ])
            try await house.complete(try #require(try await house.claim("a")))
            let job = try #require(try await house.claim("b"))
            try await house.fail(job, because: Problem(.diskFull, "Full.", hint: "Free space."))
            #expect(try await house.states(of: run) == ["SUCCESS", "RETRYABLE", "PENDING"])
            #expect(try await house.state(of: run) == "RETRYABLE")
            let problem = try #require(try await house.problem(of: run))
            #expect(problem == StoredProblem(Problem(.diskFull, "Full.", hint: "Free space.")))
        }
    }

    @Test("go on after a job's pause")
    func retry() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([.init(kind: "a")])
            let first = try #require(try await house.claim("a"))
            try await house.queue.end(
                first, with: JobStep(.pending, [.wait(.seconds(3600)), .count(.failure)]),
                because: Problem(.busy, "Busy."))
            #expect(try await house.states(of: run) == ["PENDING"])
            #expect(try await house.claim("a") == nil)
            let pause = try await house.metadata.database.number(
                "SELECT round(extract(epoch FROM run_after - now()) / 60) FROM weir.jobs")
            #expect(pause == 60)
            try await house.metadata.database.query("UPDATE weir.jobs SET run_after = now()")
            try await house.queue.wakeJobs()
            let second = try #require(try await house.claim("a"))
            #expect(second.attempt == 2)
            try await house.complete(second)
            #expect(try await house.state(of: run) == "SUCCESS")
        }
    }

    @Test("finish when two jobs end at the same moment")
    func together() async throws {
        try await JobHouse.use { house in
            for _ in 0..<10 {
                let run = try await house.enqueue((0..<4).map { _ in .init(kind: "a") })
                var jobs: [ClaimedJob] = []
                while let job = try await house.claim("a") { jobs.append(job) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for job in jobs { group.addTask { try await house.complete(job) } }
                    try await group.waitForAll()
                }
                #expect(try await house.state(of: run) == "SUCCESS")
            }
        }
    }

    @Test("succeed only if every receipt is verified", arguments: [true, false])
    func receipts(equal: Bool) async throws {
        try await JobHouse.use { house in
            let book = ReceiptBook(pool: house.metadata.application)
            let run = try await house.enqueue([.init(kind: "a")])
            let job = try #require(try await house.claim("a"))
            try await book.open([("public.old", "shop__old")], of: job)
            try await book.open([("public.orders", "shop__orders"), ("public.items", "shop__items")], of: job)
            try await book.note(sourceRows: 3, of: "public.orders", in: job)
            try await book.note(sourceRows: 5, of: "public.items", in: job)
            try await book.note(loadedRows: 3, ofTable: "shop__orders", in: job)
            try await book.note(loadedRows: equal ? 5 : 4, ofTable: "shop__items", in: job)
            try await house.complete(job)
            #expect(try await house.state(of: run) == (equal ? "SUCCESS" : "FAILED"))
            let problem = try await house.problem(of: run)
            #expect(problem?.detail == (equal ? nil : "Not verified: public.items."))
            #expect(problem?.code == (equal ? nil : "data_invalid"))
        }
    }

    @Test("name the problem of a stream that could not be read")
    func unreadable() async throws {
        try await JobHouse.use { house in
            let book = ReceiptBook(pool: house.metadata.application)
            let run = try await house.enqueue([.init(kind: "a")])
            let job = try #require(try await house.claim("a"))
            try await book.open([("public.orders", "shop__orders")], of: job)
            try await book.note(Problem(.sourcePermission, "No."), with: "public.orders", in: job)
            try await house.complete(job)
            #expect(try await house.state(of: run) == "FAILED")
            #expect(try await house.problem(of: run)?.code == "source_permission")
        }
    }

    @Test("hand results on from job to job, and keep log lines whatever they hold")
    func results() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([.init(kind: "a"), .init(kind: "b", after: [0])])
            let a = try #require(try await house.claim("a"))
            try await house.queue.log(.info, "nul \0, quote ' and \u{1F41F}", of: a)
            #expect(try await house.queue.result(of: "a", in: a, as: [String].self) == nil)
            try await house.queue.complete(a, result: JSONValue(["x", "y"]))
            let b = try #require(try await house.claim("b"))
            #expect(try await house.queue.result(of: "a", in: b, as: [String].self) == ["x", "y"])
            #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.log_lines") == 1)
        }
    }
}

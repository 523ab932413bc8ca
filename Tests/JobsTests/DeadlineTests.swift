import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Deadlines", .timeLimit(.minutes(10)))
struct DeadlineTests {
    private func spec(_ kind: String = "a", after: [Int] = [], deadline: Duration?) throws -> JobSpec {
        JobSpec(kind: kind, payload: try JSONValue(0), after: after, deadline: deadline)
    }

    private func pass(_ house: JobHouse) async throws {
        try await house.metadata.database.query(
            "UPDATE weir.jobs SET deadline_at = now() - interval '1 second' WHERE deadline IS NOT NULL")
    }

    @Test("fail a job that has not begun by then, and what comes after it; taken up again it has the same time anew")
    func pending() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([
                try spec("first", deadline: nil), try spec(after: [0], deadline: .seconds(60)),
                try spec("b", after: [1], deadline: nil),
            ])
            #expect(try await house.queue.tidyOne() == nil)
            try await pass(house)
            let tidied = try #require(try await house.queue.tidyOne())
            #expect(tidied.what == .overdue && tidied.kind == "a")
            #expect(try await house.queue.tidyOne() == nil)
            #expect(try await house.states(of: run) == ["PENDING", "RETRYABLE", "PENDING"])
            // What it waited for goes on; then the run has failed.
            #expect(try await house.state(of: run) == "PENDING")
            try await house.complete(try #require(try await house.claim("first")))
            #expect(try await house.state(of: run) == "RETRYABLE")
            #expect(try await house.problem(of: run)?.code == "timed_out")
            #expect(try await house.problem(of: run)?.detail == "The a job did not begin before its deadline.")
            let control = RunControl(pool: house.metadata.application)
            try await control.retry(run, of: house.organization, by: "ada")
            let left = try await house.metadata.database.number(
                "SELECT round(extract(epoch FROM deadline_at - now())) FROM weir.jobs WHERE kind = 'a'")
            #expect((55...60).contains(left))
            try await house.complete(try #require(try await house.claim("a")))
            try await house.complete(try #require(try await house.claim("b")))
            #expect(try await house.state(of: run) == "SUCCESS")
        }
    }

    @Test("that are past are no work for a worker, and hold nobody up")
    func claims() async throws {
        try await JobHouse.use { house in
            try await house.enqueue([try spec(deadline: .seconds(60))])
            try await pass(house)
            let other = try await house.enqueue([try spec(deadline: nil)])
            #expect(try await house.claim("a")?.run == other)
            let taker = JobTaker(worker: "one", kinds: [.init("a")], channel: "calls")
            #expect(try await house.queue.turn(of: taker, room: 1).rest == .inLine)
        }
    }

    @Test("of jobs that wait for another to be rescued are not looked at")
    func behind() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([
                try spec("first", deadline: nil), try spec(after: [0], deadline: .seconds(60)),
            ])
            try await house.fail(try #require(try await house.claim("first")), because: Problem(.dataInvalid, "Bad."))
            try await pass(house)
            #expect(try await house.queue.tidyOne() == nil)
            #expect(try await house.states(of: run) == ["RETRYABLE", "PENDING"])
            let control = RunControl(pool: house.metadata.application)
            try await control.retry(run, of: house.organization, by: "ada")
            #expect(try await house.queue.tidyOne() == nil)
            try await house.complete(try #require(try await house.claim("first")))
            #expect(try await house.claim("a")?.timeLeft ?? .zero > .seconds(50))
        }
    }

    @Test("stop a job that runs, which is not tried again", arguments: [true, false])
    func running(isOfKind: Bool) async throws {
        try await JobHouse.use { house in
            let policy = JobPolicy(deadline: isOfKind ? .milliseconds(400) : nil)
            // It ends as if all were well when it is stopped; that is not believed.
            let handler = Handler(kind: "a", policy: policy) { _, _ in
                await cancellation()
                return "well"
            }
            let heard = Heard()
            try await house.running([house.worker("one", [handler], observe: heard.observe)]) {
                try await house.idle(1)
                let run = try await house.enqueue([try spec(deadline: isOfKind ? nil : .milliseconds(400))])
                try await house.end(of: run)
                #expect(try await house.states(of: run) == ["RETRYABLE"])
                #expect(try await house.problem(of: run)?.detail == "The a job did not end before its deadline.")
                #expect(try await house.metadata.database.number("SELECT max(attempt) FROM weir.jobs") == 1)
                #expect(try await house.metadata.database.number("SELECT max(failures) FROM weir.jobs") == 1)
            }
        }
    }

    @Test("of a kind are kept when a worker first takes such a job: too late, its handler does not begin")
    func tooLate() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([try spec(deadline: nil)])
            try await house.metadata.database.query(
                """
                UPDATE weir.jobs SET created_at = now() - interval '1 hour', run_after = now() - interval '1 hour'
                """)
            let handler = Handler(kind: "a", policy: JobPolicy(deadline: .seconds(60))) { _, _ in
                Issue.record("it has begun")
                return 0
            }
            try await house.running([house.worker("one", [handler])]) { try await house.end(of: run) }
            #expect(try await house.states(of: run) == ["RETRYABLE"])
            #expect(try await house.problem(of: run)?.detail == "The a job did not begin before its deadline.")
        }
    }

    @Test("a time limit counts as a failure that may pass, whatever a handler makes of being stopped")
    func timeout() async throws {
        try await JobHouse.use { house in
            let handler = Handler(kind: "a", policy: JobPolicy(timeout: .milliseconds(200))) { job, _ in
                if job.attempt == 1 { await cancellation() }
                return job.attempt
            }
            let run = try await house.enqueue([try spec(deadline: nil)])
            try await house.running([house.worker("one", [handler])]) { try await house.end(of: run) }
            #expect(try await house.state(of: run) == "SUCCESS")
            let lines = try await house.metadata.database.query("SELECT text FROM weir.log_lines")
            #expect(try lines.first?.string("text").contains("took longer than") == true)
        }
    }
}

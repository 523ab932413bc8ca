import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Jobs that cannot be", .timeLimit(.minutes(10)))
struct JobRefusalTests {
    private func spec(_ kind: String = "a", payload: some Encodable = 0, priority: Int = 0) throws -> JobSpec {
        JobSpec(kind: kind, payload: try JSONValue(payload), after: [], priority: priority)
    }

    /// Refused with a word, and nothing is made.
    private func expectRefused(
        _ what: String, _ specs: [JobSpec], kind: String = "test", in house: JobHouse
    ) async throws {
        let problem = await #expect(throws: Problem.self, "\(what)") {
            try await house.enqueue(specs, kind: kind)
        }
        #expect(problem?.code == .invalidInput, "\(what)")
        #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.runs") == 0, "\(what)")
        #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.limits") == 0, "\(what)")
    }

    @Test("are refused, the good ones beside them too")
    func refused() async throws {
        try await JobHouse.use { house in
            let good = try spec()
            let large = try spec(payload: String(repeating: "x", count: 10_000_000))
            try await expectRefused("10 MB", [good, large], in: house)
            for kind in ["", "A", "1a", "a b", "a;b", "ä", "a\0", String(repeating: "a", count: 65)] {
                try await expectRefused("kind \(kind)", [good, try spec(kind)], in: house)
                try await expectRefused("run's kind \(kind)", [good], kind: kind, in: house)
            }
            for priority in [-101, 101, .max, .min] {
                try await expectRefused("priority", [good, try spec(priority: priority)], in: house)
            }
            try await expectRefused("many", Array(repeating: good, count: 1001), in: house)
            try await expectRefused("none", [], in: house)
            var odd = good
            odd.version = 0
            try await expectRefused("version", [odd], in: house)
            odd = good
            odd.deadline = .zero
            try await expectRefused("deadline", [odd], in: house)
        }
    }

    @Test("up to there they can be made, and are carried whole")
    func most() async throws {
        try await JobHouse.use { house in
            // Commas make PostgreSQL's text longer than ours.
            let numbers = Array(repeating: 1, count: JobQueue.mostPayload / 2 - 1)
            let specs = try [spec(String(repeating: "a", count: 64), payload: numbers, priority: 100)]
            try await house.enqueue(specs)
            let job = try #require(try await house.claim(String(repeating: "a", count: 64)))
            #expect(try job.payload(as: [Int].self) == numbers)
            let many = try (0..<1000).map { _ in try spec("b") }
            try await house.enqueue(many)
            #expect(try await house.queue.claim(kinds: ["b"], worker: "one", limit: 2000).count == 1000)
        }
    }

    @Test("are not taken by the database either")
    func database() async throws {
        try await JobHouse.use { house in
            let run = try await house.enqueue([.init(kind: "a")])
            for (what, columns) in [
                ("kind", "'A b', jsonb '1', 1, 1, NULL"), ("position", "'a', jsonb '1', 1000, 1, NULL"),
                ("version", "'a', jsonb '1', 1, 0, NULL"), ("deadline", "'a', jsonb '1', 1, 1, 0"),
                ("payload", "'a', to_jsonb(repeat('x', 2000000)), 1, 1, NULL"),
            ] {
                let error = await #expect(throws: PGError.self, "\(what)") {
                    try await house.metadata.database.query(
                        SQL(
                            unsafe: """
                                INSERT INTO weir.jobs (kind, payload, position, version, deadline, job_id, run_id,
                                  organization_id)
                                SELECT v.*, gen_random_uuid(), '\(run)', '\(house.organization)'
                                FROM (VALUES (\(columns)::float8)) v
                                """))
                }
                #expect(error?.state == "23514", "\(what)")
            }
        }
    }

    @Test("a payload that a handler does not understand is named as such, without its values")
    func unreadable() async throws {
        struct Order: Codable {
            var source: Source
            struct Source: Codable { var name: String }
        }
        try await JobHouse.use { house in
            try await house.enqueue([try spec(payload: ["source": ["title": "secret"]])])
            let job = try #require(try await house.claim("a"))
            let problem = #expect(throws: Problem.self) { try job.payload(as: Order.self) }
            #expect(problem?.code == .invalidInput)
            #expect(problem?.detail == "The payload of this a job, version 1, cannot be read at source.name.")
            let other = #expect(throws: Problem.self) { try job.payload(as: [Int].self) }
            #expect(other?.code == .invalidInput)
            #expect(other?.description.contains("secret") == false)
        }
    }
}

import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Traces and observations of jobs", .timeLimit(.minutes(10)))
struct TraceTests {
    private func spans(_ heard: Heard) -> [Span] {
        heard.all.compactMap { if case .spanEnded(let span) = $0.what { span } else { nil } }
    }

    @Test("a job goes on with the trace of whoever made it, also in the jobs that it makes itself")
    func carried() async throws {
        try await JobHouse.use { house in
            let request = TraceContext.begin()
            let heard = Heard()
            let handlers = [
                Handler(kind: "outer") { _, _ in
                    try await house.enqueue([.init(kind: "inner")]).description
                },
                Handler(kind: "inner") { _, _ in TraceContext.current?.trace.uuidString ?? "none" },
            ]
            try await house.running([house.worker("one", handlers, observe: heard.observe)]) {
                _ = try await TraceContext.$current.withValue(request) {
                    try await house.enqueue([.init(kind: "outer")])
                }
                try await house.metadata.database.wait(
                    until: "EXISTS (SELECT FROM weir.jobs WHERE kind = 'inner' AND state = 'SUCCESS')")
            }
            let spans = spans(heard)
            let outer = try #require(spans.first { $0.name == "job outer" })
            let inner = try #require(spans.first { $0.name == "job inner" })
            #expect(outer.context.trace == request.trace && outer.parent == request.span && outer.role == .consumer)
            #expect(inner.context.trace == request.trace && inner.parent == outer.context.span)
            #expect(outer.problem == nil && Set(outer.attributes.keys).isSuperset(of: ["weir.job", "weir.run"]))
            let traced = heard.all.filter { entry in
                switch entry.what {
                case .jobClaimed, .jobFinished: true
                default: false
                }
            }
            #expect(traced.count == 4 && traced.allSatisfy { $0.trace?.trace == request.trace })
        }
    }

    @Test("the jobs of a run that nobody's request has made share a trace, which is the run's")
    func ownTrace() async throws {
        try await JobHouse.use { house in
            let heard = Heard()
            let handler = Handler(kind: "a") { _, _ in 1 }
            try await house.running([house.worker("one", [handler], observe: heard.observe)]) {
                let run = try await house.enqueue([.init(kind: "a"), .init(kind: "a", after: [0])])
                try await house.end(of: run)
                #expect(Set(spans(heard).map(\.context.trace)) == [run.uuid])
            }
            #expect(spans(heard).count == 2)
        }
    }

    @Test("a claim tells how long the job could have run, an end how long it took")
    func times() async throws {
        try await JobHouse.use { house in
            let heard = Heard()
            let handlers = [
                Handler(kind: "bad") { _, _ in
                    try await house.metadata.database.query("SELECT pg_sleep(0.3)")
                    throw Problem(.dataInvalid, "Bad.")
                },
                Handler(kind: "first") { _, _ in
                    try await house.metadata.database.query("SELECT pg_sleep(0.3)")
                    return 0
                },
                Handler(kind: "second") { _, _ in 0 },
            ]
            try await house.enqueue([.init(kind: "bad"), .init(kind: "first"), .init(kind: "second", after: [1])])
            try await house.metadata.database.query(
                "UPDATE weir.jobs SET ready_at = ready_at - interval '5 s', created_at = created_at - interval '9 s'")
            try await house.running([house.worker("one", slots: 1, handlers, observe: heard.observe)]) {
                try await house.metadata.database.wait(
                    until: "EXISTS (SELECT FROM weir.jobs WHERE kind = 'second' AND state = 'SUCCESS')")
            }
            var waited: [String: Double] = [:]
            var failed: [Double] = []
            for case .jobClaimed(_, let kind, _, let seconds) in heard.all.map(\.what) { waited[kind] = seconds }
            for case .jobFailed(_, _, _, let seconds, _) in heard.all.map(\.what) { failed.append(seconds) }
            #expect((5..<8).contains(waited["bad"] ?? 0))
            #expect((5.3..<8).contains(waited["first"] ?? 0))
            // From the moment the one before it was done.
            #expect((0..<1).contains(waited["second"] ?? -1))
            #expect(failed.count == 1 && (0.3..<3).contains(failed[0]))
            #expect(spans(heard).first { $0.name == "job bad" }?.problem == .dataInvalid)
        }
    }

    @Test("a lost lease is told once, by whoever takes the job back")
    func losses() async throws {
        try await JobHouse.use { house in
            let request = TraceContext.begin()
            _ = try await TraceContext.$current.withValue(request) { try await house.enqueue([.init(kind: "a")]) }
            let job = try #require(try await house.claim("a", by: "dead"))
            try await house.metadata.database.query(
                "UPDATE weir.jobs SET lease_until = now() - interval '1 second', started_at = now() - interval '12 s'")
            let heard = Heard()
            let handler = Handler(kind: "a") { job, _ in job.attempt }
            try await house.running([house.worker("one", [handler], observe: heard.observe)]) {
                try await house.end(of: job.run)
            }
            let losses = heard.all.compactMap { entry -> (Double, UUID?)? in
                guard case .jobFailed(job.id, "a", let problem, let seconds, .zero?) = entry.what,
                    problem.code == .leaseLost
                else { return nil }
                return (seconds, entry.trace?.trace)
            }
            #expect(losses.count == 1)
            #expect((12..<20).contains(losses.first?.0 ?? 0))
            #expect(losses.first?.1 == request.trace)
        }
    }
}

import Foundation
import Testing
import Wire

@testable import Console

@Suite struct RunGraphTests {
    private func job(_ id: String, after: [String] = []) -> JobView {
        JobView(
            jobID: id, kind: id, state: .pending, attempt: 0, progress: nil, startedAt: nil, finishedAt: nil,
            problem: nil, waiting: nil, after: after)
    }

    @Test func `a job stands one column behind the last of those that it comes after`() {
        let order = JobOrder([
            job("d", after: ["b", "c"]), job("a"), job("b", after: ["a"]), job("c", after: ["b"]), job("e"),
        ])
        #expect(order.columns == [[1, 4], [2], [3], [0]])
    }

    @Test func `an arrow that another way says already is not drawn`() {
        let order = JobOrder([job("a"), job("b", after: ["a"]), job("c", after: ["a", "b"])])
        #expect(order.arrows == [.init(from: 0, to: 1), .init(from: 1, to: 2)])
    }

    @Test func `jobs that are unknown, doubled or in a circle do no harm`() {
        let order = JobOrder([
            job("a", after: ["a", "nowhere"]), job("b", after: ["c", "c"]), job("c", after: ["b"]), job("a"),
        ])
        #expect(order.columns.flatMap { $0 }.sorted() == [0, 1, 2, 3])
        #expect(order.arrows.allSatisfy { $0.from != $0.to })
    }

    @Test func `no node lies on another, and every line ends at nodes`() throws {
        let graph = try #require(RunGraph(ShopHistory.fanned.jobs, now: Shop.now))
        let places = Set(graph.nodes.map { [$0.x, $0.y] })
        #expect(places.count == 9)
        for node in graph.nodes {
            #expect((0...graph.width - node.width).contains(node.x))
            #expect((0...graph.height - node.height).contains(node.y))
        }
        // provision to 3, 3 to 3, 3 to model, model to publish; not load-a to publish.
        #expect(graph.lines.count == 10)
        #expect(graph.lines.count { $0.style == "success" } == 6)
        #expect(graph.label.contains("Extract and Extract and Extract, then Load"))
    }

    @Test func `one job is no graph`() { #expect(RunGraph([job("a")], now: Shop.now) == nil) }

    @Test func `waiting ends where working begins, on an axis from the run's beginning to now`() throws {
        let timings = try #require(RunTimings(ShopHistory.fanned, now: Shop.now))
        #expect(timings.summary == "2 min 0 s from the beginning to now")
        let load = timings.rows[5]
        #expect(load.waited == "18 s")
        #expect(load.worked == "40 s")
        #expect(load.wait?.x == "51.67%")
        #expect(load.wait?.width == "15.00%")
        #expect(load.work?.x == "66.67%")
        #expect(load.work?.width == "33.33%")
        #expect(load.after == "Extract")
        #expect(timings.rows[3].attempts == "2 attempts")
        #expect(timings.rows[6].wait == nil)
        #expect(timings.rows[7].after == "Load, Load, Load")
        #expect(timings.ticks.map(\.label) == ["0", "30 s", "1 min", "90 s", "2 min"])
    }

    @Test(arguments: [
        (0.1, ["0", "0.02 s", "0.04 s", "0.06 s", "0.08 s", "0.1 s"]), (18.4, ["0", "5 s", "10 s", "15 s"]),
        (4000.0, ["0", "20 min", "40 min", "1 h"]), (1_000_000.0, ["0", "3 days", "6 days", "9 days"]),
    ])
    func `marks of the axis are at round times`(seconds: Double, labels: [String]) {
        #expect(TimeAxis(begin: Shop.now, seconds: seconds).ticks.map(\.label) == labels)
    }

    @Test func `a job that runs says how long it still takes, one that is over does not`() {
        let progress = ProgressView(done: 4, total: 12, unit: "tables", perSecond: 0.14, secondsLeft: 128)
        func row(_ state: StateWord) -> JobRow {
            let job = JobView(
                jobID: "a", kind: "load", state: state, attempt: 1, progress: progress,
                startedAt: "2026-11-21T09:29:00Z", finishedAt: state.isOver ? "2026-11-21T09:29:30Z" : nil,
                problem: nil, waiting: nil)
            return JobRow(job, told: nil, now: Shop.now)
        }
        #expect(row(.running).figures == ["4 of 12 tables", "0.1 tables/s", "about 2 min left"])
        #expect(row(.success).figures == ["4 of 12 tables"])
        let words = [3, 42, 100, 5000, 9000, 200_000].map { Readable.roughly($0) }
        #expect(words == ["a few seconds", "about 40 s", "about 2 min", "about 83 min", "about 3 h", "about 2 days"])
    }
}

import Foundation
import Kernel
import Testing

@testable import Telemetry

@Suite("Metrics")
struct MetricTests {
    private let requests = MetricFamily("x_requests_total", .counter, "Requests.", by: ["path"])
    private let seconds = MetricFamily("x_seconds", .histogram([0.1, 1]), "Seconds.", by: ["kind"])

    private func lines(_ registry: MetricRegistry) -> [String] {
        Exposition.text(of: registry.snapshot()).split(separator: "\n").map(String.init)
    }

    @Test("a histogram's buckets count all values up to their bound")
    func histogram() {
        let registry = MetricRegistry()
        for value in [0.05, 0.1, 0.5, 7] { registry.record(value, in: seconds, "load") }
        #expect(
            lines(registry) == [
                "# HELP x_seconds Seconds.", "# TYPE x_seconds histogram",
                #"x_seconds_bucket{kind="load",le="0.1"} 2"#, #"x_seconds_bucket{kind="load",le="1"} 3"#,
                #"x_seconds_bucket{kind="load",le="+Inf"} 4"#, #"x_seconds_sum{kind="load"} 7.65"#,
                #"x_seconds_count{kind="load"} 4"#,
            ])
    }

    @Test("label values and words are escaped")
    func escaping() {
        let registry = MetricRegistry()
        registry.add(to: MetricFamily("x_total", .counter, "Back\\slash\nand line.", by: ["path"]), "a\"b\\c\nd\u{301}")
        #expect(lines(registry)[0] == #"# HELP x_total Back\\slash\nand line."#)
        #expect(lines(registry)[2] == #"x_total{path="a\"b\\c\nd\#u{301}"} 1"#)
    }

    @Test("a quotation mark with a combining mark after it is escaped too")
    func combined() {
        let registry = MetricRegistry()
        registry.add(to: requests, "\"\u{301}")
        #expect(
            lines(registry)[2].unicodeScalars.elementsEqual("x_requests_total{path=\"\\\"\u{301}\"} 1".unicodeScalars))
    }

    @Test(
        "numbers are written as Prometheus reads them",
        arguments: [
            (1.0, "1"), (0.25, "0.25"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"),
            (-3, "-3"),
        ])
    func numbers(value: Double, text: String) { #expect(Exposition.number(value) == text) }

    @Test("a metric has at most 1,000 series; what comes after is dropped and counted")
    func cardinality() {
        let registry = MetricRegistry()
        for number in 0..<1010 { registry.add(to: requests, "/\(number)") }
        registry.add(to: requests, "/0")
        let snapshot = registry.snapshot()
        #expect(snapshot.first { $0.family == requests }?.points.count == 1000)
        #expect(snapshot.first { $0.family == requests }?.points.first { $0.labels[0].value == "/0" }?.value == 2)
        let dropped = snapshot.first { $0.family == MetricRegistry.dropped }
        #expect(dropped?.points.map(\.value) == [10])
        #expect(dropped?.points.first?.labels == [MetricLabel(name: "metric", value: "x_requests_total")])
    }

    @Test("nothing is lost when many threads count at once and others take out and put back")
    func threads() async {
        let registry = MetricRegistry()
        let taken = await withTaskGroup(of: Double.self) { group in
            for _ in 0..<8 {
                group.addTask { [requests] in
                    for _ in 0..<1000 { registry.add(to: requests, "/") }
                    return 0
                }
            }
            group.addTask {
                var taken = 0.0
                for round in 0..<200 {
                    let drained = registry.drain()
                    if round.isMultiple(of: 2) {
                        registry.restore(drained)
                    } else {
                        taken += drained.deltas.reduce(0) { $0 + $1.value }
                    }
                    await Task.yield()
                }
                return taken
            }
            return await group.reduce(0, +)
        }
        let rest = registry.drain().deltas.reduce(0) { $0 + $1.value }
        #expect(taken + rest == 8000)
    }

    @Test("differences of two processes add up to one histogram")
    func totals() {
        let one = MetricRegistry()
        let other = MetricRegistry()
        one.record(0.05, in: seconds, "load")
        one.record(5, in: seconds, "load")
        other.record(0.5, in: seconds, "load")
        // As a database adds them up and gives them back: in no order.
        let deltas = Dictionary(grouping: one.drain().deltas + other.drain().deltas) {
            [$0.name] + $0.labels.map(\.value)
        }
        let points = deltas.values.map { same in
            MetricPoint(name: same[0].name, labels: same[0].labels.reversed(), value: same.reduce(0) { $0 + $1.value })
        }
        let expected = MetricRegistry()
        for value in [0.05, 5, 0.5] { expected.record(value, in: seconds, "load") }
        #expect(MetricTotals.snapshots(of: [seconds], in: points.shuffled()) == expected.snapshot())
    }

    @Test("a version with other bounds takes nothing from the buckets of another")
    func otherBounds() {
        let old = MetricRegistry()
        let new = MetricRegistry()
        old.record(0.05, in: seconds, "load")
        new.record(0.3, in: MetricFamily("x_seconds", .histogram([0.5]), "", by: ["kind"]), "load")
        let found = MetricTotals.snapshots(of: [seconds], in: old.drain().deltas + new.drain().deltas)
        #expect(found[0].points.map(\.value).prefix(3) == [1, 2, 2])
        #expect(found[0].points.last?.value == 2)
    }

    @Test("observations are counted under the names of the dashboard")
    func observations() {
        let metrics = ObservationMetrics()
        let job = TimeSource.system.makeID(JobTag.self)
        metrics.begin(jobKinds: ["provision"])
        metrics.observe(.jobClaimed(job: job, kind: "provision", attempt: 1, waited: 0.02))
        metrics.observe(.jobFinished(job: job, kind: "provision", seconds: 2))
        metrics.observe(
            .jobFailed(job: job, kind: "load", problem: Problem(.busy, "b"), seconds: 1, retriesIn: .seconds(1)))
        metrics.observe(
            .jobFailed(job: job, kind: "load", problem: Problem(.diskFull, "d"), seconds: 1, retriesIn: nil))
        metrics.observe(
            .jobFailed(job: job, kind: "load", problem: Problem(.leaseLost, "l"), seconds: 1, retriesIn: .zero))
        metrics.observe(.noticeSent(channel: "email", problem: .deliveryFailed))
        metrics.observe(.requestServed(method: "GET", route: "/api/v1/runs/{id}", status: 200, seconds: 0.1))
        let shared = Exposition.text(of: metrics.shared.snapshot())
        for line in [
            #"weir_jobs_claimed_total{kind="provision"} 1"#,
            #"weir_jobs_finished_total{kind="provision",outcome="success"} 1"#,
            #"weir_jobs_finished_total{kind="provision",outcome="failed"} 0"#,
            #"weir_jobs_finished_total{kind="load",outcome="failed"} 1"#,
            #"weir_job_retries_total{kind="load",code="busy"} 1"#, "provisioning_time_seconds_sum 2",
            "provisioning_time_seconds_count 1", #"weir_lease_losses_total{kind="provision"} 0"#,
            #"weir_notices_total{channel="email",outcome="failed"} 1"#,
        ] {
            #expect(shared.contains("\(line)\n"))
        }
        #expect(!shared.contains("lease_lost"))
        #expect(
            Exposition.text(of: metrics.own.snapshot()).contains(
                #"weir_http_requests_total{method="GET",route="/api/v1/runs/{id}",status="200"} 1"#))
    }

    @Test("the process's own figures are those of this process")
    func process() {
        let figures = Dictionary(
            ProcessFigures.snapshots().map { ($0.family.name, $0.points[0].value) }, uniquingKeysWith: { $1 })
        #expect(figures["process_start_time_seconds"].map { abs($0 - Date().timeIntervalSince1970) < 86_400 } == true)
        #expect(figures["process_resident_memory_bytes"].map { $0 > 1_000_000 } == true)
        #expect(figures["process_open_fds"].map { $0 >= 3 } == true)
        #expect(figures["process_cpu_seconds_total"].map { $0 >= 0 } == true)
        #expect(figures["process_max_fds"].map { $0 > 0 } == true)
    }
}

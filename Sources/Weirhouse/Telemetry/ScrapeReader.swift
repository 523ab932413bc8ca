import Foundation
import Kernel
import Postgres
import Telemetry

/// What `/metrics` shows: the sums and the queue of the whole installation from the metadata database, and this
/// process's own figures.
struct ScrapeReader: Sendable {
    private let own: MetricRegistry
    /// The one that is measured, not the one that is asked.
    private let measured: PGPool
    private let stored: SharedQuestion<Stored?>

    private struct Stored: Sendable {
        let totals: [MetricPoint]
        let gauges: [MetricPoint]
    }

    /// - Parameter database: asked on connections of its own, so that a pool that is used up can be seen.
    init(own: MetricRegistry, measured: PGPool, database: PGPool) {
        self.own = own
        self.measured = measured
        stored = SharedQuestion { await Self.read(database) }
    }

    /// In Prometheus' text format. Without the metadata database `weir_metadata_up` is 0 and its metrics are missing;
    /// it is waited for at most five seconds.
    func text() async -> String {
        let found = await stored.answer(within: .seconds(5)) ?? nil
        var snapshots = [
            one(WeirMetrics.metadataUp, found == nil ? 0 : 1), one(WeirMetrics.build, 1, OwnProgram.version),
        ]
        if let found { snapshots += Self.installation(found) }
        snapshots += await pool()
        snapshots += own.snapshot()
        snapshots += ProcessFigures.snapshots()
        return Exposition.text(of: snapshots)
    }

    private func pool() async -> [MetricSnapshot] {
        let usage = await measured.usage
        return [
            MetricSnapshot(
                WeirMetrics.pool,
                [
                    WeirMetrics.pool.point(["open"], Double(usage.open)),
                    WeirMetrics.pool.point(["idle"], Double(usage.idle)),
                ]),
            one(WeirMetrics.poolLimit, Double(usage.limit)), one(WeirMetrics.poolWaiting, Double(usage.waiting)),
        ]
    }

    private func one(_ family: MetricFamily, _ value: Double, _ labels: String...) -> MetricSnapshot {
        MetricSnapshot(family, [family.point(labels, value)])
    }

    private static func installation(_ stored: Stored) -> [MetricSnapshot] {
        let shared = MetricTotals.snapshots(of: WeirMetrics.shared, in: stored.totals)
        return shared + [WeirMetrics.failureRate(in: shared)]
            + MetricTotals.snapshots(of: WeirMetrics.queue, in: stored.gauges)
    }

    /// Nil if the database does not answer.
    private static func read(_ database: PGPool) async -> Stored? {
        try? await database.withConnection { connection in
            Stored(
                totals: try await points(connection.query("SELECT metric, labels, value FROM weir.read_metrics()")),
                gauges: try await points(connection.query("SELECT metric, labels, value FROM weir.queue_gauges()")))
        }
    }

    private static func points(_ rows: [PGRow]) throws -> [MetricPoint] {
        try rows.map { row in
            let labels: [String: String] = try row.json("labels")
            return MetricPoint(
                name: try row.string("metric"), labels: labels.map { MetricLabel(name: $0, value: $1) },
                value: try row.double("value"))
        }
    }
}

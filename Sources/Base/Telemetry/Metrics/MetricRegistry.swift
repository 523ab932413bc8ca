import Synchronization

/// Counters, gauges and histograms of this process. Each call returns at once and can be made on any thread.
///
/// A metric has at most `mostSeries` series: whoever sends ever new label values must not fill the memory. What comes
/// after that is dropped and counted in `weir_metric_series_dropped_total`.
package final class MetricRegistry: Sendable {
    package static let mostSeries = 1000

    package static let dropped = MetricFamily(
        "weir_metric_series_dropped_total", .counter, "Values dropped because their metric has too many series.",
        by: ["metric"])

    /// A counter's or gauge's value; of a histogram the sum, and how many values fell into each bucket alone.
    fileprivate struct Series {
        var value: Double = 0
        var buckets: [Double] = []
    }

    fileprivate struct Table {
        let family: MetricFamily
        var series: [[String]: Series] = [:]
    }

    private let tables = Mutex<[String: Table]>([:])

    package init() {}

    /// Adds to a counter. 0 makes its series known, so that a first increase can be seen as one.
    package func add(_ amount: Double = 1, to family: MetricFamily, _ labels: String...) {
        change(family, labels) { $0.value += amount }
    }

    /// Sets a gauge.
    package func set(_ value: Double, of family: MetricFamily, _ labels: String...) {
        change(family, labels) { $0.value = value }
    }

    /// Enters a value into a histogram.
    package func record(_ value: Double, in family: MetricFamily, _ labels: String...) {
        guard case .histogram(let bounds) = family.kind else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        change(family, labels) { series in
            series.value += value
            series.buckets[bucket] += 1
        }
    }

    /// Makes a histogram's series known.
    package func begin(_ family: MetricFamily, _ labels: String...) { change(family, labels) { _ in } }

    /// All metrics that have a series, by name.
    package func snapshot() -> [MetricSnapshot] {
        tables.withLock { Array($0.values) }.sorted { $0.family.name < $1.family.name }.map { table in
            let points = table.series.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { labels, series in
                Self.points(of: table.family, labels, series)
            }
            return MetricSnapshot(table.family, points)
        }
    }

    // Handing over ----------------------------------------------------------------------------------------------------

    /// What was counted since the last time.
    package struct Drained: Sendable {
        /// Differences, to be added up elsewhere; buckets stand for themselves alone, counts follow from them.
        package let deltas: [MetricPoint]
        fileprivate let tables: [String: Table]
    }

    /// Takes everything out, so that it can be added to a sum elsewhere.
    package func drain() -> Drained {
        let taken = tables.withLock { tables in
            let taken = tables
            tables = [:]
            return taken
        }
        return Drained(deltas: taken.values.flatMap(Self.deltas), tables: taken)
    }

    /// Puts back what could not be handed over.
    package func restore(_ drained: Drained) {
        tables.withLock { tables in
            for (name, table) in drained.tables {
                tables[name, default: Table(family: table.family)].series.merge(table.series) { here, back in
                    Series(value: here.value + back.value, buckets: zip(here.buckets, back.buckets).map { $0 + $1 })
                }
            }
        }
    }

    // Pieces ----------------------------------------------------------------------------------------------------------

    private func change(_ family: MetricFamily, _ labels: [String], _ body: (inout Series) -> Void) {
        let hasRoom = tables.withLock { tables in
            // In place, by one look into each: every request comes by here.
            if let table = tables.index(forKey: family.name),
                let series = tables.values[table].series.index(forKey: labels)
            {
                body(&tables.values[table].series.values[series])
                return true
            }
            let known = tables[family.name]
            guard known?.series.count ?? 0 < Self.mostSeries else { return false }
            body(&tables[family.name, default: Table(family: family)].series[labels, default: Self.empty(family)])
            return true
        }
        // The names of metrics are a fixed list, so this one never grows without end.
        if !hasRoom { add(1, to: Self.dropped, family.name) }
    }

    private static func empty(_ family: MetricFamily) -> Series {
        guard case .histogram(let bounds) = family.kind else { return Series() }
        return Series(buckets: Array(repeating: 0, count: bounds.count + 1))
    }

    private static func points(of family: MetricFamily, _ labels: [String], _ series: Series) -> [MetricPoint] {
        guard case .histogram(let bounds) = family.kind else { return [family.point(labels, series.value)] }
        let buckets = zip(bounds + [.infinity], series.buckets).map { MetricTotals.Bucket(bound: $0, count: $1) }
        return MetricTotals.histogram(family, labels, buckets, sum: series.value)
    }

    private static func deltas(of table: Table) -> [MetricPoint] {
        table.series.flatMap { labels, series -> [MetricPoint] in
            guard case .histogram(let bounds) = table.family.kind else {
                return [table.family.point(labels, series.value)]
            }
            // Empty buckets too: with them the whole histogram is there from its first day on.
            let buckets = zip(bounds + [.infinity], series.buckets).map { bound, count in
                table.family.point(labels, count, suffix: "_bucket", bound: Exposition.number(bound))
            }
            return buckets + [table.family.point(labels, series.value, suffix: "_sum")]
        }
    }
}

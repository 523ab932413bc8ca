/// Sums that many processes have added to (`MetricRegistry.Drained`), made into metrics again.
package enum MetricTotals {
    /// How many values are in a bucket alone.
    struct Bucket {
        let bound: Double
        let count: Double
    }

    /// The metrics of `families` in `points`. Points of other metrics, such as those of another version, are left out.
    package static func snapshots(of families: [MetricFamily], in points: [MetricPoint]) -> [MetricSnapshot] {
        let byName = Dictionary(grouping: points, by: \.name)
        return families.map { family in
            if case .histogram = family.kind { return histogram(family, byName) }
            let found = (byName[family.name] ?? []).map { family.point(values(of: family, in: $0), $0.value) }
            return MetricSnapshot(family, found.sorted(by: before))
        }
    }

    /// Buckets as they are exposed: each counts all values up to its bound.
    static func histogram(_ family: MetricFamily, _ labels: [String], _ buckets: [Bucket], sum: Double) -> [MetricPoint]
    {
        var count = 0.0
        var points: [MetricPoint] = []
        for bucket in buckets.sorted(by: { $0.bound < $1.bound }) {
            count += bucket.count
            points.append(family.point(labels, count, suffix: "_bucket", bound: Exposition.number(bucket.bound)))
        }
        return points + [
            family.point(labels, sum, suffix: "_sum"), family.point(labels, count, suffix: "_count"),
        ]
    }

    /// Versions side by side may have other bounds: each bucket that one of them has is shown.
    private static func histogram(_ family: MetricFamily, _ byName: [String: [MetricPoint]]) -> MetricSnapshot {
        let buckets = Dictionary(grouping: byName["\(family.name)_bucket"] ?? []) { values(of: family, in: $0) }
        let sums = Dictionary(grouping: byName["\(family.name)_sum"] ?? []) { values(of: family, in: $0) }
        let points = buckets.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { labels, points in
            let counts = points.compactMap { point in
                bound(of: point).map { Bucket(bound: $0, count: point.value) }
            }
            return histogram(family, labels, counts, sum: (sums[labels] ?? []).reduce(0) { $0 + $1.value })
        }
        return MetricSnapshot(family, points)
    }

    private static func bound(of point: MetricPoint) -> Double? {
        guard let text = point.labels.first(where: { $0.name == MetricFamily.boundLabel })?.value else { return nil }
        return text == "+Inf" ? .infinity : Double(text)
    }

    private static func values(of family: MetricFamily, in point: MetricPoint) -> [String] {
        family.labels.map { name in point.labels.first { $0.name == name }?.value ?? "" }
    }

    private static func before(_ left: MetricPoint, _ right: MetricPoint) -> Bool {
        left.labels.map(\.value).lexicographicallyPrecedes(right.labels.map(\.value))
    }
}

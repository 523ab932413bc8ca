/// A metric as Prometheus knows it ("Metric types"): what is measured, and by which labels it is told apart.
package struct MetricFamily: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Only grows; its name ends in `_total`.
        case counter
        case gauge
        /// Upper bounds, growing. Values above the last one fall under `+Inf`.
        case histogram([Double])
    }

    package let name: String
    package let kind: Kind
    /// One sentence, for `# HELP`.
    package let help: String
    /// The labels' names. Values are given in this order.
    package let labels: [String]

    package init(_ name: String, _ kind: Kind, _ help: String, by labels: [String] = []) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
    }

    /// A point of this metric.
    /// - Parameters:
    ///   - values: of the labels, in their order.
    ///   - suffix: `_bucket`, `_sum` or `_count` of a histogram.
    ///   - bound: the upper bound of a bucket.
    package func point(_ values: [String], _ value: Double, suffix: String = "", bound: String? = nil) -> MetricPoint {
        var all = zip(labels, values).map { MetricLabel(name: $0, value: $1) }
        if let bound { all.append(MetricLabel(name: MetricFamily.boundLabel, value: bound)) }
        return MetricPoint(name: name + suffix, labels: all, value: value)
    }

    /// The label of a bucket's upper bound ("Histograms and summaries").
    static let boundLabel = "le"
}

package struct MetricLabel: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// One number, as it is exposed and stored.
package struct MetricPoint: Sendable, Hashable {
    /// The metric's name, for parts of histograms with `_bucket`, `_sum` or `_count`.
    package let name: String
    package let labels: [MetricLabel]
    package let value: Double

    package init(name: String, labels: [MetricLabel], value: Double) {
        self.name = name
        self.labels = labels
        self.value = value
    }
}

/// A metric with all its points at one moment.
package struct MetricSnapshot: Sendable, Hashable {
    package let family: MetricFamily
    package let points: [MetricPoint]

    package init(_ family: MetricFamily, _ points: [MetricPoint]) {
        self.family = family
        self.points = points
    }
}

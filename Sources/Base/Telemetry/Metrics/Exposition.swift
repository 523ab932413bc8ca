import Kernel

/// Metrics as text that Prometheus reads ("Exposition formats", text format 0.0.4).
package enum Exposition {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// A metric without points has its two lines of words all the same: what there is can be read from it.
    package static func text(of snapshots: [MetricSnapshot]) -> String {
        var text = ""
        for snapshot in snapshots {
            let family = snapshot.family
            text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(word(family.kind))\n"
            for point in snapshot.points { text += line(point) }
        }
        return text
    }

    private static func line(_ point: MetricPoint) -> String {
        let labels = point.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
        return "\(point.name)\(labels.isEmpty ? "" : "{\(labels)}") \(number(point.value))\n"
    }

    private static func word(_ kind: MetricFamily.Kind) -> String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }

    /// As Go's `ParseFloat` reads it, whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value.magnitude < 1e15 && value == value.rounded() ? String(Int64(value)) : "\(value)"
    }

    /// Backslash and line feed, in label values the quotation mark as well.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        let plain = text.replacingScalar("\\", with: #"\\"#).replacingScalar("\n", with: #"\n"#)
        return quotes ? plain.replacingScalar("\"", with: #"\""#) : plain
    }
}

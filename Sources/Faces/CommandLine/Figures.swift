/// Numbers as people read them.
enum Figures {
    /// `1234567` → `1,234,567`.
    static func grouped(_ number: Int64) -> String {
        let digits = Array(String(number.magnitude))
        let groups = stride(from: digits.count, to: 0, by: -3).reversed().map { end in
            String(digits[max(0, end - 3)..<end])
        }
        return (number < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    static func grouped(_ number: Int) -> String { grouped(Int64(number)) }

    /// `1 row`, `2 rows`.
    static func count(_ number: Int64, _ unit: String) -> String {
        "\(grouped(number)) \(unit)\(number == 1 ? "" : "s")"
    }

    static func count(_ number: Int, _ unit: String) -> String { count(Int64(number), unit) }

    /// Decimal units: `45.2 MB`.
    static func bytes(_ count: Int64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(count)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(decimal(value)) \(units[unit])"
    }

    /// `0.4 s`, `12.3 s`, `2 min 5 s`.
    static func seconds(_ seconds: Double) -> String {
        guard seconds >= 60 else { return "\(decimal(max(0, seconds))) s" }
        let whole = Int64(seconds.rounded())
        return "\(whole / 60) min \(whole % 60) s"
    }

    /// One digit after the point.
    private static func decimal(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(grouped(tenths / 10)).\(tenths % 10)"
    }
}

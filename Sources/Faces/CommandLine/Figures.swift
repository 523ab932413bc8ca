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

    /// `999,999` and `1.2 M`, `3.4 G`: two digits of what is too large to be read in passing.
    static func short(_ number: Int64) -> String {
        switch number {
        case ..<1_000_000: grouped(number)
        case ..<999_950_000: "\(decimal(Double(number) / 1e6)) M"
        default: "\(decimal(Double(number) / 1e9)) G"
        }
    }

    /// `0.4`, `12`, `310,000`; nil for what is too slow to be one.
    static func rate(_ perSecond: Double) -> String? {
        guard perSecond.isFinite, perSecond >= 0.05 else { return nil }
        return perSecond < 9.95 ? decimal(perSecond) : grouped(Int64(min(perSecond, 1e15).rounded()))
    }

    /// `7 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`; nil for what is no time.
    static func remaining(_ seconds: Double) -> String? {
        guard seconds.isFinite, seconds >= 0 else { return nil }
        let whole = Int64(min(seconds, 1e15).rounded(.up))
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(grouped(whole / 86_400)) d \(whole % 86_400 / 3600) h"
        }
    }

    /// One digit after the point.
    private static func decimal(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(grouped(tenths / 10)).\(tenths % 10)"
    }
}

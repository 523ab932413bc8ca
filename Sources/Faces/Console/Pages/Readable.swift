import Foundation

/// Numbers as people read them.
enum Readable {
    /// `1234567` → `1,234,567`.
    static func count(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        return number < 0 ? "-\(grouped)" : grouped
    }

    /// `12345678` → `12.3 MB`; thousands, as disks are sold.
    static func bytes(_ bytes: Int64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        let text = unit == 0 || value >= 99.95 ? String(Int(value.rounded())) : String(format: "%.1f", value)
        return "\(text) \(units[unit])"
    }

    /// `0.4 s`, `12 s`, `3 min 5 s`, `2 h 7 min`.
    static func duration(_ seconds: Double) -> String {
        guard seconds >= 9.95 else { return String(format: "%.1f s", max(seconds, 0)) }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole / 60 % 60) min"
    }

    /// `0.4 s`, `12 s`, `3 min`, `2 h`: where there is little room.
    static func shortDuration(_ seconds: Double) -> String {
        switch seconds {
        case ..<59.5: duration(seconds)
        case ..<3570: "\(Int((seconds / 60).rounded())) min"
        default: "\(count(Int64((seconds / 3600).rounded()))) h"
        }
    }

    /// How long something may still take: `a few seconds`, `about 40 s`, `about 2 min`, `about 3 h`.
    static func roughly(_ seconds: Double) -> String {
        switch seconds {
        case ..<10: "a few seconds"
        case ..<55: "about \(Int((seconds / 10).rounded()) * 10) s"
        case ..<5400: "about \(max(Int((seconds / 60).rounded()), 1)) min"
        case ..<129_600: "about \(Int((seconds / 3600).rounded())) h"
        default: "about \(plural(Int((seconds / 86_400).rounded()), "day"))"
        }
    }

    /// `1.4`, `12`, `3,200`: two digits are enough for a rate.
    static func rate(_ number: Double) -> String {
        number < 9.95 ? String(format: "%.1f", number) : count(Int64(min(number, 1e15).rounded()))
    }

    /// `every 90 minutes` has a better name: `45 min`, `6 h`, `1 h 30 min`, `2 days`.
    static func minutes(_ minutes: Int) -> String {
        if minutes < 60 { return "\(minutes) min" }
        if minutes >= 2880, minutes.isMultiple(of: 1440) { return plural(minutes / 1440, "day") }
        return minutes.isMultiple(of: 60) ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
    }

    /// `1 table`, `3 tables`.
    static func plural(_ number: Int64, _ word: String) -> String {
        "\(count(number)) \(word)\(number == 1 ? "" : "s")"
    }

    static func plural(_ number: Int, _ word: String) -> String { plural(Int64(number), word) }
}

extension String {
    /// For a sentence of its own.
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

/// A point in time: how long ago, and exactly in the title.
struct Moment: Sendable {
    let iso: String
    let exact: String
    let age: String
    let clock: String

    /// - Parameter text: RFC 3339. A text that is none is shown as it is.
    init(_ text: String, now: Date) {
        iso = text
        guard let date = Self.parse(text) else {
            exact = text
            age = text
            clock = text
            return
        }
        let utc = date.rfc3339Parts
        exact = "\(utc.day) \(Self.months[utc.month - 1]) \(utc.year), \(utc.time) UTC"
        clock = utc.time
        age = Self.age(now.timeIntervalSince(date)) ?? "\(utc.day) \(Self.months[utc.month - 1]) \(utc.year)"
    }

    static func parse(_ text: String) -> Date? {
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? fractional.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text))
    }

    static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Nil from 30 days on: the date says more then.
    private static func age(_ seconds: Double) -> String? {
        switch seconds {
        case ..<5: "just now"
        case ..<60: "\(Int(seconds)) s ago"
        case ..<3600: "\(Int(seconds / 60)) min ago"
        case ..<86_400: "\(Int(seconds / 3600)) h ago"
        case ..<172_800: "yesterday"
        case ..<2_592_000: "\(Int(seconds / 86_400)) days ago"
        default: nil
        }
    }
}

extension Date {
    fileprivate var rfc3339Parts: (year: Int, month: Int, day: Int, time: String) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: self)
        let time = [parts.hour, parts.minute, parts.second].map { String(format: "%02d", $0 ?? 0) }
        return (parts.year ?? 0, parts.month ?? 1, parts.day ?? 1, time.joined(separator: ":"))
    }
}

import Foundation
import Jobs
import Kernel
import Testing

/// Moments as tests write them: `2026-03-29T00:30:00Z`, to the second.
func utc(_ text: String) throws -> Date {
    try #require(try? Date(text, strategy: .iso8601), "\(text) is no moment")
}

func zone(_ name: String) throws -> TimeZone { try #require(TimeZone(identifier: name)) }

extension Date {
    /// What the clock on the wall shows, and its distance from UTC: `2026-03-29 03:00 +02:00`.
    func wall(_ zone: TimeZone) -> String {
        let offset = zone.secondsFromGMT(for: self)
        let shown = addingTimeInterval(Double(offset)).rfc3339.prefix(16).replacing("T", with: " ")
        let minutes = abs(offset) / 60
        let (hour, rest) = ("\(minutes / 60)", "\(minutes % 60)")
        let padded = [hour, rest].map { $0.count == 1 ? "0\($0)" : $0 }.joined(separator: ":")
        return "\(shown) \(offset < 0 ? "-" : "+")\(padded)"
    }
}

extension CronExpression {
    /// The firings after a moment and before another, one call at a time.
    func firings(after start: Date, before end: Date, in zone: TimeZone) -> [Date] {
        var (found, last): ([Date], Date) = ([], start)
        while let next = next(after: last, in: zone), next < end {
            found.append(next)
            last = next
        }
        return found
    }
}

/// A random expression together with what it means, written apart from the reader: only numbers, lists and `*`.
struct CronSample: CustomStringConvertible {
    let text: String
    let values: [Set<Int>]
    let isOpen: [Bool]

    var description: String { text }
    var isElapsed: Bool { isOpen[0] || isOpen[1] }

    init(dice: inout Dice) {
        let ranges = [0...59, 0...23, 1...31, 1...12, 0...6]
        var (texts, values, isOpen): ([String], [Set<Int>], [Bool]) = ([], [], [])
        for (index, range) in ranges.enumerated() {
            // Days and months are mostly open, so that something fires on the days that are looked at.
            let open = index < 2 ? dice.one(in: 3) : !dice.one(in: 4)
            let step = open && dice.one(in: 3) ? Int.random(in: 1...min(20, range.upperBound), using: &dice) : 1
            let some = (0..<Int.random(in: 1...5, using: &dice)).map { _ in Int.random(in: range, using: &dice) }
            texts.append(open ? (step == 1 ? "*" : "*/\(step)") : some.map { "\($0)" }.joined(separator: ","))
            values.append(Set(open ? Array(stride(from: range.lowerBound, through: range.upperBound, by: step)) : some))
            isOpen.append(open)
        }
        (text, self.values, self.isOpen) = (texts.joined(separator: " "), values, isOpen)
    }

    /// Whether the clock on the wall shows such a minute; `seconds` is that clock's time as if it were UTC.
    func means(_ seconds: Int) -> Bool {
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        let date = CivilDate(daysSince1970: days)
        let minute = (seconds - days * 86_400) / 60
        let byMonth = values[2].contains(date.day)
        let byWeek = values[4].contains(((days + 4) % 7 + 7) % 7)
        return seconds % 60 == 0 && values[0].contains(minute % 60) && values[1].contains(minute / 60)
            && values[3].contains(date.month)
            && (isOpen[2] || isOpen[4] ? byMonth && byWeek : byMonth || byWeek)
    }

    /// The firings after a moment and before another by looking at each minute of the clock on the wall, as a person
    /// with a watch would: what it shows, what it has shown before, what it left out.
    func byTheMinute(after start: Int, before end: Int, in zone: TimeZone) -> [Int] {
        func wall(_ second: Int) -> Int {
            second + zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
        }
        // Two days earlier, to know what has been shown.
        var found: [Int] = []
        var shown = wall(start - 2 * 86_400) - 60
        for second in stride(from: start - 2 * 86_400, to: end, by: 60) {
            let now = wall(second)
            let fires =
                isElapsed ? means(now) : stride(from: shown + 60, through: now, by: 60).contains { means($0) }
            if fires, second > start { found.append(second) }
            shown = max(shown, now)
        }
        return found
    }
}

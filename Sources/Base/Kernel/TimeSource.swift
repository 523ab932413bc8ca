package import Foundation

/// Where time and ids come from, so that tests can set them.
package struct TimeSource: Sendable {
    /// The wall clock.
    package let now: @Sendable () -> Date
    /// A fresh random id.
    package let makeUUID: @Sendable () -> UUID

    package init(now: @escaping @Sendable () -> Date, makeUUID: @escaping @Sendable () -> UUID) {
        self.now = now
        self.makeUUID = makeUUID
    }

    package static let system = TimeSource(now: { Date() }, makeUUID: { UUID() })

    package func makeID<Tag>(_: Tag.Type = Tag.self) -> ID<Tag> { ID(makeUUID()) }
}

extension Date {
    /// `YYYY-MM-DD` in UTC: the form of `run_date=` and `load_date=`.
    package var utcDay: String {
        let days = Int((timeIntervalSince1970 / 86_400).rounded(.down))
        let (year, month, day) = civil(fromDays: days)
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))"
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-21T07:30:00.123Z`.
    package var rfc3339: String {
        let milliseconds = Int((timeIntervalSince1970 * 1000).rounded(.down))
        let inDay = ((milliseconds % 86_400_000) + 86_400_000) % 86_400_000
        let time = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1000 % 60].map { pad($0, 2) }.joined(separator: ":")
        return "\(utcDay)T\(time).\(pad(inDay % 1000, 3))Z"
    }
}

private func pad(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// Days since 1970-01-01 as year, month, day of the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`).
private func civil(fromDays days: Int) -> (Int, Int, Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

import Foundation

/// A moment that the API gave (RFC 3339), as the clock of a time zone shows it.
struct Moment {
    let date: Date

    /// Nil if the text is no moment; fractions of a second may be there or not.
    init?(_ text: String) {
        let parsed =
            (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
            ?? (try? Date.ISO8601FormatStyle().parse(text))
        guard let parsed else { return nil }
        date = parsed
    }

    /// `Mon 2026-11-23 06:00 +01:00`, to the minute: the offset tells times around a change of clocks apart.
    func text(in zone: TimeZone) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][calendar.component(.weekday, from: date) - 1]
        let style = Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: zone)
        let clock = style.year().month().day().time(includingFractionalSeconds: false).format(date).dropLast(3)
        let offset = zone.secondsFromGMT(for: date) / 60
        let sign = offset < 0 ? "-" : "+"
        return "\(day) \(clock) \(sign)\(twoDigits(offset.magnitude / 60)):\(twoDigits(offset.magnitude % 60))"
    }

    private func twoDigits(_ number: UInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

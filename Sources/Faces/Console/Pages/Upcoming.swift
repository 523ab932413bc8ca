import Foundation

/// A time that is to come: in how long, and when by the clock of its zone.
struct Upcoming: Sendable {
    let iso: String
    /// `Mon 23 Nov, 06:00`; with the year if it is so far away that the day may be taken for one of another year.
    let clock: String
    /// `in 9 h`.
    let wait: String
    /// `Europe/Berlin`, or `UTC`.
    let zone: String

    /// - Parameters:
    ///   - text: RFC 3339. A text that is none is shown as it is.
    ///   - zone: of the tz database; UTC if nil or unknown here.
    init(_ text: String, zone: String?, now: Date) {
        let known = zone.flatMap { name in TimeZone(identifier: name).map { (name, $0) } } ?? ("UTC", .gmt)
        iso = text
        self.zone = known.0
        guard let date = Moment.parse(text) else {
            clock = text
            wait = ""
            return
        }
        let seconds = date.timeIntervalSince(now)
        clock = Self.clock(date, known.1, withYear: seconds > 300 * 86_400)
        wait = Self.wait(seconds)
    }

    private static func clock(_ date: Date, _ zone: TimeZone, withYear: Bool) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let parts = calendar.dateComponents([.weekday, .year, .month, .day, .hour, .minute], from: date)
        let day = days[((parts.weekday ?? 1) - 1) % 7]
        let month = Moment.months[((parts.month ?? 1) - 1) % 12]
        let time = String(format: "%02d:%02d", parts.hour ?? 0, parts.minute ?? 0)
        let year = withYear ? " \(parts.year ?? 1)" : ""
        return "\(day) \(parts.day ?? 1) \(month)\(year), \(time)"
    }

    /// Rounded down, as ages are.
    static func wait(_ seconds: Double) -> String {
        switch seconds {
        case ..<1: "due now"
        case ..<60: "in \(Int(seconds)) s"
        case ..<3600: "in \(Int(seconds / 60)) min"
        case ..<172_800: "in \(Int(seconds / 3600)) h"
        default: "in \(Readable.count(Int64(seconds / 86_400))) days"
        }
    }

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
}

import Kernel

/// When something recurs, as crontab(5) writes it: minute, hour, day-of-month, month, day-of-week.
///
/// Lists, ranges, steps, names and the shortcuts of Vixie's cron; of Quartz' additions `?`, `L` in the day-of-month and
/// `#` in the day-of-week. Weekday ranges go round (`FRI-MON`). Not read: `W`, the last weekday, seconds, years.
///
/// Days follow POSIX (crontab, "operands"): when the day-of-month and the day-of-week are both restricted, either one is
/// enough. As in crontab(5), a field with a `*` in it, such as `*/2`, is not restricted; then both must hold.
package struct CronExpression: Sendable, Hashable {
    /// What was written, in upper case with single spaces, or a shortcut in lower case. It reads back as the same value.
    package let description: String

    /// The elements of each field, in the order of `CronField`.
    let fields: [[CronElement]]
    let minutes: CronValues
    let hours: CronValues
    let months: CronValues
    let days: CronDays

    /// Whether it goes by elapsed time rather than by the clock on the wall: a `*` in the minute or hour (cron(8),
    /// "Daylight Saving Time").
    let isElapsed: Bool

    /// Throws `invalid_input`, in one line that names the field and the value, also when it would never fire.
    package init(_ text: String) throws {
        guard text.utf8.count <= 500 else {
            throw Problem(
                .invalidInput, "The cron expression is longer than 500 bytes.", hint: "Write ranges and steps.")
        }
        let written = CronText.fields(text)
        let parts: [Substring]
        if let first = written.first, first.hasPrefix("@") {
            (description, parts) = try Self.shortcut(first, alone: written.count == 1)
        } else {
            parts = written.map { Substring($0.asciiUppercased) }
            description = parts.joined(separator: " ")
        }
        try Self.checkCount(of: parts)
        let fields = try CronField.allCases.map { field in
            try CronReader(field: field).elements(parts[field.rawValue])
        }
        func values(_ field: CronField) -> CronValues {
            fields[field.rawValue].reduce(CronValues()) { $0.union($1.values(in: field)) }
        }
        func isOpen(_ field: CronField) -> Bool { fields[field.rawValue].contains { $0.span == .all } }
        self.fields = fields
        (minutes, hours, months) = (values(.minute), values(.hour), values(.month))
        isElapsed = isOpen(.minute) || isOpen(.hour)
        days = CronDays(
            ofMonth: values(.dayOfMonth), last: fields[CronField.dayOfMonth.rawValue].contains { $0.span == .last },
            ofWeek: values(.dayOfWeek), nth: fields[CronField.dayOfWeek.rawValue].compactMap(\.nth),
            needsBoth: isOpen(.dayOfMonth) || isOpen(.dayOfWeek))
        guard days.everCome(inMonths: months) else {
            throw Problem(
                .invalidInput, "The cron expression '\(CronText.shown(description[...]))' never fires.",
                hint: "None of its months has such a day.")
        }
    }

    private static let shortcuts = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    private static func shortcut(_ text: Substring, alone: Bool) throws -> (String, [Substring]) {
        let name = text.asciiUppercased.lowercased()
        guard alone, let expression = shortcuts[name] else {
            throw Problem(
                .invalidInput,
                alone
                    ? "There is no cron shortcut '\(CronText.shown(text))'."
                    : "The cron shortcut '\(CronText.shown(text))' must stand alone.",
                hint: "There are @hourly, @daily, @weekly, @monthly and @yearly.")
        }
        return (name, CronText.fields(expression))
    }

    private static func checkCount(of parts: [Substring]) throws {
        let five = "Write minute, hour, day-of-month, month and day-of-week: 0 6 * * MON-FRI."
        switch parts.count {
        case 5: return
        case 0: throw Problem(.invalidInput, "The cron expression is empty.", hint: five)
        case 6:
            throw Problem(
                .invalidInput, "The cron expression has 6 fields; it takes five.",
                hint: "Leave out the seconds in front, or the year or the command at the end.")
        case 7:
            throw Problem(
                .invalidInput, "The cron expression has 7 fields; it takes five.",
                hint: "Leave out the seconds in front and the year at the end.")
        default:
            throw Problem(
                .invalidInput,
                "The cron expression has \(parts.count) field\(parts.count == 1 ? "" : "s"); it takes five.",
                hint: five)
        }
    }
}

extension CronExpression: CustomStringConvertible {}

extension CronElement {
    fileprivate var nth: CronDays.Nth? {
        if case .nth(let weekday, let number) = span { CronDays.Nth(weekday: weekday, number: number) } else { nil }
    }
}

extension StringProtocol {
    /// Only `a-z` change: no other letter may turn into one of a name.
    fileprivate var asciiUppercased: String {
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            let upper = ("a"..."z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) - 32) : scalar
            text.append(upper)
        }
        return String(text)
    }
}

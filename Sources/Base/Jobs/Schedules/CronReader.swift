import Kernel

/// Reads one field of a cron expression. All its refusals are `invalid_input` and name the field and the value.
struct CronReader {
    let field: CronField

    /// The elements of a field's list. `text` is in upper case.
    func elements(_ text: Substring) throws -> [CronElement] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard !part.isEmpty else {
                throw refusal(text, "has an empty place in its list", hint: "Write a list as 1,15,30.")
            }
            return try element(part)
        }
    }

    private func element(_ text: Substring) throws -> CronElement {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return CronElement(span: try span(text), step: nil) }
        let span = try span(parts[0])
        switch span {
        case .last, .nth: throw refusal(text, "has a step where there is nothing to step over", hint: nil)
        case .all, .one, .range: break
        }
        let most = field.values.upperBound
        guard let step = number(parts[1]), (1...most).contains(step) else {
            throw refusal(
                text, "has a step that is not a number from 1 to \(most)",
                hint: field == .minute
                    ? "For an interval that an hour does not hold, use the kind 'every'." : "Write a step as */2.")
        }
        return CronElement(span: span, step: step)
    }

    private func span(_ text: Substring) throws -> CronElement.Span {
        if text == "*" { return .all }
        if text == "?" {
            guard isDay else { throw refusal(text, "may have '?' only for days", hint: "Write * instead.") }
            return .all
        }
        if text == "L", field == .dayOfMonth { return .last }
        if text.contains("#") { return try nth(text) }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2 else { return .one(try value(text, of: text) % cycle) }
        return try range(from: try value(ends[0], of: text), through: try value(ends[1], of: text), of: text)
    }

    private func range(from first: Int, through last: Int, of text: Substring) throws -> CronElement.Span {
        guard field == .dayOfWeek else {
            guard first <= last else {
                let (low, high) = (field.values.lowerBound, field.values.upperBound)
                throw refusal(
                    text, "has a range that ends before it begins",
                    hint: "Only weekdays go round: write \(first)-\(high),\(low)-\(last).")
            }
            return .range(first, last)
        }
        // 0-7 and SUN-7 are the whole week; 7-2 begins with Sunday, as 0-2 does.
        if first < 7, last == 7 { return first == 0 ? .range(0, 6) : .range(first, 0) }
        return .range(first % 7, last % 7)
    }

    private func nth(_ text: Substring) throws -> CronElement.Span {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard field == .dayOfWeek else {
            throw refusal(text, "may not have '#'", hint: "It belongs to the day-of-week: MON#2 is the second Monday.")
        }
        guard parts.count == 2, let number = number(parts[1]), (1...5).contains(number) else {
            throw refusal(text, "needs a number from 1 to 5 after '#'", hint: "MON#2 is the second Monday.")
        }
        return .nth(weekday: try value(parts[0], of: text) % 7, number)
    }

    /// A number or a name, within what the field takes.
    private func value(_ text: Substring, of whole: Substring) throws -> Int {
        if let index = field.names.firstIndex(where: { $0 == text }) { return index + field.values.lowerBound }
        guard let number = number(text) else {
            throw refusal(whole, "cannot be read", hint: hint(for: text))
        }
        guard field.written.contains(number) else {
            throw refusal(
                whole, "is out of range: it takes \(field.written.lowerBound) to \(field.written.upperBound)", hint: nil
            )
        }
        return number
    }

    private var isDay: Bool { field == .dayOfMonth || field == .dayOfWeek }

    /// Sunday as 7 is Sunday as 0; no other field goes round.
    private var cycle: Int { field == .dayOfWeek ? 7 : Int.max }

    /// Digits alone, at most four of them: nothing that could overflow, no sign.
    private func number(_ text: Substring) -> Int? {
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private func hint(for text: Substring) -> String {
        if isDay, text.contains("W") && text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x57 || $0 == 0x4C })
        {
            return "The nearest weekday (W) is not supported; name a day, L, or a weekday such as MON#1."
        }
        if isDay, text.contains("L") {
            return "L stands alone in the day-of-month for the month's last day; a last weekday is not supported."
        }
        if text == "H" { return "H is Jenkins' own; write a number." }
        if let first = field.names.first, let last = field.names.last {
            let (low, high) = (field.written.lowerBound, field.written.upperBound)
            return "It takes *, \(low) to \(high), or names from \(first) to \(last)."
        }
        return "It takes * or \(field.written.lowerBound) to \(field.written.upperBound)."
    }

    private func refusal(_ text: Substring, _ what: String, hint: String?) -> Problem {
        Problem(.invalidInput, "The \(field.name) '\(CronText.shown(text))' \(what).", hint: hint)
    }
}

/// Text of a cron expression: split into fields, and shown in problems.
enum CronText {
    /// The fields: what stands between spaces, tabs and ends of lines.
    static func fields(_ text: String) -> [Substring] {
        text.unicodeScalars.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }.map { Substring($0) }
    }

    /// At most 40 characters of one line.
    static func shown(_ text: Substring) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(40) {
            shown.unicodeScalars.append(isPlain(scalar) ? scalar : "\u{FFFD}")
        }
        return text.unicodeScalars.dropFirst(40).isEmpty ? shown : shown + "…"
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return false
        default: return true
        }
    }
}

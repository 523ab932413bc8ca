extension CronExpression {
    /// A reading in plain English: "At 06:00 on Monday to Friday", "Every 15 minutes of the hours 9 to 17 in March".
    package var words: String {
        let text = [time, dayWords, monthWords].compactMap { $0 }.joined(separator: " ")
        return text.prefix(1).uppercased() + text.dropFirst()
    }

    private func elements(_ field: CronField) -> [CronElement] { fields[field.rawValue] }

    // Times

    private var time: String {
        let times = hours.sorted.flatMap { hour in minutes.sorted.map { "\(Self.two(hour)):\(Self.two($0))" } }
        if !isElapsed, times.count <= 6 { return "at \(Self.list(times, "and"))" }
        let (minute, hour) = (minuteWords, hourWords)
        if minutes == CronValues(0...0), let every = Self.step(elements(.hour), of: 24) {
            return every == 1 ? "every hour" : "every \(every) hours"
        }
        return hour.map { "\(minute) of \($0)" } ?? (minute.hasPrefix("every") ? minute : "\(minute) of every hour")
    }

    private var minuteWords: String {
        if let every = Self.step(elements(.minute), of: 60) {
            return every == 1 ? "every minute" : "every \(every) minutes"
        }
        let words = Self.list(minutes.runs.map { Self.span($0) { "\($0)" } }, "and")
        return "at minute\(minutes.count == 1 ? "" : "s") \(words)"
    }

    /// `nil` for every hour.
    private var hourWords: String? {
        guard hours != CronValues(CronField.hour.values) else { return nil }
        let words = Self.list(hours.runs.map { Self.span($0) { "\($0)" } }, "and")
        return "the hour\(hours.count == 1 ? "" : "s") \(words)"
    }

    // Days

    /// `nil` for every day.
    private var dayWords: String? {
        let isEveryDay = days.ofMonth == CronValues(CronField.dayOfMonth.values)
        let isEveryWeekday = days.ofWeek == CronValues(CronField.dayOfWeek.values)
        if days.needsBoth {
            switch (isEveryDay, isEveryWeekday) {
            case (true, true): return nil
            case (false, true): return "on \(daysOfMonth)"
            case (true, false): return "on \(daysOfWeek)"
            case (false, false): return "on \(daysOfMonth) if it is \(daysOfWeek)"
            }
        }
        return isEveryDay || isEveryWeekday ? nil : "on \(daysOfMonth) or on \(daysOfWeek)"
    }

    private var daysOfMonth: String {
        let runs = days.ofMonth.runs.map { Self.span($0) { "\($0)" } }
        let named = runs.isEmpty ? [] : ["day\(days.ofMonth.count == 1 ? "" : "s") \(Self.list(runs, "and"))"]
        return Self.list(named + (days.last ? ["the last day"] : []), "and") + " of the month"
    }

    private var daysOfWeek: String {
        let ranges = elements(.dayOfWeek).compactMap { element -> String? in
            guard case .range(let first, let last) = element.span, element.step == nil, first != last else {
                return nil
            }
            return "\(Self.weekdays[first]) to \(Self.weekdays[last])"
        }
        let rest = elements(.dayOfWeek).reduce(CronValues()) { rest, element in
            if case .range(let first, let last) = element.span, element.step == nil, first != last { return rest }
            return rest.union(element.values(in: .dayOfWeek))
        }
        // A week is read from Monday on.
        let single = [1, 2, 3, 4, 5, 6, 0].filter(rest.contains).map { Self.weekdays[$0] }
        let nth = days.nth.map { "the \(Self.ordinals[$0.number - 1]) \(Self.weekdays[$0.weekday]) of the month" }
        return Self.list(ranges + single + nth, needsOr ? "or" : "and")
    }

    /// "If it is Monday or Friday", but "on Monday and Friday".
    private var needsOr: Bool { days.needsBoth && days.ofMonth != CronValues(CronField.dayOfMonth.values) }

    private var monthWords: String? {
        guard months != CronValues(CronField.month.values) else { return nil }
        return "in " + Self.list(months.runs.map { Self.span($0) { Self.monthNames[$0 - 1] } }, "and")
    }

    // Words

    /// n if the field is `*`, or `*/n` with an n that divides the whole: then it is the same distance all the time.
    private static func step(_ elements: [CronElement], of whole: Int) -> Int? {
        guard elements.count == 1, let element = elements.first, element.span == .all else { return nil }
        let step = element.step ?? 1
        return whole % step == 0 ? step : nil
    }

    private static func span(_ run: ClosedRange<Int>, _ name: (Int) -> String) -> String {
        run.count == 1 ? name(run.lowerBound) : "\(name(run.lowerBound)) to \(name(run.upperBound))"
    }

    private static func list(_ words: [String], _ conjunction: String) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static let ordinals = ["first", "second", "third", "fourth", "fifth"]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}

extension CronValues {
    /// Three or more neighbours as one run, all others one by one.
    fileprivate var runs: [ClosedRange<Int>] {
        var runs: [ClosedRange<Int>] = []
        for value in sorted {
            if let last = runs.last, last.upperBound == value - 1 {
                runs[runs.count - 1] = last.lowerBound...value
            } else {
                runs.append(value...value)
            }
        }
        return runs.flatMap { $0.count == 2 ? [$0.lowerBound...$0.lowerBound, $0.upperBound...$0.upperBound] : [$0] }
    }
}

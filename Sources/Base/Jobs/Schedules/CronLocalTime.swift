import Kernel

/// Matches of a cron expression by the clock on the wall, without a time zone: seconds since 1970-01-01 00:00 as that
/// clock shows them. Fields are looked up as bits, months without a match are passed over whole.
extension CronExpression {
    /// How far a search goes: the fifth Monday of a February comes up to 40 years later (2072, 2112).
    static let horizonInMonths = 50 * 12

    /// The first match at or after `seconds`.
    func firstMatch(from seconds: Int) -> Int? {
        let (day, minute) = Self.divided(Self.divided(seconds + 59, by: 60).quotient, by: 1440)
        if means(day), let found = firstMinute(from: minute) { return (day * 1440 + found) * 60 }
        guard let next = firstDay(after: day), let found = firstMinute(from: 0) else { return nil }
        return (next * 1440 + found) * 60
    }

    /// The last match at or before `seconds`.
    func lastMatch(through seconds: Int) -> Int? {
        let (day, minute) = Self.divided(Self.divided(seconds, by: 60).quotient, by: 1440)
        if means(day), let found = lastMinute(through: minute) { return (day * 1440 + found) * 60 }
        guard let previous = lastDay(before: day), let found = lastMinute(through: 1439) else { return nil }
        return (previous * 1440 + found) * 60
    }

    /// How many matches lie at or after `first` and before `end`, counted by months and days where they are whole.
    func matchCount(from first: Int, before end: Int) -> Int {
        guard first < end else { return 0 }
        let origin = Self.monthNumber(of: CivilDate(daysSince1970: Self.divided(first, by: 86_400).quotient))
        return matchCount(before: end, sinceMonth: origin) - matchCount(before: first, sinceMonth: origin)
    }

    private func matchCount(before end: Int, sinceMonth origin: Int) -> Int {
        let (day, minute) = Self.divided(Self.divided(end + 59, by: 60).quotient, by: 1440)
        let date = CivilDate(daysSince1970: day)
        let perDay = hours.count * minutes.count
        let whole = (origin..<Self.monthNumber(of: date)).reduce(0) { $0 + daysMeant(inMonthNumber: $1).count }
        let inLast = daysMeant(inMonthNumber: Self.monthNumber(of: date))
        let part = inLast.contains(date.day) ? minuteCount(before: minute) : 0
        return (whole + inLast.below(date.day).count) * perDay + part
    }

    // Minutes of a day, 0…1439

    private func firstMinute(from minute: Int) -> Int? {
        let hour = minute / 60
        if hours.contains(hour), let found = minutes.from(minute % 60).first { return hour * 60 + found }
        guard let next = hours.from(hour + 1).first, let first = minutes.first else { return nil }
        return next * 60 + first
    }

    private func lastMinute(through minute: Int) -> Int? {
        let hour = minute / 60
        if hours.contains(hour), let found = minutes.below(minute % 60 + 1).last { return hour * 60 + found }
        guard let previous = hours.below(hour).last, let last = minutes.last else { return nil }
        return previous * 60 + last
    }

    private func minuteCount(before minute: Int) -> Int {
        let inHour = hours.contains(minute / 60) ? minutes.below(minute % 60).count : 0
        return hours.below(minute / 60).count * minutes.count + inHour
    }

    // Days since 1970-01-01

    private func means(_ day: Int) -> Bool {
        let date = CivilDate(daysSince1970: day)
        return daysMeant(inMonthNumber: Self.monthNumber(of: date)).contains(date.day)
    }

    private func firstDay(after day: Int) -> Int? {
        let date = CivilDate(daysSince1970: day + 1)
        let start = Self.monthNumber(of: date)
        for month in start...(start + Self.horizonInMonths) {
            let days = daysMeant(inMonthNumber: month).from(month == start ? date.day : 1)
            if let found = days.first { return Self.day(found, ofMonthNumber: month) }
        }
        return nil
    }

    private func lastDay(before day: Int) -> Int? {
        let date = CivilDate(daysSince1970: day - 1)
        let start = Self.monthNumber(of: date)
        for month in stride(from: start, through: start - Self.horizonInMonths, by: -1) {
            let days = daysMeant(inMonthNumber: month).below(month == start ? date.day + 1 : 32)
            if let found = days.last { return Self.day(found, ofMonthNumber: month) }
        }
        return nil
    }

    // Months, numbered through from January of the year 0 on

    private func daysMeant(inMonthNumber number: Int) -> CronValues {
        let (year, month) = Self.divided(number, by: 12)
        return months.contains(month + 1) ? days.inMonth(month + 1, of: year) : CronValues()
    }

    private static func monthNumber(of date: CivilDate) -> Int { date.year * 12 + date.month - 1 }

    private static func day(_ day: Int, ofMonthNumber number: Int) -> Int {
        let (year, month) = divided(number, by: 12)
        return CivilDate(year: year, month: month + 1, day: day).daysSince1970
    }

    /// Division that rounds down, also before 1970; the remainder is never negative.
    private static func divided(_ number: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
        let quotient = number >= 0 ? number / divisor : (number + 1) / divisor - 1
        return (quotient, number - quotient * divisor)
    }
}

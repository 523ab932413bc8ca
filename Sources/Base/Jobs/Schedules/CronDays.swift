import Kernel

/// Which days of a month a cron expression means.
struct CronDays: Sendable, Hashable {
    /// A weekday's first to fifth time in a month.
    struct Nth: Sendable, Hashable {
        let weekday: Int
        let number: Int
    }

    /// Of 1…31.
    let ofMonth: CronValues
    /// The last day of the month.
    let last: Bool
    /// Of 0…6; 0 is Sunday.
    let ofWeek: CronValues
    let nth: [Nth]
    /// Whether a day must be of both kinds, rather than of one of them.
    let needsBoth: Bool

    /// The days of a month that has so many and begins with this weekday (0 is Sunday).
    func inMonth(length: Int, firstWeekday: Int) -> CronValues {
        var byMonth = ofMonth.below(length + 1)
        if last { byMonth.insert(length) }
        var byWeek = CronValues()
        for day in 1...length where ofWeek.contains((firstWeekday + day - 1) % 7) { byWeek.insert(day) }
        for one in nth {
            let day = 1 + (one.weekday - firstWeekday + 7) % 7 + 7 * (one.number - 1)
            if day <= length { byWeek.insert(day) }
        }
        return needsBoth ? byMonth.intersection(byWeek) : byMonth.union(byWeek)
    }

    /// The days of a month of the calendar.
    func inMonth(_ month: Int, of year: Int) -> CronValues {
        let first = CivilDate(year: year, month: month, day: 1).daysSince1970
        let next = CivilDate(year: month == 12 ? year + 1 : year, month: month == 12 ? 1 : month + 1, day: 1)
        // 1970-01-01 was a Thursday.
        return inMonth(length: next.daysSince1970 - first, firstWeekday: ((first + 4) % 7 + 7) % 7)
    }

    /// Whether there is such a day in any of these months of any year. Months of every length begin with every weekday
    /// in the 400 years after which the calendar repeats, those of 29 days too.
    func everCome(inMonths months: CronValues) -> Bool {
        let longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return months.sorted.contains { month in
            (0..<7).contains { !inMonth(length: longest[month - 1], firstWeekday: $0).isEmpty }
        }
    }
}

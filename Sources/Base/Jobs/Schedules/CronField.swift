import Kernel

/// One of the five fields of a cron expression: what it is called and which values it takes.
enum CronField: Int, CaseIterable, Sendable {
    case minute
    case hour
    case dayOfMonth
    case month
    case dayOfWeek

    /// As crontab(5) calls it.
    var name: String {
        switch self {
        case .minute: "minute"
        case .hour: "hour"
        case .dayOfMonth: "day-of-month"
        case .month: "month"
        case .dayOfWeek: "day-of-week"
        }
    }

    /// The values that a person may write. Sunday is 0 and 7.
    var written: ClosedRange<Int> { self == .dayOfWeek ? 0...7 : values }

    /// The values that there are.
    var values: ClosedRange<Int> {
        switch self {
        case .minute: 0...59
        case .hour: 0...23
        case .dayOfMonth: 1...31
        case .month: 1...12
        case .dayOfWeek: 0...6
        }
    }

    /// Names in upper case, the first one for the lowest value; empty where there are only numbers.
    var names: [String] {
        switch self {
        case .month: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
        case .dayOfWeek: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
        case .minute, .hour, .dayOfMonth: []
        }
    }
}

/// One element of a field's list, such as `MON-FRI` or `*/15`.
struct CronElement: Sendable, Hashable {
    enum Span: Sendable, Hashable {
        /// `*` or `?`.
        case all
        case one(Int)
        /// From the first to the last; for weekdays the last may lie before the first.
        case range(Int, Int)
        /// The last day of the month.
        case last
        /// The weekday's first to fifth time in the month.
        case nth(weekday: Int, Int)
    }

    let span: Span
    /// `nil` where none is written; `3/10` is from 3 to the field's end by 10.
    let step: Int?

    /// The values; none for `last` and `nth`, which depend on the month.
    func values(in field: CronField) -> CronValues {
        let (first, last): (Int, Int)
        switch span {
        case .all: (first, last) = (field.values.lowerBound, field.values.upperBound)
        case .one(let value): (first, last) = (value, step == nil ? value : field.values.upperBound)
        case .range(let from, let to): (first, last) = (from, to < from ? to + field.values.count : to)
        case .last, .nth: return CronValues()
        }
        return CronValues(
            stride(from: first, through: last, by: step ?? 1).lazy.map { value in
                value > field.values.upperBound ? value - field.values.count : value
            })
    }
}

/// Dates, times and intervals as the text that DuckDB prints.
extension DuckText {
    /// Days since 1970-01-01; `year` is astronomical (0 is 1 BC).
    static func appendDate(_ days: Int64, to bytes: inout [UInt8]) {
        let (year, month, day) = civil(fromDays: days)
        append((year > 0 ? year : 1 - year).magnitude, width: 4, to: &bytes)
        bytes.append(0x2D)
        append(UInt64(month), width: 2, to: &bytes)
        bytes.append(0x2D)
        append(UInt64(day), width: 2, to: &bytes)
        if year <= 0 { append(" (BC)", to: &bytes) }
    }

    /// `ticks` of them make a second: `HH:MM:SS[.ffffff]` without trailing zeros.
    static func appendTime(_ time: UInt64, ticks: UInt64, to bytes: inout [UInt8]) {
        let seconds = time / ticks
        append(seconds / 3600, width: 2, to: &bytes)
        bytes.append(0x3A)
        append(seconds / 60 % 60, width: 2, to: &bytes)
        bytes.append(0x3A)
        append(seconds % 60, width: 2, to: &bytes)
        var fraction = time % ticks
        guard fraction > 0 else { return }
        var width = ticks == 1_000_000_000 ? 9 : ticks == 1_000_000 ? 6 : 3
        while fraction % 10 == 0 {
            fraction /= 10
            width -= 1
        }
        bytes.append(0x2E)
        append(fraction, width: width, to: &bytes)
    }

    static func appendTimestamp(_ moment: Int64, ticks: Int64, zoned: Bool, to bytes: inout [UInt8]) {
        if moment == .max { return append("infinity", to: &bytes) }
        if moment == -.max { return append("-infinity", to: &bytes) }
        let perDay = 86_400 * ticks
        var (days, inDay) = moment.quotientAndRemainder(dividingBy: perDay)
        if inDay < 0 {
            days -= 1
            inDay += perDay
        }
        appendDate(days, to: &bytes)
        bytes.append(0x20)
        appendTime(UInt64(inDay), ticks: UInt64(ticks), to: &bytes)
        if zoned { append("+00", to: &bytes) }
    }

    /// A time with its zone: microseconds in the upper 40 bits, then 15:59:59 minus the offset in seconds.
    static func appendTimeWithZone(_ stored: UInt64, to bytes: inout [UInt8]) {
        appendTime(stored >> 24, ticks: 1_000_000, to: &bytes)
        let offset = 57_599 - Int64(stored & 0xFF_FFFF)
        bytes.append(offset < 0 ? 0x2D : 0x2B)
        let seconds = offset.magnitude
        append(seconds / 3600, width: 2, to: &bytes)
        guard seconds % 3600 != 0 else { return }
        bytes.append(0x3A)
        append(seconds / 60 % 60, width: 2, to: &bytes)
        guard seconds % 60 != 0 else { return }
        bytes.append(0x3A)
        append(seconds % 60, width: 2, to: &bytes)
    }

    /// `1 year 2 months 3 days 04:05:06.5`; parts that are zero are left out.
    static func appendInterval(months: Int32, days: Int32, micros: Int64, to bytes: inout [UInt8]) {
        let start = bytes.count
        func part(_ count: Int32, _ one: StaticString, _ many: StaticString) {
            guard count != 0 else { return }
            if bytes.count > start { bytes.append(0x20) }
            append(Int64(count), to: &bytes)
            append(count.magnitude == 1 ? one : many, to: &bytes)
        }
        part(months / 12, " year", " years")
        part(months % 12, " month", " months")
        part(days, " day", " days")
        guard micros != 0 || bytes.count == start else { return }
        if bytes.count > start { bytes.append(0x20) }
        if micros < 0 { bytes.append(0x2D) }
        appendTime(micros.magnitude, ticks: 1_000_000, to: &bytes)
    }

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
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
}

package import Foundation

/// When a cron expression fires in a time zone.
///
/// Where clocks change, fixed times and elapsed time differ, as in cron(8) of Debian ("Daylight Saving Time and other time
/// changes"). An expression with a `*` in its minute or hour goes by elapsed time: it fires in both passes of an hour that
/// comes twice, and not in one that is left out. All others mean a time of the day: what is left out fires once, at the
/// first moment after the gap, and what comes twice fires the first time. cron(8) does so for changes of less than three
/// hours; here it holds for all, so that the day that Samoa left out in 2011 loses no run.
extension CronExpression {
    /// The first firing after a moment; `nil` only outside of the years 1 to 9999.
    package func next(after moment: Date, in zone: TimeZone) -> Date? {
        guard var from = Self.second(moment, .down).map({ $0 + 1 }) else { return nil }
        let latest = from + Self.horizon
        while from <= latest {
            let stretch = ZoneStretch(of: zone, at: from)
            if let found = firstFiring(in: stretch, from: from) { return Self.date(found) }
            guard stretch.end < .max else { return nil }
            from = stretch.end
        }
        return nil
    }

    /// The last firing before a moment; `nil` only outside of the years 1 to 9999.
    package func previous(before moment: Date, in zone: TimeZone) -> Date? {
        guard var through = Self.second(moment, .up).map({ $0 - 1 }) else { return nil }
        let earliest = through - Self.horizon
        while through >= earliest {
            let stretch = ZoneStretch(of: zone, at: through)
            if let found = lastFiring(in: stretch, through: through) { return Self.date(found) }
            through = stretch.start - 1
        }
        return nil
    }

    /// How many firings there are from the first moment to the last, both included; without visiting each.
    package func count(from first: Date, through last: Date, in zone: TimeZone) -> Int {
        guard var from = Self.second(first, .up), let through = Self.second(last, .down) else { return 0 }
        var count = 0
        while from <= through {
            let stretch = ZoneStretch(of: zone, at: from)
            let end = min(stretch.end, through + 1)
            count += matchCount(from: firstLocal(in: stretch, from: from), before: end + stretch.offset)
            let isAlsoMeant = firstMatch(from: from + stretch.offset) == from + stretch.offset
            if from == stretch.start, !isAlsoMeant, firesForGap(of: stretch) { count += 1 }
            from = end
        }
        return count
    }

    private func firstFiring(in stretch: ZoneStretch, from second: Int) -> Int? {
        if second == stretch.start, firesForGap(of: stretch) { return second }
        guard let match = firstMatch(from: firstLocal(in: stretch, from: second)) else { return nil }
        return match - stretch.offset < stretch.end ? match - stretch.offset : nil
    }

    private func lastFiring(in stretch: ZoneStretch, through second: Int) -> Int? {
        if let match = lastMatch(through: second + stretch.offset),
            match >= firstLocal(in: stretch, from: stretch.start)
        {
            return match - stretch.offset
        }
        return firesForGap(of: stretch) ? stretch.start : nil
    }

    /// The first time on the wall that may fire: for fixed times none that the clock has shown before.
    private func firstLocal(in stretch: ZoneStretch, from second: Int) -> Int {
        isElapsed ? second + stretch.offset : max(second + stretch.offset, stretch.localStartBefore)
    }

    /// Whether the stretch begins with a firing in place of those that its gap left out.
    private func firesForGap(of stretch: ZoneStretch) -> Bool {
        guard !isElapsed, !stretch.gap.isEmpty, let match = firstMatch(from: stretch.gap.lowerBound) else {
            return false
        }
        return stretch.gap.contains(match)
    }

    /// How far a search through stretches goes, in seconds; no gap between two firings is that long.
    private static let horizon = horizonInMonths * 31 * 86_400

    private static func date(_ second: Int) -> Date { Date(timeIntervalSince1970: Double(second)) }

    /// Whole seconds since 1970 of a moment in the years 1 to 9999.
    private static func second(_ moment: Date, _ rule: FloatingPointRoundingRule) -> Int? {
        let seconds = moment.timeIntervalSince1970
        guard seconds > -62_135_596_800, seconds < 253_402_300_800 else { return nil }
        return Int(seconds.rounded(rule))
    }
}

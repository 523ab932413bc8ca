import Foundation

/// A stretch of time, in whole seconds since 1970, through which a time zone's offset from UTC stays the same.
///
/// Foundation on Linux answers both questions from its own copy of the time zone database; all zones agree with Python's
/// zoneinfo (CronPeerTests). Its calendars are not asked: they are slow, and their rules for gaps are their own.
struct ZoneStretch {
    /// The first second of it that is known: the last change of the offset, or 400 days before the moment asked for.
    let start: Int
    /// The first second after it: the next change of the offset, or `Int.max`.
    let end: Int
    /// Seconds to add to UTC for the clock on the wall.
    let offset: Int
    /// The offset just before `start`; the same as `offset` if nothing changed there.
    let offsetBefore: Int

    init(of zone: TimeZone, at second: Int) {
        var start = second - Self.reach
        var next = Self.change(in: zone, after: start - 1)
        while let change = next, change <= second {
            start = change
            next = Self.change(in: zone, after: change)
        }
        self.start = start
        end = next ?? .max
        offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(start)))
        offsetBefore = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(start - 1)))
    }

    /// What the clock on the wall shows when the stretch begins, had its offset not changed.
    var localStartBefore: Int { start + offsetBefore }

    /// The times of the clock on the wall that a jump forward leaves out at the start; empty if there was none.
    var gap: Range<Int> { localStartBefore..<max(localStartBefore, start + offset) }

    private static let reach = 400 * 86_400

    /// Changes of daylight saving are meant by the name, but Foundation tells all, also of the zone's standard time.
    private static func change(in zone: TimeZone, after second: Int) -> Int? {
        zone.nextDaylightSavingTimeTransition(after: Date(timeIntervalSince1970: Double(second)))
            .map { Int($0.timeIntervalSince1970.rounded(.up)) }
            .flatMap { $0 > second ? $0 : nil }
    }
}

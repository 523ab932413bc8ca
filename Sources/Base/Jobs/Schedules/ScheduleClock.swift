package import Foundation
import Kernel

/// The instants at which a trigger fires by the clock: whole seconds, always the same for the same trigger and anchor.
///
/// Triggers by file and after another source have none; their answers are empty.
package struct ScheduleClock: Sendable {
    private enum Kind: Sendable {
        /// `anchor` plus any multiple of `interval`, both in seconds, also before the anchor: a grid never drifts.
        case grid(anchor: Int, interval: Int)
        case cron(CronExpression, TimeZone)
        case never
    }

    private let kind: Kind

    /// `anchor`, in whole seconds (a fraction is dropped), is where the grid of `every` starts: a schedule's birth.
    /// Throws `invalid_input` as `ScheduleTrigger.check()` does.
    package init(_ trigger: ScheduleTrigger, anchor: Date) throws {
        try trigger.check()
        switch trigger {
        case .every(let minutes):
            let seconds = anchor.timeIntervalSince1970
            guard Self.years.contains(seconds) else {
                throw Problem(.invalidInput, "The schedule's anchor is not between the years 1 and 9999.")
            }
            kind = .grid(anchor: Int(seconds.rounded(.down)), interval: minutes * 60)
        case .cron(let expression, let timeZone):
            kind = .cron(try CronExpression(expression), try ScheduleTrigger.zone(timeZone))
        case .file, .after: kind = .never
        }
    }

    /// The first instant after a moment.
    package func next(after moment: Date) -> Date? {
        switch kind {
        case .grid(let anchor, let interval):
            step(moment, anchor, interval, .down).map { Self.date(anchor + ($0 + 1) * interval) }
        case .cron(let expression, let zone): expression.next(after: moment, in: zone)
        case .never: nil
        }
    }

    /// The last instant before a moment.
    package func previous(before moment: Date) -> Date? {
        switch kind {
        case .grid(let anchor, let interval):
            step(moment, anchor, interval, .up).map { Self.date(anchor + ($0 - 1) * interval) }
        case .cron(let expression, let zone): expression.previous(before: moment, in: zone)
        case .never: nil
        }
    }

    /// The last instant that is not after a moment.
    package func last(through moment: Date) -> Date? {
        previous(before: Date(timeIntervalSince1970: moment.timeIntervalSince1970.rounded(.down) + 1))
    }

    /// How many instants there are from the first moment to the last, both included; without visiting each.
    package func count(from first: Date, through last: Date) -> Int {
        switch kind {
        case .grid(let anchor, let interval):
            guard let low = step(first, anchor, interval, .up), let high = step(last, anchor, interval, .down) else {
                return 0
            }
            return max(0, high - low + 1)
        case .cron(let expression, let zone): return expression.count(from: first, through: last, in: zone)
        case .never: return 0
        }
    }

    /// The instants from the first moment to the last, both included: what a backfill of that range runs for.
    ///
    /// Throws `invalid_input` if the trigger has no instants of its own, if the range is the wrong way round, and if there
    /// are more than `limit`.
    package func instants(from first: Date, through last: Date, limit: Int) throws -> [Date] {
        if case .never = kind {
            throw Problem(
                .invalidInput, "This schedule does not go by the clock, so there is nothing to fill in.",
                hint: "Start a single run instead.")
        }
        guard first <= last else {
            throw Problem(.invalidInput, "The range ends before it begins.", hint: "Give the earlier moment first.")
        }
        let count = count(from: first, through: last)
        guard count <= limit else {
            throw Problem(
                .invalidInput, "The range holds \(count) runs of this schedule; \(limit) can be filled in at once.",
                hint: "Choose a shorter range.")
        }
        let second = first.timeIntervalSince1970.rounded(.up)
        return upcoming(count, after: Date(timeIntervalSince1970: second - 1))
    }

    /// The next `count` instants after a moment.
    package func upcoming(_ count: Int, after moment: Date) -> [Date] {
        var (found, last): ([Date], Date) = ([], moment)
        while found.count < count, let next = next(after: last) {
            found.append(next)
            last = next
        }
        return found
    }

    /// Which step of the grid a moment is at, rounded.
    private func step(_ moment: Date, _ anchor: Int, _ interval: Int, _ rule: FloatingPointRoundingRule) -> Int? {
        let seconds = moment.timeIntervalSince1970
        guard Self.years.contains(seconds) else { return nil }
        let whole = Int(seconds.rounded(rule)) - anchor
        let quotient = whole / interval
        if whole % interval == 0 { return quotient }
        return rule == .down ? (whole < 0 ? quotient - 1 : quotient) : (whole > 0 ? quotient + 1 : quotient)
    }

    private static let years = -62_135_596_800.0..<253_402_300_800
    private static func date(_ second: Int) -> Date { Date(timeIntervalSince1970: Double(second)) }
}

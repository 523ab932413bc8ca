package import Foundation

/// What a schedule does about instants that it missed: the server was down, the schedule paused, or its last run too long.
package enum CatchUp: String, Sendable, CaseIterable, Codable {
    /// One run for all of them, named by the latest.
    case latest
    /// One run for each, the oldest first, one at a time; at most the latest 100.
    case all
    /// None: what is more than 15 minutes late is left out.
    case none
}

/// The next step of one schedule, as a value: reads nothing, writes nothing.
package enum SchedulePlan {
    /// What to do now.
    package struct Decision: Sendable, Equatable {
        /// The instant to start a run for, now; it names the run.
        package let firing: Date?
        /// Instants that will have no run of their own.
        package let skipped: Int
        /// The earliest instant that is not decided; never before the one that was stored.
        package let nextAt: Date?
        /// Why nothing is started, if nothing is.
        package let waits: Wait?
    }

    /// What a schedule waits for.
    package enum Wait: String, Sendable, Codable {
        /// Its next instant.
        case time
        /// The end of the run before.
        case run
        /// A marker or another source: it does not go by the clock.
        case event
    }

    /// How late an instant may be with `CatchUp.none`.
    package static let grace: TimeInterval = 15 * 60

    /// The most missed instants that `CatchUp.all` makes up for.
    package static let mostMissed = 100

    /// Decides about a schedule whose earliest undecided instant is `nextAt`.
    ///
    /// While the run before goes on nothing is decided: `nextAt` stays, and what falls due meanwhile is treated as missed
    /// once it ends. A clock that goes back fires nothing again, because `nextAt` only grows. An instant that is stored but
    /// is none of the trigger's (the trigger was changed) is passed over.
    package static func decide(
        clock: ScheduleClock, nextAt: Date, catchUp: CatchUp, isBusy: Bool, now: Date
    ) -> Decision {
        guard nextAt <= now else { return Decision(firing: nil, skipped: 0, nextAt: nextAt, waits: .time) }
        let due = clock.count(from: nextAt, through: now)
        guard due > 0, let latest = clock.last(through: now) else {
            let next = clock.next(after: now)
            return Decision(firing: nil, skipped: 0, nextAt: next, waits: next == nil ? .event : .time)
        }
        guard !isBusy else { return Decision(firing: nil, skipped: 0, nextAt: nextAt, waits: .run) }
        switch catchUp {
        case .all:
            let skipped = max(0, due - mostMissed)
            var firing = latest
            for _ in 1..<(due - skipped) { firing = clock.previous(before: firing) ?? firing }
            return Decision(firing: firing, skipped: skipped, nextAt: clock.next(after: firing), waits: nil)
        case .none where now.timeIntervalSince(latest) > grace:
            return Decision(firing: nil, skipped: due, nextAt: clock.next(after: latest), waits: .time)
        case .latest, .none:
            return Decision(firing: latest, skipped: due - 1, nextAt: clock.next(after: latest), waits: nil)
        }
    }
}

import Foundation
import Kernel
import Postgres

/// What a look at a schedule comes to.
struct ScheduleStep: Sendable {
    var firing: Firing?
    var nextAt: Date?
    /// When it is looked at next, from now; at `nextAt` if nil.
    var lookAfter: Duration?
    var waiting: String?
    /// `after`: the run that woke it has still to be followed.
    var isAwake = false

    private static let goesOn = "the run before it goes on"

    static func next(
        of schedule: Schedule, marks: [ScheduleMark]?, isBusy: Bool, now: Date, on connection: PGConnection
    ) async throws -> ScheduleStep {
        switch schedule.plan.trigger {
        case .every, .cron: try timed(schedule, isBusy: isBusy, now: now)
        case .after(let source): following(source, schedule, isBusy: isBusy)
        case .file: try await marked(schedule, marks ?? [], isBusy: isBusy, on: connection)
        }
    }

    private static func timed(_ schedule: Schedule, isBusy: Bool, now: Date) throws -> ScheduleStep {
        let clock = try schedule.clock
        guard let due = schedule.nextAt else { return ScheduleStep(nextAt: clock.next(after: now)) }
        let decision = SchedulePlan.decide(
            clock: clock, nextAt: due, catchUp: schedule.plan.catchUp, isBusy: isBusy, now: now)
        var step = ScheduleStep(nextAt: decision.nextAt)
        if decision.waits == .run {
            step.waiting = goesOn
            step.lookAfter = Scheduler.busyPause
        }
        step.firing = decision.firing.map { instant in
            Firing(
                instant: instant, key: instant.rfc3339, cause: cause(schedule, missed: decision.skipped), priority: 0)
        }
        return step
    }

    private static func cause(_ schedule: Schedule, missed: Int) -> String {
        missed == 0
            ? "schedule \(schedule.name)"
            : "schedule \(schedule.name), for \(missed) missed \(missed == 1 ? "time" : "times") too"
    }

    private static func following(_ source: String, _ schedule: Schedule, isBusy: Bool) -> ScheduleStep {
        guard let run = schedule.wokenBy else { return ScheduleStep() }
        guard !isBusy else { return ScheduleStep(lookAfter: Scheduler.busyPause, waiting: goesOn, isAwake: true) }
        return ScheduleStep(
            firing: Firing(
                instant: nil, key: "after/\(run)", cause: "schedule \(schedule.name), after \(source)", priority: 0))
    }

    private static func marked(
        _ schedule: Schedule, _ marks: [ScheduleMark], isBusy: Bool, on connection: PGConnection
    ) async throws -> ScheduleStep {
        var step = ScheduleStep(lookAfter: Scheduler.marksPause)
        let fresh = try await ScheduleMarks.fresh(among: marks, of: schedule.id, on: connection)
        guard !fresh.isEmpty else { return step }
        guard !isBusy else {
            step.waiting = goesOn
            step.lookAfter = Scheduler.busyPause
            return step
        }
        let taken = schedule.plan.catchUp == .all ? Array(fresh.prefix(1)) : fresh
        guard let latest = taken.last else { return step }
        try await ScheduleMarks.remember(taken, of: schedule.id, in: schedule.organization, on: connection)
        if taken.count < fresh.count { step.lookAfter = Scheduler.busyPause }
        step.firing = Firing(
            instant: nil, key: "file/\(latest.text)", cause: "schedule \(schedule.name), for \(latest.key)", priority: 0
        )
        return step
    }
}

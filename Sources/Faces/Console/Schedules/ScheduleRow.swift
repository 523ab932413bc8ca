import Foundation
import Wire

/// A schedule in a list and on its page.
struct ScheduleRow: Sendable {
    let name: String
    let address: String
    let pipeline: String
    let words: String
    let isPaused: Bool
    /// Who paused it, and why.
    let pause: String?
    let waiting: String?
    let problem: ProblemNote?
    let next: Upcoming?
    let times: [Upcoming]
    /// Why there are no times.
    let timeless: String?
    let lastRun: LastRun?
    /// Whether it fires at times that can be filled in for the past.
    let hasTimes: Bool
    let catchUp: String
    let tables: String
    let createdBy: String
    let allRuns: String

    struct LastRun: Sendable {
        let address: String?
        let state: StateBadge?
        let fired: Moment?
    }

    init(_ schedule: ScheduleView, now: Date) {
        name = schedule.name
        address = Address.schedule(schedule.name)
        pipeline = Pipeline(environment: schedule.environment, source: schedule.source).label
        words = schedule.words.capitalizedFirst
        isPaused = schedule.isPaused
        let person = schedule.pausedBy.map { " by \($0)" } ?? ""
        pause = schedule.isPaused ? "Paused\(person)\(schedule.pausedBecause.map { ": \($0)" } ?? "")" : nil
        waiting = schedule.waiting.map { "Waiting: \($0)" }
        problem = schedule.problem.map { ProblemNote($0) }
        times = schedule.next.map { Upcoming($0, zone: schedule.trigger.timeZone, now: now) }
        next = times.first
        hasTimes = ["every", "cron"].contains(schedule.trigger.kind)
        timeless = times.isEmpty ? Self.timeless(schedule) : nil
        lastRun =
            schedule.lastRunID == nil && schedule.lastFiredAt == nil
            ? nil
            : LastRun(
                address: schedule.lastRunID.map { Address.run($0) },
                state: schedule.lastRunState.map { StateBadge($0) },
                fired: schedule.lastFiredAt.map { Moment($0, now: now) })
        catchUp = CatchUp(rawValue: schedule.catchUp)?.label ?? schedule.catchUp
        let views = schedule.views ? ", views too" : ""
        tables = (schedule.tables.isEmpty ? "All tables" : schedule.tables.joined(separator: ", ")) + views
        createdBy = schedule.createdBy
        allRuns = Address.make("/runs", [("schedule", schedule.name)])
    }

    private static func timeless(_ schedule: ScheduleView) -> String {
        if schedule.isPaused { return "When it is resumed" }
        switch schedule.trigger.kind {
        case "file": return "When files arrive"
        case "after": return "After \(schedule.trigger.source ?? "the other pipeline")"
        default: return "Never"
        }
    }
}

/// What becomes of times that passed while nothing could run.
enum CatchUp: String, Sendable, CaseIterable {
    case latest
    case all
    case none

    var label: String {
        switch self {
        case .latest: "One run for the last of them"
        case .all: "A run for each of them"
        case .none: "Leave them out"
        }
    }

    var help: String {
        switch self {
        case .latest: "A clone is a whole snapshot, so one brings all up to date."
        case .all: "Oldest first, one after the other: for those who count runs."
        case .none: "It goes on with the next time."
        }
    }
}

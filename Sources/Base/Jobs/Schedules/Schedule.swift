package import Foundation
package import Kernel
import Postgres

/// A pipeline's schedule as it stands (table `weir.schedules`).
package struct Schedule: Sendable {
    package var id: ScheduleID
    package var organization: OrganizationID
    package var name: String
    package var plan: Plan
    /// The grid of `every` begins here.
    package var anchor: Date
    /// The first of its times that has had no run.
    package var nextAt: Date?
    /// `after`: the run that it is to follow.
    package var wokenBy: RunID?
    /// Why it has not fired although it is due.
    package var waiting: String?
    package var problem: StoredProblem?
    package var pause: Pause?
    package var lastRun: RunID?
    package var lastFiredAt: Date?
    package var createdBy: String

    /// What a person decides about it.
    package struct Plan: Sendable, Equatable {
        package var environment: String
        package var source: String
        package var trigger: ScheduleTrigger
        package var catchUp: CatchUp
        /// As an order of a clone has them.
        package var tables: [String]
        package var views: Bool

        package init(
            environment: String, source: String, trigger: ScheduleTrigger, catchUp: CatchUp, tables: [String],
            views: Bool
        ) {
            self.environment = environment
            self.source = source
            self.trigger = trigger
            self.catchUp = catchUp
            self.tables = tables
            self.views = views
        }

        /// Whether both make runs of the same pipeline at the same times.
        func firesLike(_ other: Plan) -> Bool {
            environment == other.environment && source == other.source && trigger == other.trigger
        }
    }

    package struct Pause: Sendable {
        package var by: String
        package var because: String?
    }

    /// Beside `weir.schedules s`.
    static let columns: SQL = """
        s.schedule_id, s.organization_id, s.name, s.environment, s.source, s.trigger, to_json(s.tables) AS table_list,
        s.views, s.catch_up, extract(epoch FROM s.anchor)::float8 AS anchor_s, extract(epoch FROM s.next_at)::float8 AS next_s,
        s.woken_by, s.waiting, s.problem, s.paused_at, s.paused_by, s.paused_because, s.last_run_id,
        extract(epoch FROM s.last_fired_at)::float8 AS fired_s, s.created_by
        """

    init(_ row: PGRow) throws {
        id = try row.id("schedule_id")
        organization = try row.id("organization_id")
        name = try row.string("name")
        plan = Plan(
            environment: try row.string("environment"), source: try row.string("source"),
            trigger: try row.json("trigger"), catchUp: CatchUp(rawValue: try row.string("catch_up")) ?? .latest,
            tables: try row.json("table_list"), views: try row.bool("views"))
        anchor = try row.moment("anchor_s")
        nextAt = try row.optionalMoment("next_s")
        wokenBy = try row.optional("woken_by").flatMap { RunID($0) }
        waiting = try row.optional("waiting")
        problem = try row.optionalJSON("problem")
        pause =
            try row.optional("paused_at") == nil
            ? nil : Pause(by: try row.optional("paused_by") ?? "", because: try row.optional("paused_because"))
        lastRun = try row.optional("last_run_id").flatMap { RunID($0) }
        lastFiredAt = try row.optionalMoment("fired_s")
        createdBy = try row.string("created_by")
    }

    /// Its times.
    package var clock: ScheduleClock { get throws { try ScheduleClock(plan.trigger, anchor: anchor) } }
}

extension ScheduleTrigger {
    /// Whose days and hours it goes by.
    package var zone: TimeZone {
        get throws {
            if case .cron(_, let name) = self { return try Self.zone(name) }
            return .gmt
        }
    }
}

/// A marker that somebody has put beside files that are whole.
package struct ScheduleMark: Sendable, Hashable {
    /// `orders/run_date=2026-11-24/_SUCCESS`
    package var key: String
    package var writtenAt: Date

    package init(key: String, writtenAt: Date) {
        self.key = key
        self.writtenAt = writtenAt
    }

    /// The same again if the marker is written anew.
    var text: String { "\(key) \(writtenAt.rfc3339)" }
}

/// One run that a schedule makes.
package struct Firing: Sendable {
    /// The time of the schedule that it stands for; nil for triggers that are no times.
    package var instant: Date?
    /// Its own among the schedule's firings: what is there already is not made again.
    package var key: String
    /// For people: `schedule nightly`.
    package var cause: String
    /// As `JobSpec.priority`.
    package var priority: Int

    package init(instant: Date?, key: String, cause: String, priority: Int) {
        self.instant = instant
        self.key = key
        self.cause = cause
        self.priority = priority
    }
}

import Foundation
package import Kernel
package import Postgres

/// Schedules of an organization, as people read and change them. Each method sees only that organization's.
package struct ScheduleBook: Sendable {
    private let pool: PGPool
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
    }

    /// By name.
    package func all(of organization: OrganizationID) async throws -> [Schedule] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT \(Schedule.columns) FROM weir.schedules s ORDER BY s.name").map(
                Schedule.init)
        }
    }

    /// - Throws: `notFound`.
    package func find(_ name: String, of organization: OrganizationID) async throws -> Schedule {
        try await pool.transaction(organization: organization) { connection in
            try await Self.find(name, on: connection)
        }
    }

    static func find(_ name: String, on connection: PGConnection) async throws -> Schedule {
        let found = try await connection.query(
            "SELECT \(Schedule.columns) FROM weir.schedules s WHERE s.name = \(name)")
        guard let row = found.first else { throw missing(name) }
        return try Schedule(row)
    }

    /// Makes a schedule, or changes one as a whole. The same again changes nothing, not even when it is due next. Nor do
    /// other tables, views or another catch-up policy change that: what is due, or was missed, stays so.
    /// - Parameter marks: `file`: the markers that are there by now, which are no news to a schedule that begins anew.
    /// - Throws: `invalidInput` for a trigger that cannot be, or schedules that would follow one another in a circle.
    package func put(
        _ name: String, _ plan: Schedule.Plan, marks: [ScheduleMark], of organization: OrganizationID, by person: String
    ) async throws {
        try plan.trigger.check()
        try await pool.transaction(organization: organization) { connection in
            // One after the other, so that two of them close no circle together.
            try await connection.query(
                "SELECT pg_advisory_xact_lock(hashtextextended(\("schedules/\(organization)"), 0))")
            let row = try await connection.query(
                "SELECT \(Schedule.columns) FROM weir.schedules s WHERE s.name = \(name) FOR UPDATE"
            ).first
            // One that cannot be read is replaced.
            let old = row.flatMap { try? Schedule($0) }
            if let old, old.plan == plan { return }
            if let old, old.plan.firesLike(plan) {
                try await connection.query(
                    """
                    UPDATE weir.schedules SET tables = \(PGArray.text(plan.tables))::text[], views = \(plan.views),
                      catch_up = \(plan.catchUp.rawValue) WHERE schedule_id = \(old.id)
                    """)
                return
            }
            try await refuseCircle(name, plan, on: connection)
            let made = try await begin(name, plan, of: organization, by: person, on: connection)
            if old?.plan.trigger != plan.trigger {
                try await connection.query("DELETE FROM weir.schedule_marks WHERE schedule_id = \(made)")
            }
            try await ScheduleMarks.remember(marks, of: made, in: organization, on: connection)
        }
    }

    /// From now on, by the clock that all servers go by: what was due until now is so no more.
    private func begin(
        _ name: String, _ plan: Schedule.Plan, of organization: OrganizationID, by person: String,
        on connection: PGConnection
    ) async throws -> ScheduleID {
        let clock = try await connection.query("SELECT extract(epoch FROM clock_timestamp())::float8 AS now")
        guard let now = try clock.first?.moment("now") else { throw PGError.result(message: "There is no time.") }
        let next = try ScheduleClock(plan.trigger, anchor: now).next(after: now)?.rfc3339
        let look: String? = if case .file = plan.trigger { now.rfc3339 } else { next }
        let (id, tables) = (time.makeID(ScheduleTag.self), PGArray.text(plan.tables))
        let made = try await connection.query(
            """
            INSERT INTO weir.schedules AS s (schedule_id, organization_id, name, environment, source, trigger, tables,
              views, catch_up, anchor, next_at, look_at, created_by)
            VALUES (\(id), \(organization), \(name), \(plan.environment), \(plan.source),
              \(try JSONValue(plan.trigger)), \(tables)::text[], \(plan.views), \(plan.catchUp.rawValue), \(now),
              \(next)::timestamptz, \(look)::timestamptz, \(person))
            ON CONFLICT (organization_id, name) DO UPDATE SET environment = excluded.environment,
              source = excluded.source, trigger = excluded.trigger, tables = excluded.tables, views = excluded.views,
              catch_up = excluded.catch_up, anchor = excluded.anchor, next_at = excluded.next_at,
              look_at = excluded.look_at, woken_by = NULL, waiting = NULL, problem = NULL
            RETURNING schedule_id
            """)
        guard let row = made.first else { throw Self.missing(name) }
        return try row.id("schedule_id")
    }

    /// A schedule that waits for itself, over others, would run for ever once begun.
    private func refuseCircle(_ name: String, _ plan: Schedule.Plan, on connection: PGConnection) async throws {
        guard case .after(let before) = plan.trigger else { return }
        let others = try await connection.query(
            """
            SELECT source, trigger ->> 'source' AS before FROM weir.schedules
            WHERE environment = \(plan.environment) AND trigger ->> 'kind' = 'after' AND name <> \(name)
            """
        ).map { (source: try $0.string("source"), before: try $0.string("before")) }
        var reached: Set<String> = [before]
        var isGrowing = true
        while isGrowing {
            let further = others.filter { reached.contains($0.source) }.map(\.before)
            isGrowing = !reached.isSuperset(of: further)
            reached.formUnion(further)
        }
        guard !reached.contains(plan.source) else {
            throw Problem(
                .invalidInput, "\(plan.source) would come after itself: the schedules follow one another in a circle.",
                hint: "Give one of them another trigger.")
        }
    }

    /// - Throws: `notFound`.
    package func remove(_ name: String, of organization: OrganizationID) async throws {
        try await change(name, of: organization, "DELETE FROM weir.schedules WHERE name = \(name) RETURNING name")
    }

    /// - Throws: `notFound`.
    package func pause(
        _ name: String, of organization: OrganizationID, by person: String, because reason: String?
    ) async throws {
        try await change(
            name, of: organization,
            """
            UPDATE weir.schedules SET paused_at = coalesce(paused_at, now()), paused_by = \(person),
              paused_because = \(reason) WHERE name = \(name) RETURNING name
            """)
    }

    /// What was missed meanwhile follows the catch-up policy.
    /// - Throws: `notFound`.
    package func resume(_ name: String, of organization: OrganizationID) async throws {
        try await change(
            name, of: organization,
            """
            UPDATE weir.schedules SET paused_at = NULL, paused_by = NULL, paused_because = NULL,
              woken_by = CASE WHEN catch_up = 'none' THEN NULL ELSE woken_by END
            WHERE name = \(name) RETURNING name
            """)
    }

    private func change(_ name: String, of organization: OrganizationID, _ statement: SQL) async throws {
        let changed = try await pool.transaction(organization: organization) { connection in
            try await connection.query(statement)
        }
        guard !changed.isEmpty else { throw Self.missing(name) }
    }

    /// Also of a schedule that is not to be seen.
    package static func missing(_ name: String) -> Problem {
        Problem(.notFound, "There is no schedule \(name).", hint: "`weir schedules` lists those there are.")
    }
}

/// Markers that a schedule has dealt with (table `weir.schedule_marks`).
enum ScheduleMarks {
    static func remember(
        _ marks: [ScheduleMark], of schedule: ScheduleID, in organization: OrganizationID, on connection: PGConnection
    ) async throws {
        guard !marks.isEmpty else { return }
        try await connection.query(
            """
            INSERT INTO weir.schedule_marks (schedule_id, organization_id, mark)
            SELECT \(schedule), \(organization), m FROM unnest(\(PGArray.text(marks.map(\.text)))::text[]) m
            ON CONFLICT DO NOTHING
            """)
    }

    /// Those that it has not dealt with, the oldest first. What is not there any more is forgotten.
    static func fresh(
        among marks: [ScheduleMark], of schedule: ScheduleID, on connection: PGConnection
    ) async throws -> [ScheduleMark] {
        let list = PGArray.text(marks.map(\.text))
        try await connection.query(
            "DELETE FROM weir.schedule_marks WHERE schedule_id = \(schedule) AND mark <> ALL (\(list)::text[])")
        let known = try await connection.query(
            "SELECT mark FROM weir.schedule_marks WHERE schedule_id = \(schedule)")
        let texts = Set(try known.map { try $0.string("mark") })
        return marks.filter { !texts.contains($0.text) }.sorted { ($0.writtenAt, $0.key) < ($1.writtenAt, $1.key) }
    }
}

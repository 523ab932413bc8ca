import Foundation
package import Kernel
package import Postgres

/// Makes the runs of schedules and opens maintenance windows. It runs in every server: what is due is locked while one of
/// them deals with it, and the database's clock is the only one that counts.
package struct Scheduler: Sendable {
    /// Makes a run inside the transaction on the connection, with this idempotency key.
    package typealias MakeRun = @Sendable (Schedule, Firing, _ key: String, PGConnection) async throws -> RunID
    /// The markers below the location of a `file` trigger.
    package typealias FindMarks = @Sendable (Schedule) async throws -> [ScheduleMark]

    /// Between two looks at a location.
    package static let marksPause: Duration = .seconds(15)
    /// Until a schedule is looked at again whose run before goes on.
    package static let busyPause: Duration = .seconds(5)
    /// After a failure, such as a location that cannot be read.
    package static let problemPause: Duration = .seconds(60)

    private let pool: PGPool
    private let makeRun: MakeRun
    private let findMarks: FindMarks
    private let observe: Observe

    package init(
        pool: PGPool, observe: @escaping Observe, makeRun: @escaping MakeRun, findMarks: @escaping FindMarks
    ) {
        self.pool = pool
        self.observe = observe
        self.makeRun = makeRun
        self.findMarks = findMarks
    }

    /// Deals with what is due now, of all organizations. Returns how much that was: call it again until it is 0.
    /// - Throws: `PGError`.
    @discardableResult
    package func tick(most: Int = 50) async throws -> Int {
        let due = try await pool.withConnection { connection in
            try await connection.query("SELECT * FROM weir.due_schedules(\(most))")
        }
        var done = 0
        for row in due {
            let organization: OrganizationID = try row.id("organization_id")
            let isDone =
                try row.string("kind") == "window"
                ? try await MaintenanceWindows(pool: pool).open(row.string("id"), of: organization)
                : try await look(at: row.id("id"), of: organization)
            if isDone { done += 1 }
        }
        return done
    }

    /// False if another server has it, or it is not due any more.
    private func look(at id: ScheduleID, of organization: OrganizationID) async throws -> Bool {
        do {
            let marks = try await marks(of: id, organization)
            guard let fired = try await decide(id, organization, marks) else { return false }
            if let run = fired.run { observe(.scheduleFired(schedule: fired.name, run: run)) }
            return true
        } catch let problem as Problem {
            try await note(problem, of: id, organization)
            return true
        }
    }

    /// Nil unless it is a `file` trigger. Looked up before anything is locked: the place may be slow.
    private func marks(of id: ScheduleID, _ organization: OrganizationID) async throws -> [ScheduleMark]? {
        let schedule = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT \(Schedule.columns) FROM weir.schedules s WHERE s.schedule_id = \(id) AND s.trigger ->> 'kind' = 'file'
                """
            ).first.map(Schedule.init)
        }
        guard let schedule else { return nil }
        return try await findMarks(schedule)
    }

    private func decide(
        _ id: ScheduleID, _ organization: OrganizationID, _ marks: [ScheduleMark]?
    ) async throws -> (name: String, run: RunID?)? {
        try await pool.transaction(organization: organization) { connection in
            let locked = try await connection.query(
                """
                SELECT \(Schedule.columns), extract(epoch FROM clock_timestamp())::float8 AS now,
                  EXISTS (SELECT FROM weir.runs r WHERE r.schedule_id = s.schedule_id AND r.state IN ('PENDING', 'RUNNING')
                    AND r.cause NOT LIKE 'backfill%') AS is_busy
                FROM weir.schedules s
                WHERE s.schedule_id = \(id) AND s.paused_at IS NULL AND s.look_at <= clock_timestamp()
                FOR UPDATE SKIP LOCKED
                """)
            guard let row = locked.first else { return nil }
            let schedule = try Schedule(row)
            let now = try row.moment("now")
            let step = try await ScheduleStep.next(
                of: schedule, marks: marks, isBusy: row.bool("is_busy"), now: now, on: connection)
            let run: RunID? =
                if let firing = step.firing { try await fire(schedule, firing, on: connection).id } else { nil }
            try await store(step, of: schedule, on: connection)
            return (schedule.name, run)
        }
    }

    /// Makes the run of a firing in the caller's transaction; the earlier one, if that firing was before.
    package func fire(
        _ schedule: Schedule, _ firing: Firing, on connection: PGConnection
    ) async throws
        -> (id: RunID, isNew: Bool)
    {
        let run = try await makeRun(schedule, firing, "schedule/\(schedule.id)/\(firing.key)", connection)
        let isNew = try await !connection.query(
            """
            UPDATE weir.runs SET schedule_id = \(schedule.id), scheduled_for = \(firing.instant), cause = \(firing.cause)
            WHERE run_id = \(run) AND schedule_id IS NULL RETURNING run_id
            """
        ).isEmpty
        try await connection.query(
            """
            UPDATE weir.schedules SET last_run_id = \(run), last_fired_at = now() WHERE schedule_id = \(schedule.id)
            """)
        return (run, isNew)
    }

    private func store(_ step: ScheduleStep, of schedule: Schedule, on connection: PGConnection) async throws {
        let seconds = step.lookAfter.map { $0 / .seconds(1) }
        try await connection.query(
            """
            UPDATE weir.schedules SET next_at = \(step.nextAt), waiting = \(step.waiting), problem = NULL,
              woken_by = CASE WHEN \(step.isAwake) THEN woken_by END,
              look_at = coalesce(clock_timestamp() + make_interval(secs => \(seconds)::float8), \(step.nextAt))
            WHERE schedule_id = \(schedule.id)
            """)
    }

    private func note(_ problem: Problem, of id: ScheduleID, _ organization: OrganizationID) async throws {
        let pause = Self.problemPause / .seconds(1)
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                UPDATE weir.schedules SET problem = \(try JSONValue(StoredProblem(problem))),
                  look_at = clock_timestamp() + make_interval(secs => \(pause)::float8) WHERE schedule_id = \(id)
                """)
        }
        observe(.partFailed(part: "schedule", problem: problem))
    }
}

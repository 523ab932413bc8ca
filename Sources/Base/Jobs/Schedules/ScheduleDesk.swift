import Foundation
import Kernel
import Postgres

/// Deals with one schedule at a time, under the lock of its row.
struct ScheduleDesk: Sendable {
    /// What has become of a schedule that seemed due.
    enum Outcome: Sendable {
        /// Another server has it, or it is not due any more.
        case passed
        case done
        case fired(name: String, run: RunID)
        /// This server is to look at its location.
        case place(MarkerClaim)
    }

    /// What a look at a location has found.
    private struct Found: Sendable {
        var claim: MarkerClaim
        var marks: [ScheduleMark]
    }

    let pool: PGPool
    let observe: Observe
    let makeRun: Scheduler.MakeRun
    let findMarks: Scheduler.FindMarks
    /// How long a look at a location may take.
    let patience: Duration

    /// For what comes after a look, before another server looks.
    private static let slack: Duration = .seconds(30)

    /// Fires, or says that a location has to be looked at first: the place may be slow, and nothing waits for it.
    /// - Throws: `CancellationError`; `PGError` if the metadata database may do it another time.
    func deal(with id: ScheduleID, of organization: OrganizationID) async throws -> Outcome {
        try await noting(id, organization, nil) { try await decide(id, organization, nil) }
    }

    /// Looks at the location of a schedule, and fires if there is news.
    /// - Throws: as `deal`.
    func look(at waiting: MarkerClaim) async throws {
        guard let (schedule, claim) = try await begin(waiting) else { return }
        guard case .file(let location) = schedule.plan.trigger else { return }
        _ = try await noting(schedule.id, schedule.organization, claim) {
            let marks = try await ScheduleMark.found(at: location, within: patience) { try await findMarks(schedule) }
            return try await decide(schedule.id, schedule.organization, Found(claim: claim, marks: marks))
        }
    }

    // MARK: - Claims of locations

    /// Of a claim that begins now.
    private var lease: Double { (patience + Self.slack) / .seconds(1) }

    private static let until: SQL = "extract(epoch FROM s.look_at)::text AS until"

    /// Beside `weir.schedules s`: nobody has taken it over or changed when it fires.
    private static func isHeld(_ claim: MarkerClaim) -> SQL {
        "extract(epoch FROM s.look_at) = \(claim.until)::numeric"
    }

    private func claim(_ schedule: Schedule, on connection: PGConnection) async throws -> MarkerClaim {
        let claimed = try await connection.query(
            """
            UPDATE weir.schedules s SET look_at = clock_timestamp() + make_interval(secs => \(lease)::float8)
            WHERE s.schedule_id = \(schedule.id) RETURNING \(Self.until)
            """)
        guard let row = claimed.first else { throw ScheduleBook.missing(schedule.name) }
        return MarkerClaim(
            schedule: schedule.id, organization: schedule.organization, until: try row.string("until"))
    }

    /// The claim anew, from now: it may have stood in line. Nil if it has run out, or the schedule is paused or another.
    private func begin(_ waiting: MarkerClaim) async throws -> (Schedule, MarkerClaim)? {
        try await pool.transaction(organization: waiting.organization) { connection in
            let begun = try await connection.query(
                """
                UPDATE weir.schedules s SET look_at = clock_timestamp() + make_interval(secs => \(lease)::float8)
                WHERE s.schedule_id = \(waiting.schedule) AND s.paused_at IS NULL AND s.look_at > clock_timestamp()
                  AND \(Self.isHeld(waiting))
                RETURNING \(Schedule.columns), \(Self.until)
                """)
            guard let row = begun.first else { return nil }
            var claim = waiting
            claim.until = try row.string("until")
            return (try Schedule(row), claim)
        }
    }

    // MARK: - Decisions

    private func decide(
        _ id: ScheduleID, _ organization: OrganizationID, _ found: Found?
    ) async throws -> Outcome {
        let outcome = try await pool.transaction(organization: organization) { connection in
            try await decide(id, found, on: connection)
        }
        if case .fired(let name, let run) = outcome { observe(.scheduleFired(schedule: name, run: run)) }
        return outcome
    }

    private func decide(_ id: ScheduleID, _ found: Found?, on connection: PGConnection) async throws -> Outcome {
        guard let row = try await locked(id, found?.claim, on: connection) else { return .passed }
        let schedule = try Schedule(row)
        if case .file = schedule.plan.trigger, found == nil {
            return .place(try await claim(schedule, on: connection))
        }
        let step = try await ScheduleStep.next(
            of: schedule, marks: found?.marks, isBusy: row.bool("is_busy"), now: row.moment("now"), on: connection)
        guard let firing = step.firing else {
            try await store(step, of: schedule, on: connection)
            return .done
        }
        let run = try await fire(schedule, firing, on: connection).id
        try await store(step, of: schedule, on: connection)
        return .fired(name: schedule.name, run: run)
    }

    /// The row of a schedule that is due; with a claim, of the one that is still claimed.
    private func locked(
        _ id: ScheduleID, _ claim: MarkerClaim?, on connection: PGConnection
    ) async throws -> PGRow? {
        // What a look has found is not thrown away because somebody has the row at this moment.
        let isMeant: SQL =
            if let claim {
                "\(Self.isHeld(claim)) FOR UPDATE"
            } else {
                "s.look_at <= clock_timestamp() FOR UPDATE SKIP LOCKED"
            }
        return try await connection.query(
            """
            SELECT \(Schedule.columns), extract(epoch FROM clock_timestamp())::float8 AS now,
              EXISTS (SELECT FROM weir.runs r WHERE r.schedule_id = s.schedule_id AND r.state IN ('PENDING', 'RUNNING')
                AND r.cause NOT LIKE 'backfill%') AS is_busy
            FROM weir.schedules s
            WHERE s.schedule_id = \(id) AND s.paused_at IS NULL AND \(isMeant)
            """
        ).first
    }

    /// Makes the run of a firing in the caller's transaction; the earlier one, if that firing was before.
    func fire(
        _ schedule: Schedule, _ firing: Firing, on connection: PGConnection
    ) async throws -> (id: RunID, isNew: Bool) {
        // Before the run: of two that make the same runs, one waits here and holds nothing that the other waits for.
        let found = try await connection.query(
            "SELECT FROM weir.schedules WHERE schedule_id = \(schedule.id) FOR UPDATE")
        guard !found.isEmpty else { throw ScheduleBook.missing(schedule.name) }
        let run = try await makeRun(schedule, firing, "schedule/\(schedule.id)/\(firing.key)", connection)
        let isNew = try await !connection.query(
            """
            UPDATE weir.runs
            SET schedule_id = \(schedule.id), scheduled_for = \(firing.instant), cause = \(firing.cause)
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

    // MARK: - Failures

    /// What one schedule cannot do is told of that schedule, and keeps no other waiting.
    /// - Throws: `CancellationError`; `PGError` if the metadata database may do it another time.
    private func noting(
        _ id: ScheduleID, _ organization: OrganizationID, _ claim: MarkerClaim?, _ work: () async throws -> Outcome
    ) async throws -> Outcome {
        do {
            return try await work()
        } catch {
            guard let problem = Self.problem(of: error) else { throw error }
            try await note(problem, of: id, organization, claim)
            return .done
        }
    }

    /// Nil for what is not the schedule's: the server stops, or the metadata database is away.
    private static func problem(of error: any Error) -> Problem? {
        if Task.isCancelled || error is CancellationError { return nil }
        guard let error = error as? PGError else { return Problem(wrapping: error) }
        return error.isTransient ? nil : error.asMetadataProblem
    }

    private func note(
        _ problem: Problem, of id: ScheduleID, _ organization: OrganizationID, _ claim: MarkerClaim?
    ) async throws {
        let pause = Scheduler.problemPause / .seconds(1)
        let isMeant: SQL = claim.map(Self.isHeld) ?? "true"
        let noted = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                UPDATE weir.schedules s SET problem = \(try JSONValue(StoredProblem(problem))),
                  look_at = clock_timestamp() + make_interval(secs => \(pause)::float8)
                WHERE s.schedule_id = \(id) AND \(isMeant) RETURNING s.schedule_id
                """)
        }
        if !noted.isEmpty { observe(.partFailed(part: "schedule", problem: problem)) }
    }
}

package import Kernel
package import Postgres

/// Makes the runs of schedules and opens maintenance windows. It runs in every server: what is due is locked while one
/// of them deals with it, and the database's clock is the only one that counts.
///
/// Locations of `file` triggers may be slow. So a tick only claims them: `look_at` is moved on, no other server looks
/// meanwhile, and a few at once are looked at beside the ticks, as long as the scheduler is there.
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
    private let desk: ScheduleDesk
    private let looks: MarkerLooks

    /// - Parameter patience: how long a look at a location may take.
    package init(
        pool: PGPool, observe: @escaping Observe, patience: Duration = ScheduleMark.patience,
        makeRun: @escaping MakeRun, findMarks: @escaping FindMarks
    ) {
        let desk = ScheduleDesk(
            pool: pool, observe: observe, makeRun: makeRun, findMarks: findMarks, patience: patience)
        self.pool = pool
        self.desk = desk
        looks = MarkerLooks { claim in
            do {
                try await desk.look(at: claim)
            } catch let error as PGError {
                // Not the schedule's: the claim runs out, and somebody looks again.
                observe(.partFailed(part: "schedules", problem: error.asMetadataProblem))
            } catch {
                // The server stops.
            }
        }
    }

    /// Deals with what is due now, of all organizations. Returns how much that was: call it again until it is 0.
    /// - Throws: `PGError` when the database is away; the first failure that could not be told of a schedule, after all
    ///   else was dealt with.
    @discardableResult
    package func tick(most: Int = 50) async throws -> Int {
        let due = try await pool.withConnection { connection in
            try await connection.query("SELECT * FROM weir.due_schedules(\(most))")
        }
        var done = 0
        var failure: (any Error)?
        for row in due {
            do {
                if try await deal(with: row) { done += 1 }
            } catch {
                if error is CancellationError { throw error }
                if case .connection = error as? PGError { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return done
    }

    /// False if another server has it, or it is not due any more.
    private func deal(with row: PGRow) async throws -> Bool {
        let organization: OrganizationID = try row.id("organization_id")
        guard try row.string("kind") == "schedule" else {
            return try await MaintenanceWindows(pool: pool).open(row.string("id"), of: organization)
        }
        switch try await desk.deal(with: row.id("id"), of: organization) {
        case .passed: return false
        case .done, .fired: return true
        case .place(let claim):
            looks.add(claim)
            return true
        }
    }

    /// Makes the run of a firing in the caller's transaction; the earlier one, if that firing was before.
    /// - Throws: `notFound` if the schedule was removed meanwhile.
    package func fire(
        _ schedule: Schedule, _ firing: Firing, on connection: PGConnection
    ) async throws -> (id: RunID, isNew: Bool) {
        try await desk.fire(schedule, firing, on: connection)
    }
}

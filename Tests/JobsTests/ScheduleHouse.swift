import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse

/// Schedules over the tests' queue.
extension JobHouse {
    /// As each server has one. Runs are of one job, which nobody takes.
    /// - Parameter failing: the schedule for which the database refuses to make a run.
    func scheduler(
        patience: Duration = .seconds(600), failing: String = "",
        findMarks: @escaping Scheduler.FindMarks = { _ in [] }
    ) -> Scheduler {
        Scheduler(
            pool: metadata.application, observe: { _ in }, patience: patience,
            makeRun: { schedule, _, key, connection in
                if schedule.name == failing { throw PGError.result(message: "refused") }
                return try await queue.enqueue(
                    run: TimeSource.system.makeID(), kind: "test", organization: schedule.organization,
                    environment: "dev", source: "shop",
                    jobs: [JobSpec(kind: "a", payload: try JSONValue(0), after: [])], idempotencyKey: key,
                    time: .system, on: connection)
            },
            findMarks: findMarks)
    }

    func put(
        _ name: String, _ trigger: ScheduleTrigger, tables: [String] = [], catchUp: CatchUp = .latest,
        marks: [ScheduleMark] = [], of owner: OrganizationID? = nil, time: TimeSource = .system
    ) async throws {
        let plan = Schedule.Plan(
            environment: "dev", source: "shop", trigger: trigger, catchUp: catchUp, tables: tables, views: false)
        try await ScheduleBook(pool: metadata.application, time: time).put(
            name, plan, marks: marks, of: owner ?? organization, by: "ada")
    }

    func schedule(_ name: String) async throws -> Schedule {
        try await ScheduleBook(pool: metadata.application, time: .system).find(name, of: organization)
    }

    /// As if no server had looked at it for so many minutes, since when it is due.
    func makeDue(_ name: String, minutes: Int) async throws {
        try await metadata.database.query(
            """
            UPDATE weir.schedules s SET look_at = d.since, anchor = d.since,
              next_at = CASE WHEN s.next_at IS NOT NULL THEN d.since END
            FROM (SELECT date_trunc('second', now()) - make_interval(mins => \(minutes)::int) AS since) d
            WHERE s.name = \(name)
            """)
    }

    func runs(of schedule: String) async throws -> Int64 {
        try await metadata.database.number(
            "SELECT count(*) FROM weir.runs JOIN weir.schedules s USING (schedule_id) WHERE s.name = \(schedule)")
    }

    /// Returns when a schedule has made a run.
    func firing(of schedule: String) async throws {
        try await metadata.database.wait(
            until: """
                EXISTS (SELECT FROM weir.runs JOIN weir.schedules s USING (schedule_id) WHERE s.name = \(schedule))
                """)
    }

    /// A window that is due to open.
    func putWindow() async throws {
        try await MaintenanceWindows(pool: metadata.application).put(
            "nightly", key: "warehouse/x", expression: "* * * * *", timeZone: "UTC", minutes: 600, because: nil,
            id: UUID(), of: organization, now: Date())
    }

    func isWindowOpen() async throws -> Bool {
        try await MaintenanceWindows(pool: metadata.application).all(of: organization).contains { $0.openUntil != nil }
    }
}

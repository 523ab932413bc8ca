import Foundation
import Ingestion
import Jobs
import Kernel
import Postgres
import Wire

/// What schedules run: clones of a known source, with the tables that the schedule names.
struct ScheduledClones: Sendable {
    let house: House

    var scheduler: Scheduler {
        Scheduler(
            pool: house.pool, observe: house.observe,
            makeRun: { schedule, firing, key, connection in
                try await makeRun(schedule, firing, key: key, on: connection)
            },
            findMarks: { try await MarkerPlace(house: house).marks(of: $0) })
    }

    private func makeRun(
        _ schedule: Schedule, _ firing: Firing, key: String, on connection: PGConnection
    ) async throws -> RunID {
        let plan = schedule.plan
        let order = CloneOrder(
            client: try await House.slug(on: connection), environment: plan.environment, source: plan.source,
            tables: plan.tables, views: plan.views,
            day: (firing.instant ?? house.time.now()).utcDay)
        // Each firing is a trace of its own: nobody's request made it.
        return try await TraceContext.$current.withValue(TraceContext.current ?? .begin(house.time.makeUUID())) {
            try await house.queue.enqueue(
                run: RunID(house.time.makeUUID()), kind: CloneRun.kind, organization: schedule.organization,
                environment: plan.environment, source: plan.source,
                jobs: try CloneRun.jobs(
                    for: order, of: schedule.organization, priority: firing.priority,
                    deadline: house.settings.cloneDeadline),
                idempotencyKey: key, time: house.time, on: connection)
        }
    }
}

import Access
import Foundation
import Jobs
import Kernel
import Postgres

/// What every server does beside answering: it makes the runs that are due, tells what has happened, and forgets what is
/// old. Any number of servers do it side by side.
struct Caretaker: Sendable {
    /// Between two looks at what is due.
    private static let pause: Duration = .seconds(1)
    private static let forgetting: Duration = .seconds(3600)
    private static let removing: Duration = .seconds(5)
    /// Runs in one transaction.
    private static let batch = 500
    /// Lines of the audit in one transaction.
    private static let auditBatch = 10_000

    let house: House

    /// Runs until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let scheduler = ScheduledClones(house: house).scheduler
                await again(every: Self.pause, "schedules") { while try await scheduler.tick() > 0 {} }
            }
            group.addTask {
                let notices = NoticeBook(pool: house.pool, time: house.time)
                await again(every: Self.pause, "notices") { while try await notices.tick() > 0 {} }
            }
            group.addTask { await again(every: Self.forgetting, "retention") { try await forget() } }
            group.addTask {
                let retention = DataRetention(house: house)
                await again(every: Self.forgetting, DataRetention.part) { try await retention.tick() }
            }
            group.addTask {
                let removal = OrganizationRemoval(house: house)
                await again(every: Self.removing, "removal of organizations") { try await removal.tick() }
            }
        }
    }

    /// What fails is told once, until it goes well again.
    private func again(
        every pause: Duration, _ part: String, _ work: @Sendable () async throws -> Void
    ) async {
        var isWell = true
        while !Task.isCancelled {
            do {
                try await work()
                isWell = true
            } catch is CancellationError {
                return
            } catch {
                let problem = Problem(ofMetadata: error)
                if isWell { house.observe(.partFailed(part: part, problem: problem)) }
                isWell = false
            }
            try? await Task.sleep(for: pause)
        }
    }

    private func forget() async throws {
        var touched: Int64 = 1
        while touched > 0, !Task.isCancelled {
            touched =
                try await house.pool.withConnection { connection in
                    try await connection.query("SELECT weir.forget_runs(\(Self.batch)) AS touched").first?.int(
                        "touched")
                } ?? 0
        }
        try await house.pool.withConnection { connection in
            _ = try await connection.query("SELECT weir.forget_notices()")
        }
        let audit = AuditBook(pool: house.pool)
        while try await audit.cut(most: Self.auditBatch) > 0, !Task.isCancelled {}
    }
}

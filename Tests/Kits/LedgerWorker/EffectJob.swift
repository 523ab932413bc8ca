import Jobs
import Kernel

/// What a job is to do, as its order was drawn.
struct EffectOrder: Codable, Sendable {
    /// Where a test can hold it.
    enum Hold: String, Codable, Sendable {
        /// At the gate, before its effect or after it.
        case before, after
        /// In the middle of its work, in its first attempt: until it is cancelled.
        case cancelled
    }

    var milliseconds: Int
    var reports: Bool
    /// So many first attempts fail before the effect, and so many more after it.
    var failuresBefore: Int
    var failuresAfter: Int
    var hold: Hold?
}

/// Works a little, has one effect, and works on.
struct EffectJob: JobHandler {
    let kind = "effect"
    let ledger: Ledger

    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let order: EffectOrder = try job.payload()
        if order.hold == .cancelled, job.attempt == 1 { try await waitToBeCancelled(job) }
        let half = Duration.milliseconds(order.milliseconds) / 2
        try await Task.sleep(for: half)
        if order.reports {
            try await context.report(JobProgress(done: 1, total: 2, unit: "halves"))
            try await context.log("Half of it is done.")
        }
        if job.attempt <= order.failuresBefore { throw Problem(.busy, "As was ordered, before the effect.") }
        // In a task of its own, which nobody cancels: what is on its way to the border cannot be called back. The border
        // has to refuse it alone.
        try await Task {
            try await pass(.before, order, job)
            try await ledger.enter(job)
            try await pass(.after, order, job)
        }.value
        if job.attempt <= order.failuresBefore + order.failuresAfter {
            throw Problem(.busy, "As was ordered, after the effect.")
        }
        try await Task.sleep(for: half)
        return job.fence
    }

    private func pass(_ place: EffectOrder.Hold, _ order: EffectOrder, _ job: ClaimedJob) async throws {
        guard order.hold == place else { return }
        try await ledger.note("held \(place.rawValue)", of: job)
        try await ledger.passGate()
    }

    private func waitToBeCancelled(_ job: ClaimedJob) async throws {
        try await ledger.note("held", of: job)
        do {
            while true { try await Task.sleep(for: .seconds(60)) }
        } catch {
            try await Task { try await ledger.note("gave up", of: job) }.value
            throw error
        }
    }
}

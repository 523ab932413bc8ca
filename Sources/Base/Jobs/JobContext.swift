import Kernel
import Postgres

/// What a handler may do beside its work: report, log, read what came before.
package struct JobContext: Sendable {
    private let queue: JobQueue
    private let job: ClaimedJob
    private let throttle = Throttle()

    init(queue: JobQueue, job: ClaimedJob) {
        self.queue = queue
        self.job = job
    }

    /// Stores how far it is; at most four times a second, the last one of a burst always.
    /// - Throws: `leaseLost`.
    package func report(_ progress: JobProgress) async throws {
        guard await throttle.admits(progress) else { return }
        try await queue.report(progress, of: job)
    }

    /// Makes sure, at the border of an outside effect, that the job is still this worker's.
    /// - Throws: `leaseLost`.
    package func confirmLease() async throws { try await queue.heartbeat(job) }

    package func log(_ level: LogLevel, _ text: String) async throws {
        try await queue.log(level, text, of: job)
    }

    package func log(_ text: String) async throws { try await log(.info, text) }

    /// What another job of this run left.
    /// - Throws: `internal` if it left nothing.
    package func result<Value: Decodable>(of kind: String, as type: Value.Type = Value.self) async throws -> Value {
        guard let value = try await queue.result(of: kind, in: job, as: type) else {
            throw Problem(.internal, "The \(kind) job of this run left no result.")
        }
        return value
    }

    private actor Throttle {
        private var last: ContinuousClock.Instant?

        func admits(_ progress: JobProgress) -> Bool {
            let now = ContinuousClock.now
            if let last, now - last < .milliseconds(250), progress.done != progress.total { return false }
            last = now
            return true
        }
    }
}

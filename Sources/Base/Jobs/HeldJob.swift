import Kernel
import Synchronization

/// A job in a worker's hands: until when it surely holds it, and what stops its handler before it is done.
final class HeldJob: Sendable {
    /// Why a handler is stopped.
    enum Stop: Error, Equatable {
        /// Another worker has the job.
        case leaseLost
        /// The database has not confirmed the lease in time: another worker may have the job soon.
        case leaseUnsure
        case cancelAsked
        case tookTooLong(Duration)
        case deadlinePassed
        case workerStops
    }

    private struct State {
        var leaseEnds: ContinuousClock.Instant
        var stop: Stop?
        /// The handler's, while it runs.
        var cancel: (@Sendable () -> Void)?
        var isDone = false
    }

    let job: ClaimedJob
    private let timeout: Duration?
    private let claimed: ContinuousClock.Instant
    private let state: Mutex<State>

    /// - Parameter claimed: when the claim was asked for: its lease is no shorter than from then.
    init(_ job: ClaimedJob, timeout: Duration?, claimed: ContinuousClock.Instant) {
        self.job = job
        self.timeout = timeout
        self.claimed = claimed
        state = Mutex(State(leaseEnds: claimed + JobQueue.lease))
    }

    /// When the lease surely ends; later if the database says so in time.
    var leaseEnds: ContinuousClock.Instant { state.withLock(\.leaseEnds) }

    /// Why its handler was stopped.
    var stopped: Stop? { state.withLock(\.stop) }

    func keep(until end: ContinuousClock.Instant) { state.withLock { $0.leaseEnds = max($0.leaseEnds, end) } }

    /// Stops the handler, now or as soon as it begins; only the first reason counts, and none once it is done.
    func stop(_ reason: Stop) {
        let cancel = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.stop == nil, !state.isDone else { return nil }
            state.stop = reason
            return state.cancel
        }
        cancel?()
    }

    /// Stops the handler if its time is over. The lease's is a little before its end, so that nothing of it runs any more
    /// when another worker can have the job.
    func check(at now: ContinuousClock.Instant) {
        if now >= leaseEnds - JobQueue.lease / 10 {
            stop(.leaseUnsure)
        } else if let left = job.timeLeft, now >= claimed + left {
            stop(.deadlinePassed)
        } else if let timeout, now >= claimed + timeout {
            stop(.tookTooLong(timeout))
        }
    }

    /// Runs the handler in a task of its own, which `stop` cancels.
    /// - Throws: `Stop`, whatever a handler makes of its cancellation; what `work` throws.
    func run<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        check(at: .now)
        if let stopped { throw stopped }
        let task = Task { try await work() }
        let isStopped = state.withLock { state in
            state.cancel = { task.cancel() }
            return state.stop != nil
        }
        if isStopped { task.cancel() }
        let result = await task.result
        let stop = state.withLock { state in
            state.cancel = nil
            state.isDone = true
            return state.stop
        }
        if let stop { throw stop }
        return try result.get()
    }
}

extension HeldJob.Stop {
    /// What it is for the job's state machine.
    var event: JobEvent {
        switch self {
        case .leaseLost: .leaseLost
        case .leaseUnsure: .failed(.metadataUnavailable)
        case .cancelAsked: .cancelled
        case .tookTooLong: .failed(.timedOut)
        case .deadlinePassed: .deadlinePassed
        case .workerStops: .workerStopped
        }
    }

    func problem(of job: ClaimedJob) -> Problem {
        switch self {
        case .leaseLost: JobQueue.lost(job)
        case .leaseUnsure:
            Problem(
                .metadataUnavailable,
                "The lease of this \(job.kind) job was not confirmed in time: the metadata database was away, or the "
                    + "worker stood still.",
                hint: "See `weir status` and the load of the worker's machine.")
        case .cancelAsked: Problem(.cancelled, "The \(job.kind) job was cancelled.")
        case .tookTooLong(let timeout):
            Problem(
                .timedOut, "The \(job.kind) job took longer than \(Int(timeout / .seconds(1))) seconds.",
                hint: "Look in its log for what it was at.")
        case .deadlinePassed:
            Problem(
                .timedOut, "The \(job.kind) job did not \(job.isTooLate ? "begin" : "end") before its deadline.",
                hint: "Look in its log for what it was at; taken up again it has as much time as before.")
        case .workerStops: Problem(.cancelled, "The worker stops.")
        }
    }
}

import Kernel
import Postgres
import Synchronization

/// Keeps the leases of all jobs in a worker's hands, in one statement, over a connection that nobody else uses: however
/// many wait for the pool's, no lease runs out because of them.
final class LeaseKeeper: Sendable {
    private struct State {
        /// By fence.
        var held: [Int64: HeldJob] = [:]
        var isStopping = false
    }

    private let queue: JobQueue
    private let state = Mutex(State())
    private let beats = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameter queue: over a pool of its own.
    init(queue: JobQueue) { self.queue = queue }

    func add(_ held: HeldJob) {
        let isStopping = state.withLock { state in
            state.held[held.job.fence] = held
            return state.isStopping
        }
        if isStopping { held.stop(.workerStops) }
    }

    func remove(_ held: HeldJob) { state.withLock { _ = $0.held.removeValue(forKey: held.job.fence) } }

    /// Stops all handlers, also those of jobs that come yet.
    func stopAll() {
        let held = state.withLock { state in
            state.isStopping = true
            return Array(state.held.values)
        }
        for job in held { job.stop(.workerStops) }
    }

    /// Somebody wants something of a job: if it is here, it is looked at now.
    func nudge(_ job: String) {
        if state.withLock({ $0.held.values.contains { $0.job.id.description == job } }) { beats.continuation.yield() }
    }

    /// Keeps leases and stops those whose time is over, until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                for await _ in beats.stream { await beat() }
            }
            group.addTask { [self] in
                while !Task.isCancelled {
                    beats.continuation.yield()
                    try? await Task.sleep(for: JobQueue.lease / 4)
                }
            }
            group.addTask { [self] in
                while !Task.isCancelled {
                    for held in state.withLock({ Array($0.held.values) }) { held.check(at: .now) }
                    try? await Task.sleep(for: JobQueue.lease / 100)
                }
            }
        }
    }

    /// Opens its connection, so that it has one when all others are taken.
    func prepare() async { _ = try? await queue.keepLeases([]) }

    func close() async { await queue.pool.close() }

    private func beat() async {
        let held = state.withLock { $0.held.values.sorted { $0.job.fence < $1.job.fence } }
        guard !held.isEmpty else { return }
        let sent = ContinuousClock.now
        do {
            let standing = try await queue.keepLeases(held.map(\.job))
            for job in held {
                guard let stands = standing[job.job.fence] else {
                    job.stop(.leaseLost)
                    continue
                }
                if stands.isCancelled { job.stop(.cancelAsked) }
                if stands.isKept { job.keep(until: sent + JobQueue.lease) }
            }
            if !standing.values.allSatisfy(\.isKept) { again() }
        } catch {
            // The database may be back before the leases end; `check` stops those that it is too late for.
            again()
        }
    }

    private func again() {
        Task { [self] in
            try? await Task.sleep(for: JobQueue.lease / 40)
            beats.continuation.yield()
        }
    }
}

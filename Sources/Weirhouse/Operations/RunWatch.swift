import Kernel
import Postgres
import Synchronization
import Wire

/// Tells watchers of runs that something has changed: one listener for all of them. The database tells only of runs that
/// it was told to be watched (`weir.watch_runs`).
final class RunWatch: Sendable {
    private struct State {
        var next = 0
        /// By number: the run and how to wake its watcher.
        var watchers: [Int: (run: RunID, wake: AsyncStream<Void>.Continuation)] = [:]
    }

    private let state = Mutex(State())
    private let listener: PGListener
    private let pool: PGPool
    private static let pause = Duration.seconds(5)

    /// - Parameter listener: on channel `weir_runs`.
    init(listener: PGListener, pool: PGPool) {
        self.listener = listener
        self.pool = pool
    }

    /// Runs until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await listener.run { [self] notification in wake(notification.flatMap { RunID($0.payload) }) }
            }
            group.addTask { [self] in
                while !Task.isCancelled {
                    await register(Set(state.withLock { $0.watchers.values.map(\.run) }))
                    // A change that was under way when its run came to be watched is not told.
                    wake(nil)
                    try? await Task.sleep(for: Self.pause)
                }
            }
        }
    }

    /// Has the database tell of changes. If it is away nothing changes either, and watchers are woken when it is back.
    private func register(_ runs: Set<RunID>) async {
        guard !runs.isEmpty else { return }
        let ids = PGArray.text(runs.map(\.description))
        let hold = "\(Self.pause.components.seconds * 3) seconds"
        _ = try? await pool.withConnection { connection in
            try await connection.query("SELECT weir.watch_runs(\(ids)::uuid[], \(hold)::interval)")
        }
    }

    /// A signal at once and after each change of the run, several changes in one.
    func signals(of run: RunID) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.next += 1
            state.watchers[state.next] = (run, continuation)
            return state.next
        }
        continuation.onTermination = { [self] _ in state.withLock { _ = $0.watchers.removeValue(forKey: number) } }
        continuation.yield()
        Task { [self] in
            await register([run])
            continuation.yield()
        }
        return stream
    }

    /// Nil wakes all: notifications may have been missed.
    private func wake(_ run: RunID?) {
        let woken = state.withLock { state in
            state.watchers.values.filter { run == nil || $0.run == run }.map(\.wake)
        }
        for continuation in woken { continuation.yield() }
    }
}

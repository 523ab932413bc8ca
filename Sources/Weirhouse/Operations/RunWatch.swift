import Kernel
import Postgres
import Synchronization
import Wire

/// Tells watchers of runs that something has changed: one listener for all of them.
final class RunWatch: Sendable {
    private struct State {
        var next = 0
        /// By number: the run and how to wake its watcher.
        var watchers: [Int: (run: RunID, wake: AsyncStream<Void>.Continuation)] = [:]
    }

    private let state = Mutex(State())
    private let listener: PGListener

    /// - Parameter listener: on channel `weir_runs`.
    init(listener: PGListener) { self.listener = listener }

    /// Runs until cancelled.
    func run() async {
        await listener.run { [self] notification in wake(notification.flatMap { RunID($0.payload) }) }
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

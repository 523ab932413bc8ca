import Dispatch
import Synchronization

/// One call that blocks a thread and is stopped from outside by a signal, such as an interrupt of a statement.
///
/// A signal that comes before the call has really begun is lost, and one that comes after its end would hit the next
/// call. So it is repeated until the call has ended, and not sent after.
package final class StoppableCall: Sendable {
    private struct State {
        var isRunning = false
        var hasEnded = false
        var isStopped = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Runs the call on this thread.
    /// - Throws: `CancellationError` if it was stopped before it began; what `work` throws.
    package func run<Value>(_ work: () throws -> Value) throws -> Value {
        defer { end() }
        try begin()
        return try work()
    }

    /// For a call that blocks no thread, in place of `run`: it begins here, and `end` must follow in any case.
    /// - Throws: `CancellationError` if it was stopped before.
    package func begin() throws {
        let mayBegin = state.withLock { state in
            state.isRunning = !state.isStopped
            return state.isRunning
        }
        guard mayBegin else { throw CancellationError() }
    }

    package func end() {
        state.withLock { state in
            state.isRunning = false
            state.hasEnded = true
        }
    }

    /// Stops the call, from any thread, and returns at once.
    /// - Parameter signal: sent on a thread of its own, which it may block.
    package func stop(_ signal: @escaping @Sendable () -> Void) {
        state.withLock { $0.isStopped = true }
        send(signal, after: .now())
    }

    private func send(_ signal: @escaping @Sendable () -> Void, after time: DispatchTime) {
        DispatchQueue.global(qos: .userInitiated).asyncAfter(deadline: time) { [self] in
            let goesOn = state.withLock { state in
                if state.isRunning { signal() }
                return !state.hasEnded
            }
            if goesOn { send(signal, after: .now() + .milliseconds(50)) }
        }
    }
}

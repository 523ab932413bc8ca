import Synchronization

/// Resumes one who waits, once, with whatever comes first.
final class FirstAnswer<Value: Sendable>: Sendable {
    private struct State {
        var waiting: CheckedContinuation<Value, any Error>?
        var early: Result<Value, any Error>?
        var isGiven = false
    }

    private let state = Mutex(State())

    func expect(by continuation: CheckedContinuation<Value, any Error>) {
        let early = state.withLock { state in
            if state.early == nil { state.waiting = continuation }
            return state.early
        }
        if let early { continuation.resume(with: early) }
    }

    var isGiven: Bool { state.withLock { $0.isGiven } }

    func give(_ answer: Result<Value, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard !state.isGiven else { return nil }
            state.isGiven = true
            if state.waiting == nil { state.early = answer }
            return state.waiting.take()
        }
        waiting?.resume(with: answer)
    }
}

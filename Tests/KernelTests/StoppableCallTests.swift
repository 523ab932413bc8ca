import Dispatch
import Kernel
import Synchronization
import Testing

@Suite("A call that can be stopped")
struct StoppableCallTests {
    @Test("does not begin when it was stopped before")
    func before() {
        let call = StoppableCall()
        let signals = Atomic(0)
        call.stop { signals.add(1, ordering: .relaxed) }
        #expect(throws: CancellationError.self) { try call.run { Issue.record("it has begun") } }
        #expect(signals.load(ordering: .relaxed) == 0)
    }

    @Test("hears the signal again until it heeds it")
    func again() async throws {
        let call = StoppableCall()
        let signals = Atomic(0)
        let heard = DispatchSemaphore(value: 0)
        let began = AsyncStream<Void>.makeStream()
        let running = Task.detached {
            try call.run {
                began.continuation.finish()
                // The first two are lost, as those are that come before a statement has really begun.
                for _ in 0..<3 { heard.wait() }
            }
        }
        for await _ in began.stream {}
        call.stop {
            signals.add(1, ordering: .relaxed)
            heard.signal()
        }
        try await running.value
        #expect(signals.load(ordering: .relaxed) >= 3)
    }
}

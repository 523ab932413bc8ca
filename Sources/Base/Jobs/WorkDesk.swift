import Kernel
import Postgres
import Synchronization

/// What a worker asks the queue for next: one question at a time, in which all that has come up meanwhile goes along.
final class WorkDesk: Sendable {
    /// What to ask.
    enum Errand {
        case turn(Turn)
        /// It was called and has no place left: somebody else is to come.
        case passOn
    }

    struct Turn {
        fileprivate let ended: [Ended]
        /// Places for new jobs.
        let room: Int
        /// It stands in line.
        let isListed: Bool
        fileprivate let calls: Int

        var done: [DoneJob] { ended.map(\.done) }
    }

    /// How the end of a job was taken.
    enum Ending: Sendable {
        case done, lost
        /// The turn failed, before the end was written or after.
        case unknown
    }

    fileprivate struct Ended: Sendable {
        let done: DoneJob
        let answer: CheckedContinuation<Ending, Never>
    }

    private struct State {
        let slots: Int
        var free: Int
        var ended: [Ended] = []
        /// Something may be ready.
        var mustLook = true
        var calls = 0
        var isCalled = false
        var isListed = false
        var isStopping = false
        var waiter: CheckedContinuation<Errand?, Never>?
    }

    private let state: Mutex<State>

    init(slots: Int) { state = Mutex(State(slots: slots, free: slots)) }

    /// What to do next, as soon as there is something; nil when the worker stops and has no job in its hands any more.
    /// For one caller.
    func next() async -> Errand? {
        await withCheckedContinuation { continuation in
            change { $0.waiter = continuation }
        }
    }

    /// Ends a job that went well with the next turn; its slot is free then.
    func end(_ job: ClaimedJob, result: JSONValue) async -> Ending {
        await withCheckedContinuation { continuation in
            change { $0.ended.append(Ended(done: DoneJob(job, result: result), answer: continuation)) }
        }
    }

    /// A job that was ended otherwise has left its slot.
    func release() {
        change { state in
            state.free += 1
            state.mustLook = true
        }
    }

    /// Somebody calls this worker: there may be a job for it.
    func call() {
        change { state in
            state.calls += 1
            state.isCalled = true
            state.isListed = false
            state.mustLook = true
        }
    }

    /// To look again, and to stand in line again.
    func look() {
        change { state in
            state.isListed = false
            state.mustLook = true
        }
    }

    /// No more jobs are asked for.
    func stop() { change { $0.isStopping = true } }

    func answered(_ turn: Turn, _ answer: JobTurn) {
        for ended in turn.ended {
            ended.answer.resume(returning: answer.lost.contains(ended.done.job.fence) ? .lost : .done)
        }
        change { state in
            state.free -= answer.claimed.count
            guard turn.room > 0 else { return }
            if answer.claimed.count == turn.room {
                // There may be more, and it is taken out of the line.
                state.mustLook = true
                state.isListed = false
            } else if answer.rest == .inLine, state.calls == turn.calls {
                state.isListed = true
            }
        }
    }

    /// The queue did not answer.
    func failed(_ errand: Errand) {
        if case .turn(let turn) = errand { for ended in turn.ended { ended.answer.resume(returning: .unknown) } }
        change { state in
            state.mustLook = true
            state.isListed = false
        }
    }

    private func change(_ work: (inout State) -> Void) {
        let (waiter, errand) = state.withLock { state in
            work(&state)
            guard let waiter = state.waiter else { return (CheckedContinuation<Errand?, Never>?.none, Errand?.none) }
            switch Self.decide(&state) {
            case .wait: return (nil, nil)
            case .over:
                state.waiter = nil
                return (waiter, nil)
            case .go(let errand):
                state.waiter = nil
                return (waiter, errand)
            }
        }
        waiter?.resume(returning: errand)
    }

    private enum Decision {
        case wait, over
        case go(Errand)
    }

    private static func decide(_ state: inout State) -> Decision {
        if state.isStopping, state.free == state.slots { return .over }
        let mayClaim = state.mustLook && state.free > 0 && !state.isStopping
        if !state.ended.isEmpty || mayClaim {
            state.free += state.ended.count
            let turn = Turn(
                ended: state.ended, room: state.isStopping ? 0 : state.free, isListed: state.isListed,
                calls: state.calls)
            state.ended = []
            state.mustLook = false
            state.isCalled = false
            return .go(.turn(turn))
        }
        if state.isCalled, state.free == 0 {
            state.isCalled = false
            return .go(.passOn)
        }
        return .wait
    }
}

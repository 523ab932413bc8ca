import Kernel
import Roles
import Synchronization

/// All that an answer may depend on beside its address: those of one audience get the same one.
package struct Audience: Sendable, Hashable {
    let organization: OrganizationID
    let slug: String
    let rights: Rights
    let closed: String?
    let isLocal: Bool
    let belongsElsewhere: Bool
}

extension Caller {
    package var audience: Audience {
        Audience(
            organization: organization, slug: slug, rights: rights, closed: closed, isLocal: isLocal,
            belongsElsewhere: belongsElsewhere)
    }

    /// Nobody in particular of the audience: with it nothing personal gets into an answer for all of them.
    package var anybody: Caller {
        var caller = Caller(
            organization: organization, slug: slug, principal: .none, name: "", rights: rights, isLocal: isLocal,
            closed: closed)
        caller.belongsElsewhere = belongsElsewhere
        return caller
    }
}

/// Answers that were made a moment ago, for all who would get the same ones: however many people look at a page, it is
/// made once a second at most.
///
/// - An answer is kept for `freshness`, and never past a change that this process has made or heard of (`ChangeCounts`).
///   What another process has changed meanwhile is told at most that much later.
/// - Those who ask for what is just being made do not make it again, unless it was begun before a change: they are told the
///   answer before it, if that is not older than `patience`, and wait otherwise. Whoever asks alone gets the new one.
/// - Errors are told to those who wait, and kept for nobody.
package final class ReadyAnswers<Answer: Sendable>: Sendable {
    private struct Key: Hashable {
        let audience: Audience
        let address: String
    }

    private struct Ready {
        let answer: Answer
        let size: Int
        let change: Int
        let until: ContinuousClock.Instant
    }

    private struct Making {
        let change: Int
        let task: Task<Answer, any Error>
    }

    private struct State {
        var ready: [Key: Ready] = [:]
        var making: [Key: Making] = [:]
        var size = 0
        var swept: ContinuousClock.Instant

        /// The answer that is told without waiting: a fresh one, or the one before while the next is made.
        func told(_ key: Key, _ change: Int, at now: ContinuousClock.Instant, patience: Duration) -> Answer? {
            guard let ready = ready[key], ready.change == change else { return nil }
            if ready.until > now { return ready.answer }
            return making[key]?.change == change && ready.until + patience > now ? ready.answer : nil
        }
    }

    /// What keeping an answer takes beside its own bytes and those of its address, about.
    private static var overhead: Int { 512 }
    /// Bytes that are kept at most.
    private let capacity: Int
    private let freshness: Duration
    /// For how long an answer is still told while the next is made: on a busy machine that takes its time.
    private let patience: Duration
    private let changes: ChangeCounts
    private let measure: @Sendable (Answer) -> Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    /// - Parameters:
    ///   - measure: an answer's size in bytes.
    ///   - now: the time; tests move it.
    package init(
        _ changes: ChangeCounts, freshness: Duration = .seconds(1), patience: Duration = .seconds(10),
        capacity: Int = 64 << 20,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        measure: @escaping @Sendable (Answer) -> Int
    ) {
        self.changes = changes
        self.freshness = freshness
        self.patience = patience
        self.capacity = capacity
        self.now = now
        self.measure = measure
        state = Mutex(State(swept: now()))
    }

    /// The answer at an address, method and variant included, for an audience.
    /// - Throws: what `make` throws.
    package func answer(
        at address: String, for audience: Audience, _ make: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        let key = Key(audience: audience, address: address)
        let change = changes.count(in: audience.organization)
        let now = now()
        let found: (ready: Answer?, task: Task<Answer, any Error>?) = state.withLock { state in
            if let told = state.told(key, change, at: now, patience: patience) { return (told, nil) }
            if let making = state.making[key], making.change == change { return (nil, making.task) }
            // It goes on if whoever asked first is gone: others may be waiting.
            let task = Task { [self] in
                defer { end(key, change) }
                let answer = try await make()
                keep(answer, as: key, change)
                return answer
            }
            state.making[key] = Making(change: change, task: task)
            return (nil, task)
        }
        if let ready = found.ready { return ready }
        guard let task = found.task else { return try await make() }
        return try await task.value
    }

    /// The answer that `answer` would tell without waiting; nil if there is none.
    package func ready(at address: String, for audience: Audience) -> Answer? {
        let key = Key(audience: audience, address: address)
        let change = changes.count(in: audience.organization)
        let now = now()
        return state.withLock { $0.told(key, change, at: now, patience: patience) }
    }

    private func end(_ key: Key, _ change: Int) {
        state.withLock { state in
            if state.making[key]?.change == change { state.making[key] = nil }
        }
    }

    private func keep(_ answer: Answer, as key: Key, _ change: Int) {
        let now = now()
        let size = measure(answer) + key.address.utf8.count + Self.overhead
        guard size < capacity / 4, changes.count(in: key.audience.organization) == change else { return }
        state.withLock { state in
            if now - state.swept > freshness || state.size + size > capacity {
                state.ready = state.ready.filter { $0.value.until + patience > now }
                state.size = state.ready.values.reduce(0) { $0 + $1.size }
                state.swept = now
            }
            if state.size + size > capacity {
                state.ready = [:]
                state.size = 0
            }
            let old = state.ready.updateValue(
                Ready(answer: answer, size: size, change: change, until: now + freshness), forKey: key)
            state.size += size - (old?.size ?? 0)
        }
    }
}

import Kernel
import Synchronization

/// Slows down whoever tries secrets that are wrong, without slowing others.
///
/// - A secret that was right a while ago, or was made here, is never slowed, whoever else tries from the same network.
///   It is looked up all the same: a revoked one is wrong.
/// - A secret that was wrong a moment ago is answered from memory: a program with an old token asks nothing of the
///   database, and is no reason to slow its neighbours.
/// - Other secrets cost an attempt once they are wrong. Some are free; after that each has to wait twice as long as the
///   one before, up to a ceiling. All is forgotten after some quiet minutes.
///
/// Attempts are counted per network that they come from, or per account where a person who is signed in types a short
/// code: nobody can use up those of somebody else. What is remembered is bounded, however many networks take part.
package final class AttemptLimits: Sendable {
    /// Whose attempts are counted together.
    package enum Guesser: Sendable, Hashable {
        /// The network that the request comes from (`RequestOrigin`).
        case network
        /// Somebody who is signed in. Attempts count from their beginning, so that many at once are no way round.
        case account(String)
    }

    package struct Policy: Sendable {
        /// Wrong ones in a row that cost nothing.
        package var free = 20
        package var base: Duration = .seconds(1)
        package var ceiling: Duration = .seconds(60)
        /// After so long without an attempt nothing is held against anybody.
        package var memory: Duration = .seconds(600)
        /// How long a wrong secret is answered from memory.
        package var wrongFor: Duration = .seconds(30)
        /// Networks, right secrets and wrong secrets that are remembered, each.
        package var capacity = 16_384

        package init() {}
    }

    private struct Count {
        var wrong: Int
        var last: ContinuousClock.Instant
    }

    private struct Wrong {
        let problem: Problem
        let until: ContinuousClock.Instant
    }

    private enum Key: Hashable {
        case network(IPAddress?)
        case account(String)
    }

    private struct State {
        var counts: RecentValues<Key, Count>
        var right: RecentValues<Int, Bool>
        var wrong: RecentValues<Int, Wrong>
    }

    private let policy: Policy
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>
    /// Digests mean nothing outside this process.
    private let salt = UInt64.random(in: .min ... .max)

    /// - Parameter now: the time; tests move it.
    package init(_ policy: Policy = Policy(), now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.policy = policy
        self.now = now
        state = Mutex(
            State(
                counts: RecentValues(capacity: policy.capacity), right: RecentValues(capacity: policy.capacity),
                wrong: RecentValues(capacity: policy.capacity)))
    }

    /// Looks a secret up, unless the guesser has to wait.
    /// - Parameter look: throws `unauthenticated` if the secret is wrong; any other error costs nothing.
    /// - Throws: what `look` throws; `tooManyAttempts`, whose cause is `RetryAfter`.
    package func attempt<Value: Sendable>(
        _ secret: String, by guesser: Guesser = .network, _ look: () async throws -> Value
    ) async throws -> Value {
        let digest = digest(of: secret)
        let key = key(of: guesser)
        let isPaidBefore = if case .account = guesser { true } else { false }
        let isKnown = try begin(digest, key, pays: isPaidBefore)
        do {
            let value = try await look()
            end(digest, key, wrong: nil, paid: isPaidBefore && !isKnown)
            return value
        } catch let problem as Problem where problem.code == .unauthenticated {
            end(digest, key, wrong: problem, paid: isPaidBefore && !isKnown)
            throw problem
        } catch {
            if isPaidBefore && !isKnown { refund(key) }
            throw error
        }
    }

    /// A secret that was just made: its first use is not slowed either.
    package func expect(_ secret: String) {
        let digest = digest(of: secret)
        state.withLock { $0.right[digest] = true }
    }

    /// Whether the secret was right a while ago: an attempt with it costs nothing and has to wait for nothing.
    package func knows(_ secret: String) -> Bool {
        let digest = digest(of: secret)
        return state.withLock { $0.right[digest] != nil }
    }

    private func digest(of secret: String) -> Int {
        var hasher = Hasher()
        hasher.combine(salt)
        hasher.combine(secret)
        return hasher.finalize()
    }

    private func key(of guesser: Guesser) -> Key {
        switch guesser {
        case .network: .network(RequestOrigin.current?.address?.network)
        case .account(let account): .account(account)
        }
    }
}

extension AttemptLimits {
    /// Whether the secret is known to be right.
    /// - Throws: the problem of a secret that was wrong a moment ago; `tooManyAttempts`.
    private func begin(_ digest: Int, _ key: Key, pays: Bool) throws -> Bool {
        let now = now()
        return try state.withLock { state in
            if state.right[digest] != nil { return true }
            if let wrong = state.wrong[digest], wrong.until > now { throw wrong.problem }
            let count = state.counts[key].flatMap { now - $0.last < policy.memory ? $0 : nil }
            if let count, count.wrong >= policy.free {
                let wait = backoff(after: count.wrong - policy.free + 1, base: policy.base, ceiling: policy.ceiling)
                let left = count.last + wait - now
                if left > .zero { throw Self.refusal(left) }
            }
            if pays { state.counts[key] = Count(wrong: (count?.wrong ?? 0) + 1, last: now) }
            return false
        }
    }

    private func end(_ digest: Int, _ key: Key, wrong: Problem?, paid: Bool) {
        let now = now()
        state.withLock { state in
            guard let wrong else {
                state.right[digest] = true
                if paid { Self.refund(key, in: &state) }
                return
            }
            state.right[digest] = nil
            state.wrong[digest] = Wrong(problem: wrong, until: now + policy.wrongFor)
            guard !paid else { return }
            let before = state.counts[key].flatMap { now - $0.last < policy.memory ? $0.wrong : nil }
            state.counts[key] = Count(wrong: (before ?? 0) + 1, last: now)
        }
    }

    private func refund(_ key: Key) { state.withLock { Self.refund(key, in: &$0) } }

    private static func refund(_ key: Key, in state: inout State) {
        guard let count = state.counts[key] else { return }
        state.counts[key] = Count(wrong: max(0, count.wrong - 1), last: count.last)
    }

    private static func refusal(_ left: Duration) -> Problem {
        let seconds = max(1, Int((left / .seconds(1)).rounded(.up)))
        return Problem(
            .tooManyAttempts, "Too many sign-ins from here were wrong.", hint: "Wait \(seconds) s, then try again.",
            cause: RetryAfter(seconds: seconds))
    }
}

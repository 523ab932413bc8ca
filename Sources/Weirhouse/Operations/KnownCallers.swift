import Access
import Foundation
import Kernel
import Postgres
import Synchronization
import Wire

/// Whose credentials are: asked of the database, and kept for some seconds, so that a page with many requests asks once.
///
/// Whoever signs out, is deactivated, or gets other rights is noticed at once where the database tells of it, and after
/// `freshness` in any case. The database is asked for all who wait for an answer together, and for those who are about to
/// be asked for again before they have to wait: a thousand people who work at once are a query a second, not a thousand.
final class KnownCallers: Sendable {
    private struct Known {
        let caller: Caller
        let since: ContinuousClock.Instant
        /// Whether the database is being asked again.
        var isRenewing = false
    }

    /// A session is no token, whatever its secret.
    private struct Key: Hashable {
        let hash: Data
        let kind: Gate.CredentialKind
    }

    private typealias Reply = CheckedContinuation<Caller?, any Error>

    private struct Question {
        let claim: Gate.Claim
        var replies: [Reply] = []
    }

    private struct State {
        var known: [Key: Known] = [:]
        /// Counts the changes that were told: an answer that was asked for before one is not kept.
        var era = 0
        var waiting: [Key: Question] = [:]
        var isAsking = false
        var isRenewalPlanned = false
    }

    static let freshness: Duration = .seconds(5)
    /// What is older is asked for again while it still counts.
    private static let renewal: Duration = .seconds(3)
    /// How long renewals are gathered.
    private static let gathering: Duration = .milliseconds(500)
    /// More are forgotten together.
    private static let most = 20_000
    /// How many the database is asked for at once.
    private static let together = 500

    private let gate: Gate
    private let listener: PGListener
    private let state = Mutex(State())

    init(gate: Gate, listener: PGListener) {
        self.gate = gate
        self.listener = listener
    }

    /// Hears of changes until the task is cancelled.
    func run() async { await listener.run { [self] _ in forget() } }

    /// All that is known.
    func forget() {
        state.withLock { state in
            state.known = [:]
            state.era += 1
        }
    }

    /// Nil if the secret is worth nothing.
    /// - Throws: `metadataUnavailable`.
    func caller(of secret: String, as kind: Gate.CredentialKind) async throws -> Caller? {
        let key = Key(hash: gate.hash(secret), kind: kind)
        let now = ContinuousClock.now
        let found = state.withLock { $0.known[key] }
        if let found, now - found.since < Self.freshness {
            if now - found.since > Self.renewal, !found.isRenewing { renew(key) }
            return found.caller
        }
        let claim = claim(key)
        return try await withCheckedThrowingContinuation { reply in
            let isIdle = state.withLock { state in
                state.waiting[key, default: Question(claim: claim)].replies.append(reply)
                defer { state.isAsking = true }
                return !state.isAsking
            }
            // Of no request: it asks for others too.
            if isIdle { Task.detached { [self] in await askForAll() } }
        }
    }

    /// Whose the secret is, if that is known; nil also where it is time to ask again.
    func known(_ secret: String, as kind: Gate.CredentialKind) -> Caller? {
        let key = Key(hash: gate.hash(secret), kind: kind)
        guard let found = state.withLock({ $0.known[key] }) else { return nil }
        let age = ContinuousClock.now - found.since
        return age < (found.isRenewing ? Self.freshness : Self.renewal) ? found.caller : nil
    }

    private func claim(_ key: Key) -> Gate.Claim {
        Gate.Claim(hash: key.hash, kind: key.kind, from: RequestOrigin.current?.address?.description)
    }

    private func renew(_ key: Key) {
        let claim = claim(key)
        let isFirst = state.withLock { state in
            guard state.known[key]?.isRenewing == false else { return false }
            state.known[key]?.isRenewing = true
            if state.waiting[key] == nil { state.waiting[key] = Question(claim: claim) }
            defer { state.isRenewalPlanned = true }
            return !state.isRenewalPlanned
        }
        guard isFirst else { return }
        Task.detached { [self] in
            try? await Task.sleep(for: Self.gathering)
            let isIdle = state.withLock { state in
                state.isRenewalPlanned = false
                defer { state.isAsking = true }
                return !state.isAsking
            }
            if isIdle { await askForAll() }
        }
    }

    /// Until nobody waits.
    private func askForAll() async {
        while let (questions, era) = next() {
            let asked = ContinuousClock.now
            do {
                let holders = try await gate.holders(of: questions.map(\.value.claim))
                let callers = zip(questions, holders).map { question, holder in
                    (question.key, question.value, holder.map { Caller($0, by: question.value.claim.kind) })
                }
                keep(callers.map { ($0.0, $0.2) }, asked, era)
                for (_, question, caller) in callers {
                    for reply in question.replies { reply.resume(returning: caller) }
                }
            } catch {
                let problem = (error as? PGError)?.asMetadataProblem ?? error
                for reply in questions.flatMap(\.value.replies) { reply.resume(throwing: problem) }
            }
        }
    }

    private func next() -> (questions: [(key: Key, value: Question)], era: Int)? {
        state.withLock { state in
            let taken = Array(state.waiting.prefix(Self.together))
            state.isAsking = !taken.isEmpty
            guard !taken.isEmpty else { return nil }
            for (key, _) in taken { state.waiting[key] = nil }
            return (taken, state.era)
        }
    }

    private func keep(_ callers: [(Key, Caller?)], _ asked: ContinuousClock.Instant, _ era: Int) {
        state.withLock { state in
            guard state.era == era else { return }
            if state.known.count + callers.count > Self.most { state.known = [:] }
            for (key, caller) in callers { state.known[key] = caller.map { Known(caller: $0, since: asked) } }
        }
    }
}

extension Caller {
    fileprivate init(_ holder: Gate.Holder, by kind: Gate.CredentialKind) {
        self.init(holder.principal)
        belongsElsewhere = kind == .session && holder.belongsElsewhere
    }
}

import Access
import Foundation
import Kernel
import Postgres
import Synchronization
import Wire

/// Whose credentials are: asked of the database, and kept for some seconds, so that a page with many requests asks once.
///
/// Whoever signs out, is deactivated, or gets other rights is noticed at once where the database tells of it, and after
/// `freshness` in any case.
final class KnownCallers: Sendable {
    private struct Known {
        let caller: Caller
        let since: ContinuousClock.Instant
    }

    private struct State {
        var known: [Data: Known] = [:]
        /// Counts the changes that were told: an answer that was asked for before one is not kept.
        var era = 0
    }

    static let freshness: Duration = .seconds(5)
    /// More are forgotten together.
    private static let most = 20_000

    private let gate: Gate
    private let organizations: OrganizationBook
    private let listener: PGListener
    private let state = Mutex(State())

    init(gate: Gate, organizations: OrganizationBook, listener: PGListener) {
        self.gate = gate
        self.organizations = organizations
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
        // A session is no token, whatever its secret.
        let key = gate.hash("\(kind.rawValue) \(secret)")
        let now = ContinuousClock.now
        let (found, era) = state.withLock { ($0.known[key], $0.era) }
        if let found, now - found.since < Self.freshness { return found.caller }
        do {
            guard
                let principal = try await gate.redeem(
                    secret, as: kind, from: RequestOrigin.current?.address?.description)
            else { return nil }
            var caller = Caller(principal)
            if kind == .session {
                caller.belongsElsewhere =
                    try await organizations.belongings(of: principal.id, in: principal.organization).count > 1
            }
            let known = Known(caller: caller, since: now)
            state.withLock { state in
                guard state.era == era else { return }
                if state.known.count >= Self.most { state.known = [:] }
                state.known[key] = known
            }
            return caller
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }
}

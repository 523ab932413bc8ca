import Kernel
import Synchronization

/// Who is known to have agreed to the terms in force: asked of the database once for each, since every page asks. An
/// agreement is never taken back, and another version comes with another start of the server.
final class KnownConsents: Sendable {
    /// More are forgotten together.
    private static let most = 20_000

    private let known = Mutex<Set<PrincipalID>>([])

    func holds(_ principal: PrincipalID) -> Bool { known.withLock { $0.contains(principal) } }

    func note(_ principal: PrincipalID) {
        known.withLock { known in
            if known.count >= Self.most { known = [] }
            known.insert(principal)
        }
    }
}

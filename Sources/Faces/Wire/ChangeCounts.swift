package import Kernel
import Synchronization

/// Counts the changes of each organization that this process has made or heard of: what was read before the last one is
/// not to be told any more (`ReadyAnswers`).
package final class ChangeCounts: Sendable {
    private struct State {
        var all = 0
        var each: [OrganizationID: Int] = [:]
        var runs = RecentValues<RunID, String>(capacity: 8_192)
    }

    private let state = Mutex(State())

    package init() {}

    /// Something was changed in an organization, or, if that is nil, perhaps in any.
    package func note(in organization: OrganizationID?) {
        state.withLock { state in
            if let organization { state.each[organization, default: 0] += 1 } else { state.all += 1 }
        }
    }

    /// A run was found to be in a state. Lists that somebody sees after that have to say the same.
    package func noteRun(_ run: RunID, is found: String, in organization: OrganizationID) {
        state.withLock { state in
            guard state.runs[run] != found else { return }
            state.runs[run] = found
            state.each[organization, default: 0] += 1
        }
    }

    package func count(in organization: OrganizationID) -> Int {
        state.withLock { $0.all + $0.each[organization, default: 0] }
    }
}

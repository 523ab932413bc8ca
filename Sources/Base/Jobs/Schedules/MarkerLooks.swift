import Kernel
import Synchronization

/// A `file` schedule whose location this server is to look at. Its row says until when it is left to this server.
struct MarkerClaim: Sendable {
    var schedule: ScheduleID
    var organization: OrganizationID
    /// The `look_at` that the claim has set: seconds since 1970, as exactly as the database has it.
    var until: String
}

/// Looks at the locations of `file` schedules beside the scheduler's other work: some at once, the same schedule never
/// twice at once, the rest in line. Whoever lets go of it cancels what it is at.
final class MarkerLooks: Sendable {
    /// At once.
    private static let most = 4
    /// One organization alone leaves room for others.
    private static let mostOfOne = 3

    private struct Look {
        let organization: OrganizationID
        let task: Task<Void, Never>
    }

    private struct State {
        var line: [MarkerClaim] = []
        var running: [ScheduleID: Look] = [:]

        /// The first in line of an organization with the fewest looks; nil if none may begin.
        mutating func takeNext() -> MarkerClaim? {
            guard running.count < MarkerLooks.most else { return nil }
            var busy: [OrganizationID: Int] = [:]
            for look in running.values { busy[look.organization, default: 0] += 1 }
            var best: (index: Int, looks: Int)?
            for (index, claim) in line.enumerated() where running[claim.schedule] == nil {
                let looks = busy[claim.organization] ?? 0
                if looks < best?.looks ?? MarkerLooks.mostOfOne { best = (index, looks) }
            }
            guard let best else { return nil }
            return line.remove(at: best.index)
        }
    }

    private let state = Mutex(State())
    private let look: @Sendable (MarkerClaim) async -> Void

    init(_ look: @escaping @Sendable (MarkerClaim) async -> Void) { self.look = look }

    deinit {
        state.withLock { state in
            for look in state.running.values { look.task.cancel() }
        }
    }

    /// Returns at once.
    func add(_ claim: MarkerClaim) {
        state.withLock { state in
            // One that has waited for longer than its claim was good for keeps its place.
            if let index = state.line.firstIndex(where: { $0.schedule == claim.schedule }) {
                state.line[index] = claim
            } else {
                state.line.append(claim)
            }
            begin(&state)
        }
    }

    private func begin(_ state: inout State) {
        while let claim = state.takeNext() {
            // Not held by its own looks, so that it ends with its scheduler.
            let task = Task { [weak self, look = self.look] in
                await look(claim)
                self?.end(claim.schedule)
            }
            state.running[claim.schedule] = Look(organization: claim.organization, task: task)
        }
    }

    private func end(_ schedule: ScheduleID) {
        state.withLock { state in
            state.running[schedule] = nil
            begin(&state)
        }
    }
}

extension ScheduleMark {
    /// How long a look at a location may take.
    package static let patience: Duration = .seconds(60)

    /// What `look` finds at a location.
    /// - Throws: what it throws; `timedOut` when that takes longer than `limit`: then it was cancelled, and has ended.
    package static func found(
        at location: String, within limit: Duration = patience,
        by look: @escaping @Sendable () async throws -> [ScheduleMark]
    ) async throws -> [ScheduleMark] {
        try await withThrowingTaskGroup(of: [ScheduleMark].self) { group in
            defer { group.cancelAll() }
            group.addTask { try await look() }
            group.addTask {
                try await Task.sleep(for: limit)
                let place = CronText.shown(location[...])
                throw Problem(
                    .timedOut, "To look for markers at \(place) took longer than \(limit.components.seconds) seconds.",
                    hint: "Name a narrower prefix, or remove old files.")
            }
            return try await group.next() ?? []
        }
    }
}

import Synchronization
package import Warehousing

/// Rows that many people ask for alike, kept as long as the warehouse holds the same. Those who ask at once for what is not
/// known wait for one query. A statement may go by today's date: after `longest` it is asked again, and for as long once
/// more the old rows are told while it is, so that nobody waits.
///
/// What somebody has asked for lately is asked again when its warehouse has changed, before anybody does (`keepFresh`).
package final class KnownRows<Rows: Sendable>: Sendable {
    package typealias Ask = @Sendable () async throws -> Rows

    private struct Key: Hashable {
        let place: WarehousePlace
        let sql: String
        let limit: Int
    }

    private struct Known {
        let rows: Rows
        let version: String
        let cells: Int
        let since: ContinuousClock.Instant
        /// When somebody last asked for it.
        var asked: ContinuousClock.Instant
        let ask: Ask
        /// The version for which it was asked ahead of time in vain: whoever asks next is told why.
        var failed: String?
    }

    private struct Asking {
        let version: String
        let task: Task<Rows, any Error>
    }

    private struct State {
        var known: [Key: Known] = [:]
        var asking: [Key: Asking] = [:]
        var cells = 0
        /// As each warehouse was when it was last looked at.
        var versions: [WarehousePlace: String] = [:]
    }

    private static var longest: Duration { .seconds(60) }
    /// For how long after somebody has asked for them rows are kept fresh.
    private static var interest: Duration { .seconds(300) }
    /// Cells of all rows together; more are forgotten together.
    private static var most: Int { 1_000_000 }

    private let measure: @Sendable (Rows) -> Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// - Parameters:
    ///   - now: the time; tests move it.
    ///   - measure: how many cells there are.
    package init(
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }, measure: @escaping @Sendable (Rows) -> Int
    ) {
        self.now = now
        self.measure = measure
    }

    /// - Parameters:
    ///   - version: of the warehouse (`WarehouseAdapter.version(of:)`), read before this call.
    ///   - ask: asks the warehouse.
    /// - Throws: what `ask` throws.
    package func rows(
        _ sql: String, limit: Int, in place: WarehousePlace, at version: String, ask: @escaping Ask
    ) async throws -> Rows {
        let key = Key(place: place, sql: sql, limit: limit)
        let now = now()
        let found = state.withLock { state -> (rows: Rows?, task: Task<Rows, any Error>?) in
            state.known[key]?.asked = now
            guard let known = state.known[key], known.version == version, now - known.since < Self.longest * 2 else {
                return (nil, renewal(of: key, at: version, ask, in: &state))
            }
            // If that fails, whoever asks when the old rows are over is told.
            if now - known.since > Self.longest { _ = renewal(of: key, at: version, ask, in: &state) }
            return (known.rows, nil)
        }
        if let rows = found.rows { return rows }
        guard let task = found.task else { return try await ask() }
        return try await task.value
    }

    /// Once a second, until cancelled.
    /// - Parameter version: of a warehouse; nil if there is none.
    package func keepFresh(_ version: (WarehousePlace) async throws -> String?) async {
        while !Task.isCancelled {
            await renewChanged(version)
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// Asks again, one after the other, for what somebody has asked for lately in warehouses that have changed since, and
    /// have not between this look and the one before: one that is being loaded changes from one moment to the next.
    package func renewChanged(_ version: (WarehousePlace) async throws -> String?) async {
        let since = now() - Self.interest
        let (places, before) = state.withLock { state in
            (Set(state.known.filter { $0.value.asked > since }.keys.map(\.place)), state.versions)
        }
        var versions: [WarehousePlace: String] = [:]
        for place in places where !Task.isCancelled {
            // It may be gone, or its catalogue away: then whoever asks is told.
            guard let found = try? await version(place) else { continue }
            versions[place] = found
            guard before[place] == found else { continue }
            let stale = state.withLock { state in
                state.known.filter { key, known in
                    key.place == place && known.asked > since && known.version != found && known.failed != found
                }
            }
            for (key, known) in stale where !Task.isCancelled {
                let task = state.withLock { renewal(of: key, at: found, known.ask, in: &$0) }
                do {
                    // Nothing waits for it when the server stops.
                    _ = try await withTaskCancellationHandler {
                        try await task.value
                    } onCancel: {
                        task.cancel()
                    }
                } catch {
                    state.withLock { $0.known[key]?.failed = found }
                }
            }
        }
        state.withLock { $0.versions = versions }
    }

    /// The query that is under way for these rows, or one that begins now. It goes on if whoever asked first is gone: others
    /// may be waiting.
    private func renewal(
        of key: Key, at version: String, _ ask: @escaping Ask, in state: inout State
    ) -> Task<Rows, any Error> {
        if let asking = state.asking[key], asking.version == version { return asking.task }
        let task = Task { [self] in
            defer {
                self.state.withLock { state in
                    if state.asking[key]?.version == version { state.asking[key] = nil }
                }
            }
            let rows = try await ask()
            keep(rows, as: key, at: version, ask)
            return rows
        }
        state.asking[key] = Asking(version: version, task: task)
        return task
    }

    private func keep(_ rows: Rows, as key: Key, at version: String, _ ask: @escaping Ask) {
        let cells = measure(rows) + 1
        let now = now()
        state.withLock { state in
            // Too many to be kept, or to be asked for ahead of time.
            guard cells < Self.most / 10 else {
                state.cells -= state.known.removeValue(forKey: key)?.cells ?? 0
                return
            }
            if state.cells + cells > Self.most {
                state.known = [:]
                state.cells = 0
            }
            let old = state.known[key]
            // The version was read before the rows: they may be newer than it says, and are asked for once more then.
            state.known[key] = Known(
                rows: rows, version: version, cells: cells, since: now, asked: old?.asked ?? now, ask: ask)
            state.cells += cells - (old?.cells ?? 0)
        }
    }
}

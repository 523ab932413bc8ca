import Kernel
import Synchronization
import Warehousing
import Wire

/// Rows that dashboards have asked for, kept as long as the warehouse holds the same. A statement may go by today's date:
/// after `longest` it is asked again, and for as long once more the old rows are told while it is, so that nobody waits.
final class KnownRows: Sendable {
    private struct Key: Hashable {
        let place: WarehousePlace
        let sql: String
        let limit: Int
    }

    private struct Known {
        let rows: QueryTable
        let version: String
        let cells: Int
        let since: ContinuousClock.Instant
        /// Whether the warehouse is being asked again.
        var isRenewing = false
    }

    private struct State {
        var known: [Key: Known] = [:]
        var cells = 0
    }

    static let longest: Duration = .seconds(60)
    /// Cells of all rows together; more are forgotten together.
    private static let most = 1_000_000

    private let state = Mutex(State())

    /// - Parameter ask: asks the warehouse.
    /// - Throws: what `ask` throws.
    func rows(
        _ sql: String, limit: Int, in place: WarehousePlace, at version: String,
        ask: @escaping @Sendable () async throws -> QueryTable
    ) async throws -> QueryTable {
        let key = Key(place: place, sql: sql, limit: limit)
        let now = ContinuousClock.now
        let (known, isFirst) = state.withLock { state -> (Known?, Bool) in
            guard let known = state.known[key], known.version == version, now - known.since < Self.longest * 2
            else { return (nil, false) }
            guard now - known.since > Self.longest, !known.isRenewing else { return (known, false) }
            state.known[key]?.isRenewing = true
            return (known, true)
        }
        guard let known else { return try await renew(key, at: version, ask) }
        // If that fails, whoever asks when the old rows are over is told.
        if isFirst { Task { [self] in try? await renew(key, at: version, ask) } }
        return known.rows
    }

    @discardableResult
    private func renew(
        _ key: Key, at version: String, _ ask: () async throws -> QueryTable
    ) async throws -> QueryTable {
        let rows = try await ask()
        let cells = rows.rows.count * max(rows.columns.count, 1) + 1
        guard cells < Self.most / 10 else { return rows }
        // The version was read before the rows: they may be newer than it says, and are asked for once more then.
        let new = Known(rows: rows, version: version, cells: cells, since: .now)
        state.withLock { state in
            if state.cells + cells > Self.most { state = State() }
            let old = state.known.updateValue(new, forKey: key)
            state.cells += cells - (old?.cells ?? 0)
        }
        return rows
    }
}

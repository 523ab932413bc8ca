import Kernel
import Synchronization
import Warehousing
import Wire

/// Rows that dashboards have asked for, kept as long as the warehouse holds the same, and no longer than `longest`: a
/// statement may go by today's date.
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
        let until: ContinuousClock.Instant
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
        _ sql: String, limit: Int, in place: WarehousePlace, at version: String, ask: () async throws -> QueryTable
    ) async throws -> QueryTable {
        let key = Key(place: place, sql: sql, limit: limit)
        let known = state.withLock { $0.known[key] }
        if let known, known.version == version, known.until > .now { return known.rows }
        let rows = try await ask()
        let cells = rows.rows.count * max(rows.columns.count, 1) + 1
        guard cells < Self.most / 10 else { return rows }
        // The version was read before the rows: they may be newer than it says, and are asked for once more then.
        let new = Known(rows: rows, version: version, cells: cells, until: .now + Self.longest)
        state.withLock { state in
            if state.cells + cells > Self.most { state = State() }
            let old = state.known.updateValue(new, forKey: key)
            state.cells += cells - (old?.cells ?? 0)
        }
        return rows
    }
}

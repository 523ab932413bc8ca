import Access
import EmbeddedWarehouse
import Foundation
import Kernel
import Lakehouse
import ObjectStorage
import Postgres
import Warehousing

/// Removes data that nobody needs any more: loads in the lake and states of warehouses that were superseded longer ago
/// than their environment keeps data (docs/decisions/0016-data-retention.md). Several servers may do each step at once.
struct DataRetention: Sendable {
    /// What is observed when it fails.
    static let part = "retention of data"

    let house: House

    /// An environment and what it keeps.
    private struct Place: Sendable {
        let warehouse: WarehousePlace
        let keepDays: Int
        /// What was superseded before goes; by the database's clock.
        let since: Date
    }

    private struct Removed: Sendable {
        var loads = 0
        var files = 0
    }

    /// What fails for one environment or organization is observed, and keeps none of the others.
    func tick() async throws {
        let places = try await places()
        guard !places.isEmpty else { return }
        let warehouse = house.embedded { throw Problem(.unsupported, "The server loads no DuckDB.") }
        for (organization, own) in Dictionary(grouping: places, by: \.warehouse.organization) where !Task.isCancelled {
            var removed = Removed()
            removed.loads = await forgetLoads(of: organization, own)
            for place in own where !Task.isCancelled { removed.files += await forgetStates(of: place, in: warehouse) }
            guard removed.loads + removed.files > 0 else { continue }
            // Also when the server ends in between: what has gone stands in the audit.
            let done = removed
            await noting { try await Task { try await tell(organization, of: done) }.value }
        }
        await warehouse.closeOwner()
    }

    private func places() async throws -> [Place] {
        try await house.pool.withConnection { connection in
            try await connection.query(
                """
                SELECT *, extract(epoch FROM now() - make_interval(days => keep_data_days))::float8 AS since
                FROM weir.data_retention()
                """)
        }.map { row in
            Place(
                warehouse: WarehousePlace(
                    organization: try row.id("organization_id"), slug: try row.string("slug"),
                    environment: try row.string("environment")),
                keepDays: Int(try row.int("keep_data_days")), since: try row.moment("since"))
        }
    }

    private func noting(_ work: () async throws -> Void) async {
        do {
            try await work()
        } catch {
            note(error)
        }
    }

    private func note(_ error: any Error) {
        // Whoever stops the server does not want to hear of it.
        guard !(error is CancellationError), !Task.isCancelled else { return }
        let problem = Problem(ofMetadata: error)
        house.observe(.partFailed(part: Self.part, problem: problem))
    }

    /// Whoever writes an organization's models owns its catalogue, and can make it answer late or never: nobody else's
    /// turn waits for that.
    private static let longest = Duration.seconds(300)

    private func forgetStates(of place: Place, in warehouse: EmbeddedWarehouse) async -> Int {
        let files = await Weirhouse.within(Self.longest) { () -> Int in
            do {
                return try await warehouse.forget(keepDays: place.keepDays, of: place.warehouse)
            } catch {
                note(error)
                return 0
            }
        }
        if files == nil {
            note(
                Problem(
                    .timedOut, "Old states of the warehouse \(place.warehouse.name) could not be removed in time.",
                    hint: "See what holds its catalogue's tables: pg_locks."))
        }
        return files ?? 0
    }

    /// One source after the other: a lake of years has many folders.
    private func forgetLoads(of organization: OrganizationID, _ places: [Place]) async -> Int {
        guard let slug = places.first?.warehouse.slug, let newest = places.map(\.since).max() else { return 0 }
        let layout = house.layout
        let since = Dictionary(
            places.map { ($0.warehouse.environment, $0.since) }, uniquingKeysWith: { first, _ in first })
        var removed = 0
        do {
            let sources = try await onThread {
                layout.removeEmptied(of: slug)
                return layout.sources(of: slug)
            }
            for source in sources {
                // Looked for before it is asked which runs are open: a load that is found belongs to a run that is known.
                let loads = try await onThread { layout.storedLoads(of: slug, source: source, before: newest) }
                guard !loads.isEmpty else { continue }
                let open = try await openRuns(of: organization)
                for load in LakeRetention.superseded(among: loads, since: since, open: open)
                where try await onThread({ try layout.remove(load) }) {
                    removed += 1
                }
            }
        } catch {
            // What keeps one from going keeps others too: the next look tries again.
            note(error)
        }
        return removed
    }

    /// Runs that are not over, or that a person can take up again at any of their jobs.
    private func openRuns(of organization: OrganizationID) async throws -> Set<RunID> {
        let rows = try await house.pool.transaction(organization: organization) { connection in
            try await connection.query(
                "SELECT run_id FROM weir.runs WHERE state IN ('PENDING', 'RUNNING', 'RETRYABLE')")
        }
        return Set(try rows.map { try $0.id("run_id", RunTag.self) })
    }

    private func tell(_ organization: OrganizationID, of removed: Removed) async throws {
        let before = try AuditDetail(
            json: try JSONEncoder().encode(["loads": removed.loads, "files": removed.files]))
        try await AuditBook(pool: house.pool).append(
            AuditEntry(.system, "data.remove", AuditTarget("data", "superseded data"), before: before),
            to: organization)
    }
}

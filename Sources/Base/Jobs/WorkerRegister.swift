package import Kernel
package import Postgres

/// Who works (table `weir.workers`): workers say so every few seconds.
package struct WorkerRegister: Sendable {
    /// After so long without a word a worker is held to be gone.
    package static let silence: Duration = .seconds(15)

    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// One worker's entry.
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var version: String
        package var kinds: [String]
        /// The newest version of the payload that it understands, for each kind.
        package var payloadVersions: [Int]
        /// Nil: all.
        package var organizations: [OrganizationID]?
        package var slots: Int

        package init(
            name: String, version: String, kinds: [String], payloadVersions: [Int], organizations: [OrganizationID]?,
            slots: Int
        ) {
            self.name = name
            self.version = version
            self.kinds = kinds
            self.payloadVersions = payloadVersions
            self.organizations = organizations
            self.slots = slots
        }
    }

    /// - Returns: how many workers live.
    @discardableResult
    package func say(_ entry: Entry) async throws -> Int {
        let only = entry.organizations.map { PGArray.text($0.map(\.description)) }
        let silence = "\(Self.silence.components.seconds) seconds"
        let rows = try await pool.withConnection { connection in
            try await connection.queryPrepared(
                """
                INSERT INTO weir.workers (name, version, kinds, versions, organizations, slots)
                VALUES (\(entry.name), \(entry.version), \(PGArray.text(entry.kinds))::text[],
                  \(PGArray.text(entry.payloadVersions.map(String.init)))::int[], \(only)::uuid[], \(entry.slots))
                ON CONFLICT (name) DO UPDATE SET seen_at = now(), kinds = excluded.kinds, versions = excluded.versions,
                  organizations = excluded.organizations, slots = excluded.slots, version = excluded.version
                RETURNING (SELECT count(*) FROM weir.workers w WHERE w.seen_at > now() - \(silence)::interval) AS living
                """)
        }
        return try Int(rows.first?.int("living") ?? 0)
    }

    /// Workers that live, on whatever machine, and how many jobs they take at once.
    package func living() async throws -> (workers: Int, places: Int) {
        let silence = "\(Self.silence.components.seconds) seconds"
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT count(*) AS workers, coalesce(sum(slots), 0) AS places FROM weir.workers
                WHERE seen_at > now() - \(silence)::interval
                """)
        }
        return (try Int(rows.first?.int("workers") ?? 0), try Int(rows.first?.int("places") ?? 0))
    }

    package func leave(_ name: String) async throws {
        _ = try await pool.withConnection { connection in
            try await connection.query(
                "DELETE FROM weir.workers WHERE name = \(name) OR seen_at < now() - interval '1 hour'")
        }
    }
}

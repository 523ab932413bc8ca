import Connecting
import Ingestion
import Jobs
import Kernel
import Modeling
import Postgres
import Warehousing

/// What stands in RAW (table `weir.landed_streams`): the input of the models.
struct LandedStreams: Sendable {
    let pool: PGPool

    /// Keeps what a run has carried. Streams that a run of all tables came without stay known, and are marked: the
    /// pipeline's freshness does not wait for them (`weir.fresh_at`).
    func remember(
        _ streams: [LandedStream], of source: String, position: SourcePosition, in place: WarehousePlace,
        by job: ClaimedJob
    ) async throws {
        let order: CloneOrder = try job.payload()
        try await pool.transaction(organization: place.organization) { connection in
            try await JobQueue.confirm(job, on: connection)
            for landed in streams {
                try await connection.query(
                    """
                    INSERT INTO weir.landed_streams (organization_id, environment, source, raw_table, stream, rows, taken_at)
                    VALUES (\(place.organization), \(place.environment), \(source), \(landed.table),
                      \(try JSONValue(landed.stream)), \(landed.rows), \(position.takenAt)::timestamptz)
                    ON CONFLICT (organization_id, environment, raw_table) DO UPDATE SET
                      source = excluded.source, stream = excluded.stream, rows = excluded.rows, taken_at = excluded.taken_at
                    """)
            }
            guard order.tables.isEmpty else { return }
            // One with a receipt is still there, also if it was refused or quarantined: it must go on counting.
            try await connection.query(
                """
                UPDATE weir.landed_streams l SET missed_at = greatest(l.missed_at, \(position.takenAt)::timestamptz)
                WHERE l.environment = \(place.environment) AND l.source = \(source) AND NOT EXISTS (
                  SELECT FROM weir.receipts r WHERE r.run_id = \(job.run) AND r.raw_table = l.raw_table)
                """)
        }
    }

    /// The tables in RAW that a source's streams have, also streams that are gone.
    func tables(of source: String, in place: WarehousePlace) async throws -> [StreamName: String] {
        let rows = try await pool.transaction(organization: place.organization) { connection in
            try await connection.query(
                """
                SELECT stream, raw_table FROM weir.landed_streams
                WHERE environment = \(place.environment) AND source = \(source)
                """)
        }
        var tables: [StreamName: String] = [:]
        for row in rows {
            let stream: SourceStream = try row.json("stream")
            tables[stream.name] = try row.string("raw_table")
        }
        return tables
    }

    /// By source, in the order in which they were first cloned (the first keeps a mart's name that two would have); the
    /// streams sorted by table.
    func all(in place: WarehousePlace) async throws -> [LandedSource] {
        let rows = try await pool.transaction(organization: place.organization) { connection in
            try await connection.query(
                """
                SELECT l.source, l.raw_table, l.stream, l.rows FROM weir.landed_streams l
                JOIN weir.sources s ON s.environment = l.environment AND s.name = l.source
                WHERE l.environment = \(place.environment) ORDER BY s.created_at, s.name, l.raw_table
                """)
        }
        var sources: [LandedSource] = []
        for row in rows {
            let slug = try row.string("source")
            if sources.last?.slug != slug { sources.append(LandedSource(slug: slug, streams: [])) }
            sources[sources.count - 1].streams.append(
                LandedStream(
                    stream: try row.json("stream"), table: try row.string("raw_table"), rows: try row.int("rows")))
        }
        return sources
    }

    /// The oldest snapshot among a source's streams that are still cloned: its rows in RAW are verified through that
    /// moment.
    func verifiedThrough(source: String, in place: WarehousePlace) async throws -> String? {
        try await pool.transaction(organization: place.organization) { connection in
            try await connection.query(
                """
                SELECT to_char(min(taken_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS through
                FROM weir.landed_streams WHERE environment = \(place.environment) AND source = \(source)
                  AND coalesce(missed_at <= taken_at, true)
                """
            ).first?.optional("through")
        }
    }

    /// Through which moment a dashboard's numbers are verified: that of the rows from which its marts were built, which
    /// may be older than what has landed since.
    func verifiedThrough(dashboard: Dashboard, in place: WarehousePlace) async throws -> String? {
        let published = try await pool.transaction(organization: place.organization) { connection in
            try await connection.query(
                """
                SELECT to_char(verified_through AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS through
                FROM weir.dashboards WHERE environment = \(place.environment) AND name = \(dashboard.name)
                """
            ).first?.optional("through")
        }
        if let published { return published }
        // A file that somebody has added since.
        return try await verifiedThrough(source: dashboard.source, in: place)
    }
}

import Connecting
import Jobs
import Kernel
import Modeling
import Postgres
import Warehousing

/// What stands in RAW (table `weir.landed_streams`): the input of the models.
struct LandedStreams: Sendable {
    let pool: PGPool

    func remember(_ streams: [LandedStream], of source: String, position: SourcePosition, in place: WarehousePlace) async throws {
        try await pool.transaction(organization: place.organization) { connection in
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
        }
    }

    /// By source, each sorted by table.
    func all(in place: WarehousePlace) async throws -> [LandedSource] {
        let rows = try await pool.transaction(organization: place.organization) { connection in
            try await connection.query(
                """
                SELECT source, raw_table, stream, rows FROM weir.landed_streams
                WHERE environment = \(place.environment) ORDER BY source, raw_table
                """)
        }
        var bySource: [String: [LandedStream]] = [:]
        for row in rows {
            bySource[try row.string("source"), default: []].append(
                LandedStream(
                    stream: try row.json("stream"), table: try row.string("raw_table"), rows: try row.int("rows")))
        }
        return bySource.sorted { $0.key < $1.key }.map { LandedSource(slug: $0.key, streams: $0.value) }
    }

    /// The oldest snapshot among a source's streams: its numbers are verified through that moment.
    func verifiedThrough(source: String, in place: WarehousePlace) async throws -> String? {
        try await pool.transaction(organization: place.organization) { connection in
            try await connection.query(
                """
                SELECT to_char(min(taken_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS through
                FROM weir.landed_streams WHERE environment = \(place.environment) AND source = \(source)
                """
            ).first?.optional("through")
        }
    }
}

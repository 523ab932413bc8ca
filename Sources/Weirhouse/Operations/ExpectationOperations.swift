import Foundation
import Jobs
import Kernel
import Postgres
import Warehousing
import Wire

/// How old what is in a warehouse may be (table `weir.expectations`).
extension LiveOperations {
    func expectations(as caller: Caller) async throws -> [ExpectationView] {
        try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query(Self.expectations + " ORDER BY e.environment, e.source, e.raw_table").map(
                    Self.view)
            }
        }
    }

    func expect(_ request: ExpectationRequest, as caller: Caller) async throws -> ExpectationView {
        let place = try place(PlaceRequest(environment: request.environment), caller)
        guard (1...527_040).contains(request.freshWithinMinutes) else {
            throw Problem(
                .invalidInput, "\(request.freshWithinMinutes) minutes cannot be expected.",
                hint: "Use 1 minute to a year.")
        }
        try await requireSource(request.source, in: place.environment, as: caller)
        return try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                let table = try await landedTable(request, place.environment, on: connection)
                let id = try await connection.query(
                    """
                    INSERT INTO weir.expectations (expectation_id, organization_id, environment, source, raw_table, fresh_within)
                    VALUES (\(house.time.makeUUID()), \(caller.organization), \(place.environment), \(request.source),
                      \(table), make_interval(mins => \(request.freshWithinMinutes)))
                    ON CONFLICT (organization_id, environment, source, raw_table)
                      DO UPDATE SET fresh_within = excluded.fresh_within
                    RETURNING expectation_id
                    """
                ).first?.string("expectation_id")
                let found = try await connection.query(Self.expectations + " WHERE e.expectation_id = \(id)::uuid")
                guard let row = found.first else { throw Problem(.internal, "The expectation is not there.") }
                return try Self.view(row)
            }
        }
    }

    func removeExpectation(_ id: String, as caller: Caller) async throws {
        let gone = try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query(
                    "DELETE FROM weir.expectations WHERE expectation_id::text = \(id) RETURNING expectation_id")
            }
        }
        guard !gone.isEmpty else {
            throw Problem(
                .notFound, "There is no such expectation.", hint: "`weir expectations` lists those there are.")
        }
    }

    /// The table in RAW that a person means: by that name, or by the stream's with or without its schema.
    private func landedTable(
        _ request: ExpectationRequest, _ environment: String, on connection: PGConnection
    ) async throws -> String? {
        guard let table = request.table else { return nil }
        let found = try await connection.query(
            """
            SELECT raw_table FROM weir.landed_streams WHERE environment = \(environment) AND source = \(request.source)
              AND (raw_table = \(table) OR raw_table = \(request.source + "__" + table)
                OR stream -> 'name' ->> 'table' = \(table)
                OR (stream -> 'name' ->> 'schema') || '.' || (stream -> 'name' ->> 'table') = \(table))
            ORDER BY raw_table LIMIT 2
            """
        ).map { try $0.string("raw_table") }
        guard let name = found.first else {
            throw Problem(
                .notFound, "\(request.source) has no table \(table.prefix(80)) in the warehouse.",
                hint: "The page of tables shows those of RAW.")
        }
        guard found.count == 1 else {
            throw Problem(
                .invalidInput, "\(table.prefix(80)) may be \(found.joined(separator: " or ")).",
                hint: "Name the table as RAW has it.")
        }
        return name
    }

    private static let expectations: SQL = """
        SELECT e.*, (extract(epoch FROM e.fresh_within) / 60)::int AS minutes,
          extract(epoch FROM e.late_since)::float8 AS late_s,
          extract(epoch FROM weir.fresh_at(e.organization_id, e.environment, e.source, e.raw_table))::float8 AS fresh_s
        FROM weir.expectations e
        """

    private static func view(_ row: PGRow) throws -> ExpectationView {
        let late = try row.optionalMoment("late_s")
        return ExpectationView(
            expectationID: try row.string("expectation_id"), source: try row.string("source"),
            environment: try row.string("environment"), table: try row.optional("raw_table"),
            freshWithinMinutes: try Int(row.int("minutes")), isLate: late != nil, lateSince: late?.rfc3339,
            freshAt: try row.optionalMoment("fresh_s")?.rfc3339)
    }
}

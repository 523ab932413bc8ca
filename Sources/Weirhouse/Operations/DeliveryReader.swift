import Foundation
import Jobs
import Kernel
import Postgres
import Wire

/// Reads messages and how they went into what the faces show.
struct DeliveryReader: Sendable {
    static let states = ["waiting", "sent", "dead", "resolved"]

    let pool: PGPool

    func newest(_ limit: Int, state: String?, as caller: Caller) async throws -> [DeliveryView] {
        try await read(
            "WHERE \(state)::text IS NULL OR state = \(state) ORDER BY created_at DESC LIMIT \(limit)", as: caller)
    }

    func find(_ id: DeliveryID, as caller: Caller) async throws -> DeliveryView {
        guard let found = try await read("WHERE delivery_id = \(id)", as: caller).first else {
            throw Problem(.notFound, "The message is not there any more.", hint: "It was removed.")
        }
        return found
    }

    /// The newest of each subscription, by its id.
    func latest(as caller: Caller) async throws -> [String: DeliveryView] {
        let rows = try await pool.transaction(organization: caller.organization) { connection in
            try await connection.query(
                Self.deliveries + """
                     SELECT * FROM told WHERE delivery_id IN (SELECT DISTINCT ON (subscription_id) delivery_id
                      FROM weir.deliveries WHERE subscription_id IS NOT NULL ORDER BY subscription_id, created_at DESC)
                    """)
        }
        return Dictionary(
            try rows.map { (try $0.string("subscription_id"), try Self.view($0)) },
            uniquingKeysWith: { first, _ in first })
    }

    private func read(_ which: SQL, as caller: Caller) async throws -> [DeliveryView] {
        try await pool.transaction(organization: caller.organization) { connection in
            try await connection.query(Self.deliveries + " SELECT * FROM told " + which).map(Self.view)
        }
    }

    /// A message's state follows from its run's.
    private static let deliveries: SQL = """
        WITH told AS (
          SELECT d.*, n.event, n.title, n.source, n.environment, n.run_id AS about, j.problem, j.failures,
            CASE WHEN d.sent_at IS NOT NULL THEN 'sent' WHEN r.state IN ('RESOLVED', 'CANCELLED') THEN 'resolved'
              WHEN r.state IN ('RETRYABLE', 'FAILED') THEN 'dead' ELSE 'waiting' END AS state,
            extract(epoch FROM d.created_at)::float8 AS created_s, extract(epoch FROM d.sent_at)::float8 AS sent_s
          FROM weir.deliveries d JOIN weir.notices n USING (notice_id) LEFT JOIN weir.runs r ON r.run_id = d.run_id
            LEFT JOIN weir.jobs j ON j.run_id = d.run_id)
        """

    private static func view(_ row: PGRow) throws -> DeliveryView {
        let stored: StoredProblem? = try row.optionalJSON("problem")
        let isSent = try row.optional("sent_at") != nil
        return DeliveryView(
            deliveryID: try row.string("delivery_id"), event: try row.string("event"), title: try row.string("title"),
            channel: try row.string("channel"), target: try row.string("target"), source: try row.optional("source"),
            environment: try row.optional("environment"), state: try row.string("state"),
            attempts: try Int(row.int("attempts")),
            createdAt: try row.moment("created_s").rfc3339,
            sentAt: try row.optionalMoment("sent_s")?.rfc3339,
            problem: isSent ? nil : stored.map { ProblemView($0.problem) }, runID: try row.string("run_id"),
            aboutRunID: try row.optional("about"))
    }
}

import Foundation
package import Kernel
package import Postgres

/// Who is told of what (table `weir.subscriptions`).
package struct SubscriptionBook: Sendable {
    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    package struct Subscription: Sendable {
        package var id: SubscriptionID
        package var person: String
        package var channel: NoticeChannel
        package var target: String
        /// Nil: any.
        package var source: String?
        package var environment: String?
        package var events: [NoticeEvent]
        /// RFC 3339.
        package var createdAt: String
    }

    /// The oldest first.
    package func all(of organization: OrganizationID) async throws -> [Subscription] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT s.*, p.name AS person, to_json(s.events) AS event_list,
                  to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created
                FROM weir.subscriptions s JOIN weir.principals p USING (principal_id) ORDER BY s.created_at
                """
            ).map(Self.read)
        }
    }

    /// - Throws: `conflict` if the same person is told of the same at the same address already.
    package func add(
        _ id: SubscriptionID, of principal: PrincipalID, in organization: OrganizationID, channel: NoticeChannel,
        target: String, source: String?, environment: String?, events: [NoticeEvent]
    ) async throws {
        let words = PGArray.text(events.map(\.rawValue))
        try await pool.transaction(organization: organization) { connection in
            let same = try await connection.query(
                """
                SELECT FROM weir.subscriptions WHERE principal_id = \(principal) AND channel = \(channel.rawValue)
                  AND target = \(target) AND source IS NOT DISTINCT FROM \(source)
                  AND environment IS NOT DISTINCT FROM \(environment)
                """)
            guard same.isEmpty else {
                throw Problem(
                    .conflict, "There is such a subscription to \(target) already.",
                    hint: "Remove it first to change its events.")
            }
            try await connection.query(
                """
                INSERT INTO weir.subscriptions
                  (subscription_id, organization_id, principal_id, channel, target, source, environment, events)
                VALUES (\(id), \(organization), \(principal), \(channel.rawValue), \(target), \(source), \(environment),
                  \(words)::text[])
                """)
        }
    }

    /// Messages that wait do not go to it any more.
    /// - Throws: `notFound`.
    package func remove(_ id: SubscriptionID, of organization: OrganizationID) async throws {
        let gone = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                "DELETE FROM weir.subscriptions WHERE subscription_id = \(id) RETURNING subscription_id")
        }
        guard !gone.isEmpty else { throw Self.missing(id) }
    }

    static func missing(_ id: SubscriptionID) -> Problem {
        Problem(.notFound, "There is no subscription \(id).", hint: "`weir notifications` lists those there are.")
    }

    private static func read(_ row: PGRow) throws -> Subscription {
        let events: [String] = try row.json("event_list")
        guard let channel = NoticeChannel(rawValue: try row.string("channel")) else {
            throw Problem(.internal, "A subscription has an unknown channel.")
        }
        return Subscription(
            id: try row.id("subscription_id"), person: try row.string("person"), channel: channel,
            target: try row.string("target"), source: try row.optional("source"),
            environment: try row.optional("environment"), events: events.compactMap(NoticeEvent.init(rawValue:)),
            createdAt: try row.string("created"))
    }
}

import Foundation
package import Kernel
package import Postgres

/// Messages on their way (table `weir.deliveries`), for the job that sends them.
///
/// A claim writes its fencing token down before it hands a message over, and takes it away when it knows the outcome. A
/// later claim that finds one knows: somebody may have sent it.
package struct DeliveryBook: Sendable {
    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    package struct Delivery: Sendable {
        package let id: DeliveryID
        package let channel: NoticeChannel
        package let target: String
        package let subscription: SubscriptionID?
        package let notice: Notice
        /// The subscription is still there, and whoever made it was not deactivated.
        package let isWanted: Bool
        package let isSent: Bool
        /// An earlier claim began to hand it over, and nobody knows how that ended.
        package let isDoubtful: Bool
    }

    /// - Throws: `notFound` if it was forgotten meanwhile.
    package func read(_ id: DeliveryID, of organization: OrganizationID) async throws -> Delivery {
        let found = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT d.*, n.key, n.event, n.environment, n.source, n.run_id AS about, n.title, n.body,
                  extract(epoch FROM n.at)::float8 AS happened, coalesce(p.state <> 'deactivated', false) AS is_wanted
                FROM weir.deliveries d JOIN weir.notices n USING (notice_id)
                  LEFT JOIN weir.subscriptions s ON s.subscription_id = d.subscription_id
                  LEFT JOIN weir.principals p ON p.principal_id = s.principal_id
                WHERE d.delivery_id = \(id)
                """)
        }
        guard let row = found.first, let channel = NoticeChannel(rawValue: try row.string("channel")),
            let event = NoticeEvent(rawValue: try row.string("event"))
        else { throw Problem(.notFound, "The message is not there any more.", hint: "Nothing is to be done.") }
        return Delivery(
            id: id, channel: channel, target: try row.string("target"),
            subscription: try row.optional("subscription_id").flatMap { SubscriptionID($0) },
            notice: Notice(
                key: try row.string("key"), event: event, environment: try row.optional("environment"),
                source: try row.optional("source"), run: try row.optional("about").flatMap { RunID($0) },
                at: try row.moment("happened"), title: try row.string("title"),
                body: try row.json("body")),
            isWanted: try row.bool("is_wanted"), isSent: try row.optional("sent_at") != nil,
            isDoubtful: try row.optional("handed_by") != nil)
    }

    /// Just before a message is handed over.
    /// - Throws: `leaseLost`.
    package func handOver(_ id: DeliveryID, by job: ClaimedJob) async throws {
        try await change(
            id, by: job, "UPDATE weir.deliveries SET handed_by = \(job.fence), attempts = attempts + 1")
    }

    /// It was not taken, or nobody will ever know: the next attempt begins anew.
    /// - Throws: `leaseLost`.
    package func takeBack(_ id: DeliveryID, by job: ClaimedJob) async throws {
        try await change(id, by: job, "UPDATE weir.deliveries SET handed_by = NULL")
    }

    /// It was taken.
    /// - Throws: `leaseLost`.
    package func sent(_ id: DeliveryID, by job: ClaimedJob) async throws {
        try await change(id, by: job, "UPDATE weir.deliveries SET handed_by = NULL, sent_at = now()")
    }

    private func change(_ id: DeliveryID, by job: ClaimedJob, _ update: SQL) async throws {
        try await pool.transaction(organization: job.organization) { connection in
            try await JobQueue.confirm(job, on: connection)
            try await connection.query(update + " WHERE delivery_id = \(id)")
        }
    }
}

import Foundation
package import Kernel
package import Postgres

/// Turns ends of runs and unmet expectations into notices, and notices into deliveries (tables of migration 0009).
///
/// Any number of servers may do it side by side. What is due is locked, dealt with and gone in one transaction, and a
/// notice's key is unique: an event is never told twice, and none is lost.
package struct NoticeBook: Sendable {
    /// The kind of the runs that send messages, and of their one job.
    package static let runKind = "notify"
    /// From when a message is made to when it must be sent, however long its organization is suspended meanwhile. What
    /// could not be told for a week is no news; a person can still send it.
    package static let deadline: Duration = .seconds(7 * 86_400)

    let pool: PGPool
    private let queue: JobQueue
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
        queue = JobQueue(pool: pool)
    }

    /// Deals with what is due now, of all organizations. Returns how much that was: call it again until it is 0.
    /// - Throws: `PGError`.
    @discardableResult
    package func tick(most: Int = 50) async throws -> Int {
        let due = try await pool.withConnection { connection in
            try await connection.query("SELECT * FROM weir.due_notices(\(most))")
        }
        var done = 0
        for row in due {
            let (id, organization): (String, OrganizationID) = (
                try row.string("id"), try row.id("organization_id")
            )
            let isEnding = try row.string("kind") == "ending"
            let isDone = try await pool.transaction(organization: organization) { connection in
                isEnding
                    ? try await ending(id, of: organization, on: connection)
                    : try await expectation(id, of: organization, on: connection)
            }
            if isDone { done += 1 }
        }
        return done
    }

    // MARK: - Ends of runs

    /// False if another server has it.
    private func ending(
        _ sequence: String, of organization: OrganizationID, on connection: PGConnection
    ) async throws
        -> Bool
    {
        let locked = try await connection.query(
            """
            SELECT e.what, e.run_id, extract(epoch FROM e.at)::float8 AS at, r.kind, r.environment, r.source, r.state,
              r.problem, r.note
            FROM weir.run_endings e LEFT JOIN weir.runs r ON r.run_id = e.run_id
            WHERE e.sequence = \(sequence)::bigint FOR UPDATE OF e SKIP LOCKED
            """)
        guard let row = locked.first else { return false }
        // A run that is forgotten by now is nothing to tell of.
        if let source = try row.optional("source") {
            let event: NoticeEvent = try row.string("what") == "failure" ? .failure : .recovery
            let environment = try row.string("environment")
            let state = try row.string("state")
            try await tell(
                Notice(
                    key: "run/\(sequence)", event: event, environment: environment, source: source,
                    run: try row.id("run_id"), at: try row.moment("at"),
                    title: Self.title(event, source, environment, state: state),
                    body: Notice.Body(
                        state: state, kind: try row.string("kind"), problem: try row.optionalJSON("problem"),
                        note: try row.optional("note"))), of: organization, on: connection)
        }
        try await connection.query("DELETE FROM weir.run_endings WHERE sequence = \(sequence)::bigint")
        return true
    }

    private static func title(_ event: NoticeEvent, _ source: String, _ environment: String, state: String) -> String {
        switch event {
        case .failure: "\(source) failed in \(environment)"
        default:
            state == JobState.resolved.rawValue
                ? "\(source) was resolved in \(environment)" : "\(source) is well again in \(environment)"
        }
    }

    // MARK: - Expectations

    private func expectation(
        _ id: String, of organization: OrganizationID, on connection: PGConnection
    ) async throws
        -> Bool
    {
        let locked = try await connection.query(
            """
            SELECT e.environment, e.source, e.raw_table, e.late_since IS NOT NULL AS was_late,
              (extract(epoch FROM e.fresh_within) / 60)::int AS minutes,
              extract(epoch FROM f.at)::float8 AS fresh_at, extract(epoch FROM now())::float8 AS now,
              extract(epoch FROM coalesce(f.at, e.created_at) + e.fresh_within)::float8 AS due,
              coalesce(f.at, e.created_at) < now() - e.fresh_within AS is_late
            FROM weir.expectations e CROSS JOIN LATERAL (
              SELECT weir.fresh_at(e.organization_id, e.environment, e.source, e.raw_table) AS at) f
            WHERE e.expectation_id = \(id)::uuid FOR UPDATE OF e SKIP LOCKED
            """)
        guard let row = locked.first, try row.bool("was_late") != row.bool("is_late") else { return false }
        let isLate = try row.bool("is_late")
        let due = try row.moment("due")
        try await connection.query(
            """
            UPDATE weir.expectations SET late_since = \(isLate ? due.rfc3339 : nil)::timestamptz
            WHERE expectation_id = \(id)::uuid
            """)
        let (source, environment) = (try row.string("source"), try row.string("environment"))
        let table = try row.optional("raw_table")
        let freshAt = try row.optionalMoment("fresh_at")
        let what = table.map { "\($0) of \(source)" } ?? source
        let at = try row.moment("now")
        try await tell(
            Notice(
                key: "\(isLate ? "late" : "fresh")/\(id)/\(at.rfc3339)", event: isLate ? .late : .fresh,
                environment: environment, source: source, run: nil, at: at,
                title: "\(what) is \(isLate ? "late" : "fresh again") in \(environment)",
                body: Notice.Body(
                    table: table, freshWithinMinutes: try Int(row.int("minutes")), freshAt: freshAt?.rfc3339)),
            of: organization, on: connection)
        return true
    }

    // MARK: - Deliveries

    /// Writes a notice down and makes a delivery for each subscription that wants it, in the caller's transaction.
    /// Nothing happens if the event was told before.
    private func tell(_ notice: Notice, of organization: OrganizationID, on connection: PGConnection) async throws {
        guard let id = try await write(notice, of: organization, on: connection) else { return }
        let wanting = try await connection.query(
            """
            SELECT subscription_id, channel, target FROM weir.subscriptions
            WHERE (source IS NULL OR source = \(notice.source)) AND (environment IS NULL OR environment = \(notice.environment))
              AND \(notice.event.rawValue) = ANY (events) ORDER BY created_at
            """)
        for row in wanting {
            try await deliver(
                id, notice, to: row.string("target"), over: row.string("channel"),
                subscription: row.string("subscription_id"), of: organization, on: connection)
        }
    }

    /// A message that is only a test, to one subscription.
    /// - Throws: `notFound`.
    package func test(
        _ subscription: SubscriptionID, of organization: OrganizationID, by person: String
    ) async throws
        -> DeliveryID
    {
        try await pool.transaction(organization: organization) { connection in
            let found = try await connection.query(
                "SELECT channel, target FROM weir.subscriptions WHERE subscription_id = \(subscription)")
            guard let row = found.first else { throw SubscriptionBook.missing(subscription) }
            let notice = Notice(
                key: "test/\(time.makeUUID())", event: .test, environment: nil, source: nil, run: nil, at: time.now(),
                title: "A test from Weirhouse", body: Notice.Body(note: "\(person) tries this subscription."))
            guard let id = try await write(notice, of: organization, on: connection) else {
                throw Problem(.internal, "A test message could not be written.")
            }
            return try await deliver(
                id, notice, to: row.string("target"), over: row.string("channel"),
                subscription: subscription.description, of: organization, on: connection)
        }
    }

    /// Nil if the event was told before.
    private func write(
        _ notice: Notice, of organization: OrganizationID, on connection: PGConnection
    ) async throws
        -> UUID?
    {
        let id = time.makeUUID()
        let made = try await connection.query(
            """
            INSERT INTO weir.notices (notice_id, organization_id, key, event, environment, source, run_id, at, title, body)
            VALUES (\(id), \(organization), \(notice.key), \(notice.event.rawValue), \(notice.environment),
              \(notice.source), \(notice.run), \(notice.at), \(notice.title), \(try JSONValue(notice.body)))
            ON CONFLICT (organization_id, key) DO NOTHING RETURNING notice_id
            """)
        return made.isEmpty ? nil : id
    }

    @discardableResult
    private func deliver(
        _ notice: UUID, _ told: Notice, to target: String, over channel: String, subscription: String,
        of organization: OrganizationID, on connection: PGConnection
    ) async throws -> DeliveryID {
        let delivery = time.makeID(DeliveryTag.self)
        let run = try await queue.enqueue(
            run: time.makeID(), kind: Self.runKind, organization: organization,
            environment: told.environment ?? "dev", source: told.source ?? "test",
            jobs: [
                JobSpec(
                    kind: Self.runKind, payload: JSONValue(DeliveryOrder(delivery: delivery)), after: [],
                    limits: [JobLimits.notices(organization)], deadline: Self.deadline)
            ],
            idempotencyKey: "\(notice)/\(subscription)", time: time, on: connection)
        try await connection.query(
            """
            INSERT INTO weir.deliveries (delivery_id, organization_id, notice_id, subscription_id, channel, target, run_id)
            VALUES (\(delivery), \(organization), \(notice), \(subscription)::uuid, \(channel), \(target), \(run))
            """)
        return delivery
    }
}

/// The payload of a job that sends a message.
package struct DeliveryOrder: Sendable, Codable {
    package let delivery: DeliveryID
}

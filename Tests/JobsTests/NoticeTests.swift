import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Notices", .timeLimit(.minutes(10)))
struct NoticeTests {
    private func book(_ house: JobHouse) -> NoticeBook {
        NoticeBook(pool: house.metadata.application, time: .system)
    }

    // MARK: - Freshness

    /// A stream in RAW that was taken so many hours ago.
    /// - Parameter missed: how long ago a snapshot of all tables came without it.
    private func land(
        _ table: String, schema: String = "public", hours: Int, missed: Int? = nil, in house: JobHouse
    ) async throws {
        let name = schema == "public" ? "shop__\(table)" : "shop__\(schema)__\(table)"
        try await house.metadata.database.query(
            """
            INSERT INTO weir.landed_streams (organization_id, environment, source, raw_table, stream, rows, taken_at, missed_at)
            VALUES (\(house.organization), 'dev', 'shop', \(name),
              jsonb_build_object('name', jsonb_build_object('schema', \(schema)::text, 'table', \(table)::text)), 1,
              now() - make_interval(hours => \(hours)::int), now() - make_interval(hours => \(missed)::int))
            """)
    }

    private func plan(_ name: String, tables: [String], in house: JobHouse) async throws {
        try await house.metadata.database.query(
            """
            INSERT INTO weir.schedules (schedule_id, organization_id, name, environment, source, trigger, tables, anchor,
              created_by)
            VALUES (gen_random_uuid(), \(house.organization), \(name), 'dev', 'shop', '{"kind": "every", "minutes": 60}',
              \(PGArray.text(tables))::text[], now(), 'ann')
            """)
    }

    /// Not older than six hours.
    private func expect(_ table: String? = nil, in house: JobHouse) async throws {
        try await house.metadata.database.query(
            """
            INSERT INTO weir.expectations (expectation_id, organization_id, environment, source, raw_table, fresh_within)
            VALUES (gen_random_uuid(), \(house.organization), 'dev', 'shop', \(table)::text, interval '6 hours')
            """)
    }

    /// What the expectations say once a server has looked at them.
    private func isLate(_ table: String? = nil, in house: JobHouse) async throws -> Bool {
        while try await book(house).tick() > 0 {}
        let late = try await house.metadata.database.number(
            """
            SELECT count(*) FROM weir.expectations
            WHERE late_since IS NOT NULL AND raw_table IS NOT DISTINCT FROM \(table)::text
            """)
        return late == 1
    }

    @Test("a pipeline is as fresh as its oldest stream, of those that the newest snapshot of all tables did not miss")
    func missed() async throws {
        try await JobHouse.use { house in
            try await expect(in: house)
            try await land("orders", hours: 1, in: house)
            try await land("gone", hours: 9, missed: 1, in: house)
            #expect(try await !isLate(in: house))
            // An expectation of that table alone is about nothing else.
            try await expect("shop__gone", in: house)
            #expect(try await isLate("shop__gone", in: house))
            #expect(try await !isLate(in: house))
            // It came back after it was missed.
            try await land("back", hours: 8, missed: 20, in: house)
            #expect(try await isLate(in: house))
            try await house.metadata.database.query("DELETE FROM weir.landed_streams WHERE raw_table = 'shop__back'")
            #expect(try await !isLate(in: house))
            let told = try await house.metadata.database.query(
                "SELECT event FROM weir.notices WHERE body ->> 'table' IS NULL ORDER BY at")
            #expect(try told.map { try $0.string("event") } == ["late", "fresh"])
        }
    }

    @Test("streams that no schedule of a pipeline carries do not make it late, those that one names do")
    func planned() async throws {
        try await JobHouse.use { house in
            try await expect(in: house)
            try await land("orders", hours: 1, in: house)
            // Nobody says that a run of some tables was all there is to come.
            try await land("customers", hours: 9, in: house)
            #expect(try await isLate(in: house))
            try await plan("hourly", tables: ["orders"], in: house)
            #expect(try await !isLate(in: house))
            // Without its schema a name means one in `public`.
            try await land("orders", schema: "archive", hours: 9, in: house)
            #expect(try await !isLate(in: house))
            try await plan("daily", tables: ["public.customers"], in: house)
            #expect(try await isLate(in: house))
            try await house.metadata.database.query("DELETE FROM weir.schedules WHERE name = 'daily'")
            #expect(try await !isLate(in: house))
            try await plan("nightly", tables: [], in: house)
            #expect(try await isLate(in: house))
        }
    }

    @Test("a stream that a schedule names counts, also if snapshots of all tables come without it")
    func named() async throws {
        try await JobHouse.use { house in
            try await expect(in: house)
            try await land("orders", hours: 1, in: house)
            try await land("report", hours: 9, missed: 1, in: house)
            try await plan("nightly", tables: [], in: house)
            #expect(try await !isLate(in: house))
            try await plan("hourly", tables: ["report"], in: house)
            #expect(try await isLate(in: house))
        }
    }

    // MARK: - Deliveries

    /// By a principal of its own.
    private func subscribe(
        _ target: String, state: String = "active", in house: JobHouse
    ) async throws -> SubscriptionID {
        let person = TimeSource.system.makeID(PrincipalTag.self)
        let subscription = TimeSource.system.makeID(SubscriptionTag.self)
        try await house.metadata.database.query(
            """
            INSERT INTO weir.principals (principal_id, organization_id, name, state)
            VALUES (\(person), \(house.organization), \(person.description), \(state))
            """)
        try await SubscriptionBook(pool: house.metadata.application).add(
            subscription, of: person, in: house.organization, channel: .email, target: target, source: nil,
            environment: nil, events: [.failure])
        return subscription
    }

    @Test("a message is wanted as long as its subscription is there, and whoever made it is not shut out")
    func wanted() async throws {
        try await JobHouse.use { house in
            let deliveries = DeliveryBook(pool: house.metadata.application)
            let subscriptions = SubscriptionBook(pool: house.metadata.application)
            for (state, isWanted) in [("active", true), ("deactivated", false)] {
                let subscription = try await subscribe("\(state)@acme.example", state: state, in: house)
                let message = try await book(house).test(subscription, of: house.organization, by: "ann")
                #expect(try await deliveries.read(message, of: house.organization).isWanted == isWanted)
                try await subscriptions.remove(subscription, of: house.organization)
                #expect(try await !deliveries.read(message, of: house.organization).isWanted)
            }
        }
    }

    @Test("a message that waits for a suspended organization is given up after a week")
    func suspended() async throws {
        try await JobHouse.use { house in
            let database = house.metadata.database
            let subscription = try await subscribe("ann@acme.example", in: house)
            try await database.query(
                "UPDATE weir.organizations SET state = 'suspended' WHERE organization_id = \(house.organization)")
            _ = try await book(house).test(subscription, of: house.organization, by: "ann")
            #expect(try await house.claim("notify") == nil)
            #expect(try await house.queue.tidyOne() == nil)
            try await database.query(
                """
                UPDATE weir.jobs SET deadline_at = now() - interval '1 second'
                WHERE deadline_at BETWEEN now() + interval '6 days' AND now() + interval '8 days'
                """)
            let tidied = try #require(try await house.queue.tidyOne())
            #expect(tidied.what == .overdue && tidied.kind == "notify")
            let given = try await database.number(
                "SELECT count(*) FROM weir.runs WHERE kind = 'notify' AND state = 'RETRYABLE'")
            #expect(given == 1)
        }
    }

    @Test("subscriptions of before get bare addresses, those of people who were shut out go, and messages a deadline")
    func migration() async throws {
        // The roles belong to the whole server.
        try await MetadataDatabase.use { _ in }
        try await TestFolder.use { folder in
            let files = try FileManager.default.contentsOfDirectory(atPath: MetadataDatabase.migrations)
            for file in files where file < "0020" {
                try FileManager.default.copyItem(
                    atPath: "\(MetadataDatabase.migrations)/\(file)", toPath: "\(folder)/\(file)")
            }
            try await TestDatabase.use { database in
                let owner = try await database.connect()
                try await Migrator(folder: folder).migrate(owner)
                let organization = TimeSource.system.makeID(OrganizationTag.self)
                let ann = TimeSource.system.makeID(PrincipalTag.self)
                let bob = TimeSource.system.makeID(PrincipalTag.self)
                try await database.script(
                    """
                    INSERT INTO weir.organizations (organization_id, slug, name) VALUES ('\(organization)', 'acme', 'acme');
                    INSERT INTO weir.principals (principal_id, organization_id, name, kind, email, state) VALUES
                      ('\(ann)', '\(organization)', 'ann@acme.example', 'person', 'ann@acme.example', 'active'),
                      ('\(bob)', '\(organization)', 'bob@acme.example', 'person', 'bob@acme.example', 'deactivated');
                    INSERT INTO weir.subscriptions (subscription_id, organization_id, principal_id, channel, target, events)
                      SELECT gen_random_uuid(), '\(organization)', s.by, s.channel, s.target, '{failure}' FROM (VALUES
                        (uuid '\(ann)', 'email', '"Ann <of> A" <Ann@ACME.example> '), ('\(ann)', 'email', 'Dee@acme.example'),
                        ('\(ann)', 'email', 'Bob <Bob@acme.example>'), ('\(ann)', 'email', 'Cid <erased person>'),
                        ('\(bob)', 'email', 'team@acme.example'),
                        ('\(bob)', 'webhook', 'https://hooks.acme.example/<A>')) s(by, channel, target)
                    """)
                let pool = database.pool(limit: 2, role: "weir_app")
                let job = JobSpec(kind: "notify", payload: try JSONValue(0), after: [])
                try await pool.transaction(organization: organization) { connection in
                    try await JobQueue(pool: pool).enqueue(
                        run: TimeSource.system.makeID(), kind: "notify", organization: organization,
                        environment: "dev", source: "shop", jobs: [job], time: .system, on: connection)
                }
                await pool.close()
                try await Migrator(folder: MetadataDatabase.migrations).migrate(owner)
                let left = try await database.query("SELECT target FROM weir.subscriptions ORDER BY target")
                #expect(
                    try left.map { try $0.string("target") } == [
                        "ann@acme.example", "dee@acme.example", "https://hooks.acme.example/<A>",
                    ])
                let limited = try await database.number(
                    "SELECT count(*) FROM weir.jobs WHERE deadline_at > now() + interval '6 days'")
                #expect(limited == 1)
                await owner.close()
            }
        }
    }
}

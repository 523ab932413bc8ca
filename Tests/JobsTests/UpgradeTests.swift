import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Old and new versions side by side", .timeLimit(.minutes(10)))
struct UpgradeTests {
    /// The statements of a worker before migration 0007, word for word.
    private struct OldWorker {
        let pool: PGPool
        let name: String

        func claim(_ kinds: [String], limit: Int = 1) async throws -> [PGRow] {
            try await pool.withConnection { connection in
                try await connection.query(
                    """
                    SELECT * FROM weir.claim_jobs(\(PGArray.text(kinds))::text[], \(nil as String?)::uuid[], \(name),
                      \("10000.0 milliseconds")::interval, \(limit))
                    """)
            }
        }

        func end(_ job: PGRow, _ state: String, pause: Double = 0, counts: String? = nil) async throws -> Bool {
            try await pool.withConnection { connection in
                try await connection.query(
                    """
                    SELECT weir.end_claim(\(job.string("job_id")), \(job.int("fence")), \(state),
                      \(JSONValue("done")), \(nil as String?), \(pause)::float8, \(counts),
                      \("0.0 milliseconds")::interval) AS was_held
                    """
                ).first?.bool("was_held") ?? false
            }
        }

        func say() async throws {
            _ = try await pool.withConnection { connection in
                try await connection.query(
                    """
                    INSERT INTO weir.workers (name, version, kinds, organizations, slots)
                    VALUES (\(name), \("1"), \(PGArray.text(["a"]))::text[], \(nil as String?)::uuid[], \(2))
                    ON CONFLICT (name) DO UPDATE SET seen_at = now(), kinds = excluded.kinds,
                      organizations = excluded.organizations, slots = excluded.slots, version = excluded.version
                    """)
            }
        }

        /// As an old server makes a run.
        func enqueue(for organization: OrganizationID) async throws -> RunID {
            let run = TimeSource.system.makeID(RunTag.self)
            let ids = (0..<2).map { _ in TimeSource.system.makeID(JobTag.self) }
            try await pool.transaction(organization: organization) { connection in
                try await connection.query(
                    """
                    INSERT INTO weir.runs (run_id, organization_id, kind, environment, source, idempotency_key)
                    VALUES (\(run), \(organization), \("old"), \("dev"), \("s"), \(nil as String?))
                    ON CONFLICT DO NOTHING RETURNING run_id
                    """)
                for (position, id) in ids.enumerated() {
                    try await connection.query(
                        """
                        INSERT INTO weir.jobs (job_id, organization_id, run_id, position, kind, payload, exclusive_key,
                          limits, priority, blocked_by, waits)
                        VALUES (\(id), \(organization), \(run), \(position), \("a"), \(JSONValue(position)),
                          \(nil as String?), \(PGArray.text([]))::text[], \(0), \(position),
                          \(position == 0 ? "worker" : "predecessors"))
                        """)
                }
                try await connection.query(
                    """
                    INSERT INTO weir.job_predecessors (job_id, predecessor_id, organization_id)
                    VALUES (\(ids[1]), \(ids[0]), \(organization))
                    """)
            }
            return run
        }
    }

    @Test("old and new workers carry one run through together")
    func together() async throws {
        try await JobHouse.use { house in
            let old = OldWorker(pool: house.metadata.application, name: "old")
            try await old.say()
            let runs = try await [
                house.enqueue([.init(kind: "a", key: "k"), .init(kind: "a", after: [0])]),
                old.enqueue(for: house.organization),
            ]
            for run in runs {
                let first = try #require(try await old.claim(["a"]).first)
                #expect(try first.id("run_id", RunTag.self) == run)
                #expect(try first.int("attempt") == 1 && first.int("failures") == 0 && first.int("losses") == 0)
                #expect(try await old.end(first, "PENDING", pause: 0, counts: "failure"))
                #expect(try await old.end(first, "SUCCESS") == false)
                let again = try #require(try await old.claim(["a"], limit: 1).first)
                #expect(try again.int("failures") == 1)
                #expect(try await old.end(again, "SUCCESS"))
                let second = try #require(try await house.claim("a", by: "new"))
                #expect(second.run == run)
                try await house.complete(second)
                #expect(try await house.state(of: run) == "SUCCESS")
            }
        }
    }

    @Test("an old worker takes jobs of dead new ones back, and the other way round")
    func leases() async throws {
        try await JobHouse.use { house in
            let old = OldWorker(pool: house.metadata.application, name: "old")
            try await house.enqueue([.init(kind: "a")])
            _ = try #require(try await house.claim("a", by: "new"))
            try await house.metadata.database.query("UPDATE weir.jobs SET lease_until = now() - interval '1 s'")
            let freed = try await house.metadata.application.withConnection { connection in
                try await connection.query("SELECT weir.expire_leases(\(15), \("60 s")::interval) AS freed")
            }
            #expect(try freed.first?.int("freed") == 1)
            _ = try #require(try await old.claim(["a"]).first)
            try await house.metadata.database.query("UPDATE weir.jobs SET lease_until = now() - interval '1 s'")
            #expect(try await house.queue.expireLeases() == 1)
            #expect(try await house.claim("a", by: "new") != nil)
            #expect(try await house.metadata.database.number("SELECT losses FROM weir.jobs") == 2)
        }
    }

    @Test("an old worker that waits is called where it listens")
    func called() async throws {
        try await JobHouse.use { house in
            let old = OldWorker(pool: house.metadata.application, name: "old")
            let ears = try await house.metadata.database.connect()
            try await ears.script("LISTEN weir_jobs")
            #expect(try await old.claim(["a"]).isEmpty)
            try await house.enqueue([.init(kind: "a")])
            try await ears.query("SELECT 1")
            #expect(try await ears.pendingNotifications().map(\.channel) == ["weir_jobs"])
            await ears.close()
        }
    }

    @Test("jobs of a newer version wait for a worker that knows it; older ones it takes too")
    func versions() async throws {
        try await JobHouse.use { house in
            let old = OldWorker(pool: house.metadata.application, name: "old")
            let specs = try [2, 1, 3].map { version in
                JobSpec(kind: "a", payload: try JSONValue(version), after: [], version: version)
            }
            try await house.enqueue(specs)
            #expect(try await old.claim(["a"], limit: 5).map { try $0.json("payload", as: Int.self) } == [1])
            #expect(try await house.claim("a") == nil)
            let newer = try await house.queue.claim(kinds: ["a"], worker: "new", limit: 5, version: 2)
            #expect(newer.map(\.version) == [2])
            #expect(try await house.queue.claim(kinds: ["a"], worker: "newest", version: 7).map(\.version) == [3])
        }
    }

    @Test("a worker takes what its handlers understand, and says so")
    func handlers() async throws {
        try await JobHouse.use { house in
            let specs = try (1...3).map { version in
                JobSpec(kind: "a", payload: try JSONValue(version), after: [], version: version)
            }
            let run = try await house.enqueue(specs)
            let handler = Handler(kind: "a", payloadVersion: 2) { job, _ in job.version }
            try await house.running([house.worker("one", [handler])]) {
                try await house.metadata.database.wait(
                    until: "(SELECT count(*) FROM weir.jobs WHERE state = 'SUCCESS') = 2")
                try await house.metadata.database.wait(
                    until: "EXISTS (SELECT FROM weir.workers WHERE kinds = '{a}' AND versions = '{2}')")
            }
            #expect(try await house.states(of: run) == ["SUCCESS", "SUCCESS", "PENDING"])
        }
    }

    @Test("a database with jobs under way is migrated beneath its workers, and they go on")
    func migration() async throws {
        // The roles belong to the whole server.
        try await MetadataDatabase.use { _ in }
        try await TestFolder.use { folder in
            let files = try FileManager.default.contentsOfDirectory(atPath: MetadataDatabase.migrations)
            for file in files where file < "0007" {
                try FileManager.default.copyItem(
                    atPath: "\(MetadataDatabase.migrations)/\(file)", toPath: "\(folder)/\(file)")
            }
            try await TestDatabase.use { database in
                let owner = try await database.connect()
                try await Migrator(folder: folder).migrate(owner)
                let organization = TimeSource.system.makeID(OrganizationTag.self)
                try await database.query(
                    """
                    INSERT INTO weir.organizations (organization_id, slug, name) VALUES (\(organization), 'acme', 'acme')
                    """)
                let pool = database.pool(limit: 4, role: "weir_app")
                let old = OldWorker(pool: pool, name: "old")
                let run = try await old.enqueue(for: organization)
                let first = try #require(try await old.claim(["a"]).first)
                try await Migrator(folder: MetadataDatabase.migrations).migrate(owner)
                #expect(try await old.end(first, "SUCCESS"))
                let queue = JobQueue(pool: pool)
                let second = try #require(try await queue.claimOne(kinds: ["a"], worker: "new"))
                try await queue.complete(second, result: JSONValue("done"))
                let state = try await database.query("SELECT state FROM weir.runs WHERE run_id = \(run)")
                #expect(try state.first?.string("state") == "SUCCESS")
                // Servers of before may still be there.
                #expect(try await database.number("SELECT count(*) FROM weir.watched_runs") == 1)
                await pool.close()
                await owner.close()
            }
        }
    }

    @Test("servers of before hear of every change for a day; later ones of what they watch")
    func watchers() async throws {
        try await JobHouse.use { house in
            let ears = try await house.metadata.database.connect()
            try await ears.script("LISTEN weir_runs")
            func heard() async throws -> Set<String> {
                try await ears.query("SELECT 1")
                return Set(try await ears.pendingNotifications().map(\.payload))
            }
            let watched = try await house.enqueue([.init(kind: "a"), .init(kind: "b", after: [0])])
            let other = try await house.enqueue([.init(kind: "a")])
            try await house.metadata.application.withConnection { connection in
                _ = try await connection.query(
                    "SELECT weir.watch_runs(\(PGArray.text([watched.description]))::uuid[], '15 s')")
            }
            let jobs = try await house.queue.claim(kinds: ["a"], worker: "one", limit: 2)
            #expect(try await heard() == [watched.description])
            for job in jobs { try await house.queue.log(.info, "Here.", of: job) }
            #expect(try await heard() == [watched.description])
            for job in jobs { try await house.queue.report(JobProgress(done: 1, total: 2, unit: "x"), of: job) }
            #expect(try await heard() == [watched.description])
            for job in jobs { try await house.complete(job) }
            #expect(try await heard() == [watched.description])
            try await RunControl(pool: house.metadata.application).cancel(watched, of: house.organization, by: "ada")
            #expect(try await heard() == [watched.description])
            // As the migration leaves it where there were runs before.
            try await house.metadata.database.query(
                """
                INSERT INTO weir.watched_runs VALUES ('00000000-0000-0000-0000-000000000000', now() + interval '1 day')
                """)
            let late = try await house.enqueue([.init(kind: "a")])
            _ = try await house.claim("a")
            #expect(try await heard() == [late.description])
            #expect(try await house.state(of: other) == "SUCCESS")
            await ears.close()
        }
    }
}

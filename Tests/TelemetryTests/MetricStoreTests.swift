import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@testable import Telemetry

/// The sums and the queue's figures in the metadata database (migration 0010), as the application's role sees them.
@Suite("Metrics in the metadata database")
struct MetricStoreTests {
    private struct Store {
        let metadata: MetadataDatabase
        let queue: JobQueue
        let organization: OrganizationID

        static func use(_ work: @Sendable (Store) async throws -> Void) async throws {
            try await MetadataDatabase.use { metadata in
                try await work(
                    Store(
                        metadata: metadata, queue: JobQueue(pool: metadata.application),
                        organization: try await metadata.addOrganization("acme")))
            }
        }

        func add(_ deltas: [MetricPoint]) async throws {
            struct Delta: Encodable {
                let metric: String
                let labels: [String: String]
                let value: Double
            }
            let batch = try JSONValue(
                deltas.map { point in
                    Delta(
                        metric: point.name, labels: Dictionary(point.labels.map { ($0.name, $0.value) }) { $1 },
                        value: point.value)
                })
            _ = try await metadata.application.withConnection { connection in
                try await connection.query("SELECT weir.add_metrics(\(batch)::jsonb)")
            }
        }

        /// `name{label="value"}` → value, as exposed.
        func exposed(_ families: [MetricFamily], from function: String) async throws -> [String: String] {
            let rows = try await metadata.application.withConnection { connection in
                try await connection.query(SQL(unsafe: "SELECT metric, labels, value FROM weir.\(function)()"))
            }
            let points = try rows.map { row in
                let labels: [String: String] = try row.json("labels")
                return MetricPoint(
                    name: try row.string("metric"), labels: labels.map { MetricLabel(name: $0, value: $1) },
                    value: try row.double("value"))
            }
            let text = Exposition.text(of: MetricTotals.snapshots(of: families, in: points))
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ") }
            return Dictionary(lines.map { (String($0[0]), String($0[1])) }) { $1 }
        }

        func enqueue(_ specs: [JobSpec]) async throws {
            try await metadata.application.transaction(organization: organization) { connection in
                try await queue.enqueue(
                    run: TimeSource.system.makeID(), kind: "test", organization: organization, environment: "dev",
                    source: "shop", jobs: specs, time: .system, on: connection)
            }
        }
    }

    @Test("what many processes add at once is the sum of it all")
    func sums() async throws {
        try await Store.use { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        let metrics = ObservationMetrics()
                        for round in 0..<10 {
                            for kind in ["load", "model", "extract"].shuffled() {
                                metrics.observe(
                                    .jobFinished(
                                        job: TimeSource.system.makeID(), kind: kind, seconds: Double(worker + round)))
                            }
                            try await store.add(metrics.shared.drain().deltas.shuffled())
                        }
                    }
                }
                try await group.waitForAll()
            }
            let found = try await store.exposed(WeirMetrics.shared, from: "read_metrics")
            #expect(found[#"weir_jobs_finished_total{kind="load",outcome="success"}"#] == "80")
            #expect(found[#"weir_job_duration_seconds_count{kind="model",outcome="success"}"#] == "80")
            #expect(found[#"weir_job_duration_seconds_sum{kind="model",outcome="success"}"#] == "640")
            #expect(found[#"weir_job_duration_seconds_bucket{kind="model",outcome="success",le="5"}"#] == "21")
        }
    }

    @Test("a lost lease is counted once, though the worker cannot tell")
    func losses() async throws {
        try await Store.use { store in
            try await store.enqueue([JobSpec(kind: "load", payload: JSONValue(0), after: [])])
            _ = try #require(try await store.queue.claimOne(kinds: ["load"], worker: "dead"))
            try await store.metadata.database.script("UPDATE weir.jobs SET lease_until = now() - interval '1 second'")
            #expect(try await store.queue.expireLeases() == 1)
            let name = #"weir_lease_losses_total{kind="load"}"#
            #expect(try await store.exposed(WeirMetrics.shared, from: "read_metrics")[name] == "1")
            // Folded into the totals by the next process that adds something, and not counted again.
            try await store.add([WeirMetrics.leaseLosses.point(["load"], 0)])
            #expect(try await store.exposed(WeirMetrics.shared, from: "read_metrics")[name] == "1")
            #expect(try await store.metadata.database.query("SELECT FROM weir.metric_marks").isEmpty)
            // The job goes on as ever.
            let again = try #require(try await store.queue.claimOne(kinds: ["load"], worker: "alive"))
            try await store.queue.complete(again, result: JSONValue(0))
            #expect(try await store.exposed(WeirMetrics.shared, from: "read_metrics")[name] == "1")
        }
    }

    @Test("the queue's figures are those of the jobs that are not over")
    func gauges() async throws {
        try await Store.use { store in
            try await store.enqueue([
                JobSpec(kind: "extract", payload: JSONValue(0), after: []),
                JobSpec(kind: "load", payload: JSONValue(0), after: [0]),
            ])
            try await store.enqueue([JobSpec(kind: "extract", payload: JSONValue(0), after: [])])
            _ = try #require(try await store.queue.claimOne(kinds: ["extract"], worker: "one"))
            try await WorkerRegister(pool: store.metadata.application).say(
                .init(
                    name: "one", version: "1", kinds: ["extract", "model"], payloadVersions: [1, 1], organizations: nil,
                    slots: 3))
            try await store.metadata.database.script(
                """
                INSERT INTO weir.workers (name, version, kinds, slots, seen_at)
                  VALUES ('gone', '1', '{extract}', 9, now() - interval '1 minute');
                -- It was resumed before the end of a pause.
                UPDATE weir.jobs SET ready_at = now() - interval '10 minutes', run_after = now() + interval '1 year'
                  WHERE state = 'PENDING' AND waits = 'worker'
                """)
            let found = try await store.exposed(WeirMetrics.queue, from: "queue_gauges")
            #expect(found[#"weir_jobs{kind="extract",state="RUNNING"}"#] == "1")
            #expect(found[#"weir_jobs{kind="extract",state="PENDING"}"#] == "1")
            #expect(found[#"weir_jobs{kind="load",state="PENDING"}"#] == "1")
            #expect(found[#"weir_jobs{kind="model",state="RUNNING"}"#] == "0")
            #expect(found[#"weir_jobs_waiting{kind="load",waits="predecessors"}"#] == "1")
            #expect(found[#"weir_jobs_waiting{kind="load",waits="worker"}"#] == "0")
            #expect(found[#"weir_oldest_wait_seconds{kind="load"}"#] == "0")
            let wait = try #require(found[#"weir_oldest_wait_seconds{kind="extract"}"#].flatMap(Double.init))
            #expect(wait >= 600 && wait < 700)
            #expect(found["active_jobs"] == "1")
            #expect(found["weir_workers"] == "1")
            #expect(found["weir_worker_slots"] == "3")
            #expect(found["weir_schedules_late"] == "0")
            #expect(found[#"weir_limits{state="in_use"}"#] == "0")
        }
    }

    @Test("a schedule is late if no server has looked at it for a minute, unless it is paused")
    func schedules() async throws {
        try await Store.use { store in
            try await store.metadata.database.script(
                """
                CREATE TABLE IF NOT EXISTS weir.schedules (schedule_id uuid, organization_id uuid, name text,
                  environment text, source text, trigger jsonb, anchor timestamptz, created_by text,
                  look_at timestamptz, paused_at timestamptz);
                GRANT SELECT ON weir.schedules TO weir_dispatch;
                INSERT INTO weir.schedules (schedule_id, organization_id, name, environment, source, trigger, anchor,
                    created_by, look_at, paused_at)
                  SELECT gen_random_uuid(), '\(store.organization)', name, 'dev', 'shop', '{}', now(), 'admin',
                    now() + look::interval, paused::timestamptz
                  FROM (VALUES ('late', '-2 minutes', NULL), ('paused', '-2 minutes', 'now'), ('due', '-5 seconds', NULL),
                    ('later', '1 hour', NULL), ('asleep', NULL, NULL)) s (name, look, paused);
                """)
            let found = try await store.exposed(WeirMetrics.queue, from: "queue_gauges")
            #expect(found["weir_schedules_late"] == "1")
        }
    }

    @Test("jobs that are over are not read")
    func finishedJobs() async throws {
        try await Store.use { store in
            try await store.enqueue([JobSpec(kind: "load", payload: JSONValue(0), after: [])])
            try await store.metadata.database.script(
                """
                SET session_replication_role = replica;
                INSERT INTO weir.jobs (job_id, organization_id, run_id, position, kind, payload, state, finished_at)
                  SELECT gen_random_uuid(), organization_id, gen_random_uuid(), 0, 'load', '0', 'SUCCESS', now()
                  FROM weir.jobs, generate_series(1, 50000);
                ANALYZE weir.jobs;
                """)
            let scans: SQL = """
                SELECT pg_stat_force_next_flush()::text, seq_tup_read FROM pg_stat_user_tables
                WHERE schemaname = 'weir' AND relname = 'jobs'
                """
            let found = try await store.metadata.application.withConnection { connection in
                let before = try await connection.query(scans).first?.int("seq_tup_read")
                let rows = try await connection.query(
                    "SELECT value FROM weir.queue_gauges() WHERE metric = 'active_jobs'")
                // Statistics are written when the transaction after the forced one ends.
                _ = try await connection.query(scans)
                _ = try await connection.query("SELECT pg_stat_clear_snapshot()::text")
                return (rows.count, before, try await connection.query(scans).first?.int("seq_tup_read"))
            }
            #expect(found.0 == 1)
            // What other sessions have read before, such as the INSERT its one row, may be counted late: 50,000 are not.
            let read = try #require(found.2) - (try #require(found.1))
            #expect(read < 100)
        }
    }

    @Test("the application can neither read nor write the sums but through the functions")
    func closed() async throws {
        try await Store.use { store in
            for statement in [
                "SELECT FROM weir.metric_totals", "DELETE FROM weir.metric_marks", "SELECT weir.mark_loss()",
            ] {
                await #expect(throws: PGError.self) {
                    try await store.metadata.application.withConnection { try await $0.query(SQL(unsafe: statement)) }
                }
            }
        }
    }
}

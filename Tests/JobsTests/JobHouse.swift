import Jobs
import Kernel
import Postgres
import TestHouse

/// A queue over a fresh metadata database with one organization.
struct JobHouse: Sendable {
    let metadata: MetadataDatabase
    let queue: JobQueue
    let organization: OrganizationID

    static func use(connections: Int = 8, _ work: (JobHouse) async throws -> Void) async throws {
        try await MetadataDatabase.use(connections: connections) { metadata in
            let organization = try await metadata.addOrganization("acme")
            try await work(
                JobHouse(metadata: metadata, queue: JobQueue(pool: metadata.application), organization: organization))
        }
    }

    /// A job as the tests name it: its kind, what it waits for, its key.
    struct Planned {
        var kind: String
        var after: [Int] = []
        var key: String?
        var payload = 0
    }

    @discardableResult
    func enqueue(_ jobs: [Planned]) async throws -> RunID {
        let run = TimeSource.system.makeID(RunTag.self)
        let specs = try jobs.map { job in
            JobSpec(kind: job.kind, payload: try JSONValue(job.payload), after: job.after, exclusiveKey: job.key)
        }
        try await metadata.application.transaction(organization: organization) { connection in
            try await queue.enqueue(
                run: run, kind: "test", organization: organization, environment: "dev", source: "shop", jobs: specs,
                time: .system, on: connection)
        }
        return run
    }

    func claim(_ kinds: String..., by worker: String = "one") async throws -> ClaimedJob? {
        try await queue.claimOne(kinds: kinds, worker: worker)
    }

    func complete(_ job: ClaimedJob) async throws { try await queue.complete(job, result: JSONValue("done")) }

    /// Ends a claim as if its handler had thrown.
    func fail(_ job: ClaimedJob, because problem: Problem) async throws {
        let step = JobMachine.step(JobFacts(state: .running), on: .failed(problem.code))
        try await queue.end(job, with: step ?? JobStep(.failed), because: problem)
    }

    /// Whether the database takes a change of a job's state.
    func writes(from: JobState, to: JobState) async throws -> Bool {
        let run = try await enqueue([.init(kind: "written")])
        // Past the trigger, to begin in any state.
        try await metadata.database.script(
            """
            BEGIN; SET LOCAL session_replication_role = replica;
            UPDATE weir.jobs SET state = '\(from.rawValue)', lease_until =
              CASE WHEN '\(from.rawValue)' = 'RUNNING' THEN now() END WHERE run_id = '\(run)'; COMMIT
            """)
        do {
            try await metadata.application.transaction(organization: organization) { connection in
                try await connection.query(
                    """
                    UPDATE weir.jobs SET state = \(to.rawValue),
                      lease_until = CASE WHEN \(to.rawValue) = 'RUNNING' THEN now() END WHERE run_id = \(run)
                    """)
            }
            return true
        } catch let error as PGError where error.state == "23514" {
            return false
        }
    }

    /// As if the holder had been silent for longer than its lease.
    func expire(_ job: ClaimedJob) async throws {
        try await metadata.database.query(
            "UPDATE weir.jobs SET lease_until = now() - interval '1 second' WHERE job_id = \(job.id)")
        try await queue.expireLeases()
    }

    func state(of run: RunID) async throws -> String {
        try await metadata.database.query("SELECT state FROM weir.runs WHERE run_id = \(run)").first?
            .string("state") ?? "none"
    }

    func problem(of run: RunID) async throws -> StoredProblem? {
        try await metadata.database.query("SELECT problem FROM weir.runs WHERE run_id = \(run)").first?
            .optionalJSON("problem")
    }

    /// The jobs' states, by position.
    func states(of run: RunID) async throws -> [String] {
        try await metadata.database.query("SELECT state FROM weir.jobs WHERE run_id = \(run) ORDER BY position").map {
            try $0.string("state")
        }
    }

    /// Returns when the run has ended.
    func end(of run: RunID) async throws {
        try await metadata.database.wait(
            until: "EXISTS (SELECT FROM weir.runs WHERE run_id = \(run) AND finished_at IS NOT NULL)")
    }

    func worker(_ name: String, slots: Int = 4, _ handlers: [any JobHandler]) -> Worker {
        let listener = PGListener(metadata.database.conninfo(role: "weir_app"), channels: ["weir_jobs", "weir_cancel"])
        return Worker(
            queue: queue, listener: listener, handlers: handlers, name: name, slots: slots, observe: { _ in })
    }
}

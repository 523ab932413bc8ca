import Jobs
import Kernel
import Postgres
import Synchronization
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

    /// All connections break and none can be made; or it is back.
    func takeDatabaseAway(_ isAway: Bool) async throws {
        let name = SQL.quoted(metadata.database.name)
        try await TestServer.administer(
            ["ALTER DATABASE \(name) ALLOW_CONNECTIONS \(!isAway)"]
                + (isAway
                    ? [
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(metadata.database.name)'
                        """
                    ] : []))
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

    func worker(
        _ name: String, slots: Int = 4, look: Duration = .seconds(5), _ handlers: [any JobHandler],
        observe: @escaping Observe = { _ in }
    ) -> Worker {
        let listener = PGListener(metadata.database.conninfo(role: "weir_app"), channels: ["weir_cancel"])
        return Worker(
            queue: queue, listener: listener, handlers: handlers, name: name, slots: slots, look: look, observe: observe
        )
    }

    /// Makes a run of these jobs.
    @discardableResult
    func enqueue(
        _ specs: [JobSpec], of owner: OrganizationID? = nil, kind: String = "test", time: TimeSource = .system
    ) async throws -> RunID {
        let owner = owner ?? organization
        return try await metadata.application.transaction(organization: owner) { connection in
            try await queue.enqueue(
                run: time.makeID(), kind: kind, organization: owner, environment: "dev", source: "shop", jobs: specs,
                time: time, on: connection)
        }
    }

    /// Runs workers beside `work` and stops them after it.
    func running(_ workers: [Worker], _ work: () async throws -> Void) async throws {
        let tasks = workers.map { worker in Task { await worker.run() } }
        let result = await Result { try await work() }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        try result.get()
    }

    /// Returns when so many workers stand in line.
    func idle(_ count: Int) async throws {
        try await metadata.database.wait(
            until: "(SELECT count(*) FROM weir.idle_workers WHERE is_idle) >= \(count)")
    }
}

/// A handler that is a closure.
struct Handler: JobHandler {
    let kind: String
    var policy = JobPolicy()
    var payloadVersion = 1
    let work: @Sendable (ClaimedJob, JobContext) async throws -> any Encodable & Sendable

    init(
        kind: String, policy: JobPolicy = JobPolicy(), payloadVersion: Int = 1,
        _ work: @escaping @Sendable (ClaimedJob, JobContext) async throws -> any Encodable & Sendable
    ) {
        self.kind = kind
        self.policy = policy
        self.payloadVersion = payloadVersion
        self.work = work
    }

    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        try await work(job, context)
    }
}

/// Keeps what a worker says.
final class Heard: Sendable {
    private let kept = Mutex([(what: Observation, trace: TraceContext?)]())

    var observe: Observe { { [self] what in kept.withLock { $0.append((what, TraceContext.current)) } } }

    var all: [(what: Observation, trace: TraceContext?)] { kept.withLock { $0 } }
}

/// Returns when the task is cancelled.
func cancellation() async {
    let (endless, continuation) = AsyncStream<Void>.makeStream()
    for await _ in endless {}
    continuation.finish()
}

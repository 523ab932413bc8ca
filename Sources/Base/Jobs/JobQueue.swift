package import Kernel
package import Postgres

/// The durable queue in PostgreSQL (tables `weir.runs`, `weir.jobs`; migrations 0002 and 0005 to 0007).
///
/// Every method throws `PGError` when the database does not answer.
package struct JobQueue: Sendable {
    /// How long a claim holds without a heartbeat.
    package static let lease: Duration = .seconds(10)
    let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// Jobs of these kinds that may run, now held by `worker`; at most `limit`, none if there are none.
    /// - Parameters:
    ///   - organizations: nil for all.
    ///   - version: the newest version of their payloads that it takes.
    package func claim(
        kinds: [String], organizations: [OrganizationID]? = nil, worker: String, limit: Int = 1, version: Int = 1
    ) async throws -> [ClaimedJob] {
        let taker = JobTaker(
            worker: worker, kinds: kinds.map { JobTaker.Kind($0, version: version) }, organizations: organizations)
        return try await turn(of: taker, room: limit).claimed
    }

    /// The next such job; nil if there is none.
    package func claimOne(kinds: [String], worker: String) async throws -> ClaimedJob? {
        try await claim(kinds: kinds, worker: worker).first
    }

    // A job has a lease exactly while it is RUNNING. Statements about one job ask for the lease, not for the state:
    // asked for the state, PostgreSQL may go through the index of all that run, and over all that ran just now.

    /// Keeps the lease.
    /// - Throws: `leaseLost` if another worker has the job by now; `CancelAsked` if a person has cancelled it.
    package func heartbeat(_ job: ClaimedJob) async throws {
        let rows = try await pool.transaction(organization: job.organization) { connection in
            try await connection.query(
                """
                UPDATE weir.jobs SET lease_until = now() + \(Self.leaseText)::interval
                WHERE job_id = \(job.id) AND fence = \(job.fence) AND lease_until IS NOT NULL RETURNING cancel_requested
                """)
        }
        guard let row = rows.first else { throw Self.lost(job) }
        if try row.bool("cancel_requested") { throw CancelAsked() }
    }

    /// A person has cancelled the job.
    struct CancelAsked: Error {}

    package func report(_ progress: JobProgress, of job: ClaimedJob) async throws {
        try await change(
            job,
            "UPDATE weir.jobs SET progress = \(try JSONValue(progress)), lease_until = now() + \(Self.leaseText)::interval"
        )
    }

    package func log(_ level: LogLevel, _ text: String, of job: ClaimedJob) async throws {
        _ = try await pool.withConnection { connection in
            try await connection.queryPrepared(
                """
                SELECT weir.write_log(\(job.organization)::uuid, \(job.run)::uuid, \(job.kind), \(level.rawValue),
                  \(text.replacingScalar("\0", with: "␀")))
                """)
        }
    }

    /// Ends a job well.
    /// - Throws: `leaseLost`.
    package func complete(_ job: ClaimedJob, result: JSONValue) async throws {
        try await end(job, with: JobStep(.success, [.releaseLimits, .freeSuccessors]), result: result)
    }

    /// Whether this very claim has ended the job well.
    func isDone(_ job: ClaimedJob) async throws -> Bool {
        let rows = try await pool.transaction(organization: job.organization) { connection in
            try await connection.query(
                "SELECT FROM weir.jobs WHERE job_id = \(job.id) AND fence = \(job.fence) AND state = 'SUCCESS'")
        }
        return !rows.isEmpty
    }

    /// Ends a claim as the machine has decided.
    /// - Throws: `leaseLost`.
    package func end(
        _ job: ClaimedJob, with step: JobStep, result: JSONValue? = nil, because problem: Problem? = nil
    ) async throws {
        var pause = Duration.zero
        var counted: JobEnd?
        var rescue = Duration.zero
        for effect in step.effects {
            switch effect {
            case .wait(let duration): pause = duration
            case .count(let end): counted = end
            case .offerRescue(let duration): rescue = duration
            // What the function does for this state in any case.
            case .releaseLimits, .freeSuccessors, .stopSuccessors: break
            }
        }
        let stored = try problem.map { try JSONValue(StoredProblem($0)) }
        let seconds = pause / .seconds(1)
        let rows = try await pool.withConnection { [pause = seconds, counted, rescue] connection in
            try await connection.query(
                """
                SELECT weir.end_claim(\(job.id), \(job.fence), \(step.state.rawValue), \(result), \(stored),
                  \(pause)::float8, \(counted?.rawValue), \(Self.interval(rescue))::interval) AS was_held
                """)
        }
        guard try rows.first?.bool("was_held") == true else { throw Self.lost(job) }
    }

    /// The result of the run's job of that kind; nil if it has none yet.
    package func result<Value: Decodable>(
        of kind: String, in job: ClaimedJob, as type: Value.Type = Value.self
    ) async throws -> Value? {
        let rows = try await pool.transaction(organization: job.organization) { connection in
            try await connection.query(
                "SELECT result FROM weir.jobs WHERE run_id = \(job.run) AND kind = \(kind) AND state = 'SUCCESS'")
        }
        return try rows.first?.optionalJSON("result", as: type)
    }

    static let leaseText = interval(lease)

    static func interval(_ duration: Duration) -> String { "\(duration / .milliseconds(1)) milliseconds" }

    static func lost(_ job: ClaimedJob) -> Problem {
        Problem(.leaseLost, "Another worker has taken over job \(job.id) (\(job.kind)).")
    }

    private func change(_ job: ClaimedJob, _ update: SQL) async throws {
        try await pool.transaction(organization: job.organization) { connection in
            try await Self.change(job, update, on: connection)
        }
    }

    /// Makes sure, inside a transaction, that the job is this claim's until the transaction ends.
    /// - Throws: `leaseLost`.
    package static func confirm(_ job: ClaimedJob, on connection: PGConnection) async throws {
        let held = try await connection.query(
            """
            SELECT FROM weir.jobs WHERE job_id = \(job.id) AND fence = \(job.fence) AND lease_until IS NOT NULL FOR SHARE
            """)
        guard !held.isEmpty else {
            throw lost(job)
        }
    }

    /// Adds the condition that this claim still holds the job.
    package static func change(_ job: ClaimedJob, _ update: SQL, on connection: PGConnection) async throws {
        let rows = try await connection.query(
            update + " WHERE job_id = \(job.id) AND fence = \(job.fence) AND lease_until IS NOT NULL RETURNING job_id")
        guard !rows.isEmpty else {
            throw lost(job)
        }
    }
}

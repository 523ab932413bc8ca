package import Kernel
package import Postgres

/// The durable queue in PostgreSQL (tables `weir.runs`, `weir.jobs`; migrations 0002, 0005 and 0006).
///
/// Every method throws `PGError` when the database does not answer.
package struct JobQueue: Sendable {
    /// How long a claim holds without a heartbeat.
    package static let lease: Duration = .seconds(10)
    let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// Makes a run of jobs, inside the caller's transaction on `connection`.
    /// - Parameter idempotencyKey: of a run of this organization and kind with the same key, only one is ever made.
    /// - Returns: the run's id; that of the earlier run if there is one of that key.
    /// - Throws: `invalidInput` if a job comes after itself.
    @discardableResult
    package func enqueue(
        run: RunID, kind: String, organization: OrganizationID, environment: String, source: String, jobs: [JobSpec],
        idempotencyKey: String? = nil, time: TimeSource, on connection: PGConnection
    ) async throws -> RunID {
        try Self.refuseCycles(jobs)
        let made = try await connection.query(
            """
            INSERT INTO weir.runs (run_id, organization_id, kind, environment, source, idempotency_key)
            VALUES (\(run), \(organization), \(kind), \(environment), \(source), \(idempotencyKey))
            ON CONFLICT DO NOTHING RETURNING run_id
            """)
        guard !made.isEmpty else {
            let earlier = try await connection.query(
                """
                SELECT run_id FROM weir.runs WHERE organization_id = \(organization) AND kind = \(kind)
                  AND idempotency_key = \(idempotencyKey)
                """)
            guard let id: RunID = try earlier.first?.id("run_id") else {
                throw Problem(.conflict, "The run \(run) is there already.")
            }
            return id
        }
        let ids = jobs.map { _ in time.makeID(JobTag.self) }
        for (position, spec) in jobs.enumerated() {
            if let key = spec.exclusiveKey {
                try await JobLimits.ensureOne(key, of: organization, on: connection)
            }
            let before = Set(spec.after)
            try await connection.query(
                """
                INSERT INTO weir.jobs (job_id, organization_id, run_id, position, kind, payload, exclusive_key, limits,
                  priority, blocked_by, waits)
                VALUES (\(ids[position]), \(organization), \(run), \(position), \(spec.kind), \(spec.payload),
                  \(spec.exclusiveKey), \(PGArray.text(spec.limitKeys))::text[], \(spec.priority), \(before.count),
                  \(before.isEmpty ? "worker" : "predecessors"))
                """)
            for predecessor in before.sorted() {
                try await connection.query(
                    """
                    INSERT INTO weir.job_predecessors (job_id, predecessor_id, organization_id)
                    VALUES (\(ids[position]), \(ids[predecessor]), \(organization))
                    """)
            }
        }
        return run
    }

    /// Positions are a topological order already, or they can be brought into one.
    private static func refuseCycles(_ jobs: [JobSpec]) throws {
        var left = Set(jobs.indices)
        guard jobs.allSatisfy({ $0.after.allSatisfy(jobs.indices.contains) }) else {
            throw Problem(.invalidInput, "A job is to come after one that is not in its run.")
        }
        while !left.isEmpty {
            let free = left.filter { position in !jobs[position].after.contains(where: left.contains) }
            guard !free.isEmpty else {
                let kinds = left.sorted().map { jobs[$0].kind }.joined(separator: ", ")
                throw Problem(
                    .invalidInput, "The jobs \(kinds) each wait for another of them.",
                    hint: "Take one of the dependencies away.")
            }
            left.subtract(free)
        }
    }

    /// Jobs of these kinds that may run, now held by `worker`; at most `limit`, none if there are none.
    /// - Parameter organizations: nil for all.
    package func claim(
        kinds: [String], organizations: [OrganizationID]? = nil, worker: String, limit: Int = 1
    ) async throws -> [ClaimedJob] {
        let only = organizations.map { PGArray.text($0.map(\.description)) }
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT * FROM weir.claim_jobs(\(PGArray.text(kinds))::text[], \(only)::uuid[], \(worker),
                  \(Self.leaseText)::interval, \(limit))
                """)
        }
        return try rows.map(ClaimedJob.init)
    }

    /// The next such job; nil if there is none.
    package func claimOne(kinds: [String], worker: String) async throws -> ClaimedJob? {
        try await claim(kinds: kinds, worker: worker).first
    }

    /// Takes jobs back whose workers have gone silent, wakes those whose limits have room again, and ends the time to
    /// rescue where it is over. Returns how many jobs were taken back.
    @discardableResult
    package func expireLeases(policy: JobPolicy = JobPolicy()) async throws -> Int {
        let rescue = Self.interval(policy.rescue ?? .zero)
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                "SELECT weir.expire_leases(\(policy.mostLosses), \(rescue)::interval) AS freed")
        }
        return try Int(rows.first?.int("freed") ?? 0)
    }

    /// Keeps the lease.
    /// - Throws: `leaseLost` if another worker has the job by now; `CancelAsked` if a person has cancelled it.
    package func heartbeat(_ job: ClaimedJob) async throws {
        let rows = try await pool.transaction(organization: job.organization) { connection in
            try await connection.query(
                """
                UPDATE weir.jobs SET lease_until = now() + \(Self.leaseText)::interval
                WHERE job_id = \(job.id) AND fence = \(job.fence) AND state = 'RUNNING' RETURNING cancel_requested
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
        _ = try await pool.transaction(organization: job.organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.log_lines (organization_id, run_id, job_kind, level, text)
                VALUES (\(job.organization), \(job.run), \(job.kind), \(level.rawValue), \(text.replacingScalar("\0", with: "␀")))
                """)
        }
    }

    /// Ends a job well.
    /// - Throws: `leaseLost`.
    package func complete(_ job: ClaimedJob, result: JSONValue) async throws {
        try await end(job, with: JobStep(.success, [.releaseLimits, .freeSuccessors]), result: result)
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

    private static let leaseText = interval(lease)

    private static func interval(_ duration: Duration) -> String { "\(duration / .milliseconds(1)) milliseconds" }

    static func lost(_ job: ClaimedJob) -> Problem {
        Problem(.leaseLost, "Another worker has taken over this \(job.kind) job.")
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
            "SELECT FROM weir.jobs WHERE job_id = \(job.id) AND fence = \(job.fence) AND state = 'RUNNING' FOR SHARE")
        guard !held.isEmpty else {
            throw lost(job)
        }
    }

    /// Adds the condition that this claim still holds the job.
    package static func change(_ job: ClaimedJob, _ update: SQL, on connection: PGConnection) async throws {
        let rows = try await connection.query(
            update + " WHERE job_id = \(job.id) AND fence = \(job.fence) AND state = 'RUNNING' RETURNING job_id")
        guard !rows.isEmpty else {
            throw lost(job)
        }
    }
}

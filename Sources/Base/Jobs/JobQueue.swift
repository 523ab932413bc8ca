package import Kernel
package import Postgres

/// The durable queue in PostgreSQL (tables `weir.runs`, `weir.jobs`; migration 0002).
///
/// Every method throws `PGError` when the database does not answer.
package struct JobQueue: Sendable {
    /// How long a claim holds without a heartbeat.
    package static let lease: Duration = .seconds(10)
    /// After so many lost leases a job is held to be the one that kills its workers.
    static let mostAttempts = 15

    let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// Makes a run of jobs, inside the caller's transaction on `connection`.
    package func enqueue(
        run: RunID, kind: String, organization: OrganizationID, environment: String, source: String, jobs: [JobSpec],
        time: TimeSource, on connection: PGConnection
    ) async throws {
        try await connection.query(
            """
            INSERT INTO weir.runs (run_id, organization_id, kind, environment, source)
            VALUES (\(run), \(organization), \(kind), \(environment), \(source))
            """)
        let ids = jobs.map { _ in time.makeID(JobTag.self) }
        for (position, spec) in jobs.enumerated() {
            try await connection.query(
                """
                INSERT INTO weir.jobs (job_id, organization_id, run_id, position, kind, payload, exclusive_key)
                VALUES (\(ids[position]), \(organization), \(run), \(position), \(spec.kind), \(spec.payload),
                  \(spec.exclusiveKey))
                """)
            for predecessor in spec.after {
                try await connection.query(
                    """
                    INSERT INTO weir.job_predecessors (job_id, predecessor_id, organization_id)
                    VALUES (\(ids[position]), \(ids[predecessor]), \(organization))
                    """)
            }
        }
    }

    /// The next job of these kinds that may run, now held by `worker`; nil if there is none.
    package func claim(kinds: [String], worker: String) async throws -> ClaimedJob? {
        let list = "{\(kinds.joined(separator: ","))}"
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                "SELECT * FROM weir.claim_job(\(list)::text[], \(worker), \(Self.leaseText)::interval)")
        }
        return try rows.first.map(ClaimedJob.init)
    }

    /// Takes jobs back whose workers have gone silent. Returns how many.
    @discardableResult
    package func expireLeases() async throws -> Int {
        let rows = try await pool.withConnection { connection in
            try await connection.query("SELECT weir.expire_leases(\(Self.mostAttempts)) AS freed")
        }
        return try Int(rows.first?.int("freed") ?? 0)
    }

    /// Keeps the lease.
    /// - Throws: `leaseLost` if another worker has the job by now.
    package func heartbeat(_ job: ClaimedJob) async throws {
        try await change(
            job, "UPDATE weir.jobs SET lease_until = now() + \(Self.leaseText)::interval")
    }

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
        try await pool.transaction(organization: job.organization) { connection in
            try await Self.change(
                job,
                "UPDATE weir.jobs SET state = 'SUCCESS', result = \(result), lease_until = NULL, finished_at = now()",
                on: connection)
            try await Self.finishRun(of: job, on: connection)
        }
    }

    /// A run whose jobs are all done is over: well if every receipt is verified, else it names the streams that are not.
    private static func finishRun(of job: ClaimedJob, on connection: PGConnection) async throws {
        // One after the other: of two jobs that end at once, neither would see the other's end.
        try await connection.query("SELECT FROM weir.runs WHERE run_id = \(job.run) FOR UPDATE")
        try await connection.query(
            """
            WITH doubtful AS (
              SELECT count(*) AS n, string_agg(stream, ', ' ORDER BY stream) AS names,
                min(problem ->> 'code') AS code
              FROM weir.receipts WHERE run_id = \(job.run) AND NOT verified
            )
            UPDATE weir.runs SET finished_at = now(),
              state = CASE WHEN n = 0 THEN 'SUCCESS' ELSE 'FAILED' END,
              problem = CASE WHEN n > 0 THEN jsonb_build_object('code', coalesce(code, 'data_invalid'),
                'detail', 'Not verified: ' || names || '.', 'hint', 'The receipts say why; all else is loaded.') END
            FROM doubtful
            WHERE run_id = \(job.run) AND state IN ('PENDING', 'RUNNING')
              AND NOT EXISTS (SELECT FROM weir.jobs j WHERE j.run_id = \(job.run) AND j.state <> 'SUCCESS')
            """)
    }

    /// Gives a job back to be tried again after `pause`.
    /// - Throws: `leaseLost`.
    package func retry(_ job: ClaimedJob, after pause: Duration, because problem: Problem) async throws {
        let seconds = Double(pause.components.seconds) + Double(pause.components.attoseconds) / 1e18
        try await change(
            job,
            """
            UPDATE weir.jobs SET state = 'PENDING', problem = \(try JSONValue(StoredProblem(problem))), lease_until = NULL,
              worker = NULL, run_after = now() + make_interval(secs => \(seconds)::float8)
            """)
    }

    /// Ends a job, and with it its run, badly. What waited for it is cancelled.
    /// - Throws: `leaseLost`.
    package func fail(_ job: ClaimedJob, because problem: Problem) async throws {
        let stored = try JSONValue(StoredProblem(problem))
        try await pool.transaction(organization: job.organization) { connection in
            try await Self.change(
                job,
                "UPDATE weir.jobs SET state = 'FAILED', problem = \(stored), lease_until = NULL, finished_at = now()",
                on: connection)
            try await connection.query(
                """
                UPDATE weir.jobs SET state = 'CANCELLED', finished_at = now()
                WHERE run_id = \(job.run) AND state = 'PENDING'
                """)
            try await connection.query(
                """
                UPDATE weir.runs SET state = 'FAILED', problem = \(stored), finished_at = now()
                WHERE run_id = \(job.run) AND state IN ('PENDING', 'RUNNING')
                """)
        }
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

    private static let leaseText = "\(lease.components.seconds) seconds"

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
            throw Problem(.leaseLost, "Another worker has taken over this \(job.kind) job.")
        }
    }

    /// Adds the condition that this claim still holds the job.
    package static func change(_ job: ClaimedJob, _ update: SQL, on connection: PGConnection) async throws {
        let rows = try await connection.query(
            update + " WHERE job_id = \(job.id) AND fence = \(job.fence) AND state = 'RUNNING' RETURNING job_id")
        guard !rows.isEmpty else {
            throw Problem(.leaseLost, "Another worker has taken over this \(job.kind) job.")
        }
    }
}

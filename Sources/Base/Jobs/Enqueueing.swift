package import Kernel
package import Postgres

extension JobQueue {
    /// A run has no more jobs.
    package static let mostJobs = 1000
    /// Bytes of JSON. Larger things belong into a file or a table that the payload names.
    package static let mostPayload = 1_048_576

    /// Makes a run of jobs, inside the caller's transaction on `connection`. All of them are made, or none.
    /// - Parameter idempotencyKey: of a run of this organization and kind with the same key, only one is ever made.
    /// - Returns: the run's id; that of the earlier run if there is one of that key.
    /// - Throws: `invalidInput` for a run or job that cannot be (see `RunShape`); `conflict` if the run is there already.
    @discardableResult
    package func enqueue(
        run: RunID, kind: String, organization: OrganizationID, environment: String, source: String, jobs: [JobSpec],
        idempotencyKey: String? = nil, time: TimeSource, on connection: PGConnection
    ) async throws -> RunID {
        try RunShape.check(kind: kind, jobs)
        let ids = jobs.map { _ in time.makeID(JobTag.self) }
        let before = jobs.enumerated().flatMap { position, spec in
            Set(spec.after).sorted().map { (job: ids[position].description, predecessor: ids[$0].description) }
        }
        let keys = Set(jobs.compactMap(\.exclusiveKey)).sorted()
        let made = try await connection.queryPrepared(
            """
            WITH run AS (
              INSERT INTO weir.runs (run_id, organization_id, kind, environment, source, idempotency_key)
              VALUES (\(run), \(organization), \(kind), \(environment), \(source), \(idempotencyKey))
              ON CONFLICT DO NOTHING RETURNING run_id, organization_id
            ), keys AS (
              INSERT INTO weir.limits (key, organization_id, most) SELECT k.key, run.organization_id, 1
              FROM run, unnest(\(PGArray.text(keys.map(JobLimits.one)))::text[]) k(key) ORDER BY 1 ON CONFLICT DO NOTHING
            ), made AS (
              INSERT INTO weir.jobs (job_id, organization_id, run_id, position, kind, payload, version, exclusive_key,
                limits, priority, deadline, deadline_at, blocked_by, waits, trace)
              SELECT j.id, run.organization_id, run.run_id, j.ordinality - 1, j.kind, j.payload, j.version, j.key,
                j.limits::text[], j.priority, j.deadline, clock_timestamp() + make_interval(secs => j.deadline),
                j.blocked_by, CASE WHEN j.blocked_by = 0 THEN 'worker' ELSE 'predecessors' END,
                \(TraceContext.current?.traceparent)
              FROM run, unnest(\(PGArray.text(ids.map(\.description)))::uuid[],
                \(PGArray.text(jobs.map(\.kind)))::text[],
                \(PGArray.text(jobs.map(\.payload.postgresText)))::jsonb[],
                \(PGArray.text(jobs.map { String($0.version) }))::int[],
                \(PGArray.text(jobs.map(\.exclusiveKey)))::text[],
                \(PGArray.text(jobs.map { PGArray.text($0.limitKeys) }))::text[],
                \(PGArray.text(jobs.map { String($0.priority) }))::smallint[],
                \(PGArray.text(jobs.map { $0.deadline.map { String($0 / .seconds(1)) } }))::float8[],
                \(PGArray.text(jobs.map { String(Set($0.after).count) }))::int[]
              ) WITH ORDINALITY
                j(id, kind, payload, version, key, limits, priority, deadline, blocked_by, ordinality)
              ORDER BY j.ordinality
            ), joined AS (
              INSERT INTO weir.job_predecessors (job_id, predecessor_id, organization_id)
              SELECT p.job, p.predecessor, run.organization_id
              FROM run, unnest(\(PGArray.text(before.map(\.job)))::uuid[],
                \(PGArray.text(before.map(\.predecessor)))::uuid[]) p(job, predecessor)
            )
            SELECT run_id FROM run
            """)
        guard made.isEmpty else { return run }
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
}

/// What a run and its jobs must be like to be made.
enum RunShape {
    /// - Throws: `invalidInput`.
    static func check(kind: String, _ jobs: [JobSpec]) throws {
        try checkKind(kind, of: "run")
        guard (1...JobQueue.mostJobs).contains(jobs.count) else {
            throw Problem(
                .invalidInput, "A run has 1 to \(JobQueue.mostJobs) jobs; this one would have \(jobs.count).",
                hint: "Let a job do more of them one after the other, or make several runs.")
        }
        for job in jobs { try check(job) }
        try refuseCycles(jobs)
    }

    private static func check(_ job: JobSpec) throws {
        try checkKind(job.kind, of: "job")
        guard job.payload.postgresText.utf8.count <= JobQueue.mostPayload else {
            throw Problem(
                .invalidInput,
                "The payload of the \(job.kind) job has \(job.payload.postgresText.utf8.count) bytes; 1 MB is the most.",
                hint: "Put what is large into a file or a table, and its name into the payload.")
        }
        guard (-100...100).contains(job.priority) else {
            throw Problem(.invalidInput, "A priority is -100 to 100, not \(job.priority).")
        }
        guard job.version >= 1, job.deadline ?? .seconds(1) > .zero else {
            throw Problem(.invalidInput, "The version and the deadline of a \(job.kind) job are more than nothing.")
        }
    }

    /// `[a-z][a-z0-9_./-]*`, up to 64 characters; the database checks the same for jobs.
    private static func checkKind(_ kind: String, of what: String) throws {
        let isLetter = { (byte: UInt8) in (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        let isKnown = { (byte: UInt8) in
            isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "_./-".utf8.contains(byte)
        }
        guard let first = kind.utf8.first, isLetter(first), kind.utf8.allSatisfy(isKnown), kind.utf8.count <= 64 else {
            throw Problem(
                .invalidInput,
                "The kind of a \(what) is 1 to 64 characters of a-z, 0-9, _, ., / and -, a letter first.",
                hint: "Rename it.")
        }
    }

    /// Positions are a topological order already, or they can be brought into one.
    private static func refuseCycles(_ jobs: [JobSpec]) throws {
        guard jobs.allSatisfy({ $0.after.allSatisfy(jobs.indices.contains) }) else {
            throw Problem(.invalidInput, "A job is to come after one that is not in its run.")
        }
        // Each job leaves when all before it have left (Kahn, "Topological sorting of large networks", 1962).
        var missing = jobs.map { Set($0.after).count }
        var behind = jobs.map { _ in [Int]() }
        for (position, job) in jobs.enumerated() { for before in Set(job.after) { behind[before].append(position) } }
        var free = jobs.indices.filter { missing[$0] == 0 }
        while let position = free.popLast() {
            for next in behind[position] {
                missing[next] -= 1
                if missing[next] == 0 { free.append(next) }
            }
        }
        let left = jobs.indices.filter { missing[$0] > 0 }
        guard left.isEmpty else {
            let kinds = left.prefix(10).map { jobs[$0].kind }.joined(separator: ", ")
            throw Problem(
                .invalidInput, "The jobs \(kinds) each wait for another of them.",
                hint: "Take one of the dependencies away.")
        }
    }
}

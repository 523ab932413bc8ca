package import Kernel
package import Postgres

/// Who takes jobs, and which.
package struct JobTaker: Sendable {
    /// Jobs of one kind.
    package struct Kind: Sendable {
        package var name: String
        /// The newest version of the payload that is understood.
        package var version: Int
        /// For jobs that have none of their own.
        package var deadline: Duration?

        package init(_ name: String, version: Int = 1, deadline: Duration? = nil) {
            self.name = name
            self.version = version
            self.deadline = deadline
        }
    }

    /// Tells workers apart in pages and logs.
    package let worker: String
    let kinds: String
    let versions: String
    private let deadlines: String
    let organizations: String?
    /// Where it is called when jobs come; nil if it is not to be called.
    let channel: String?

    /// - Parameter organizations: whose jobs it takes; nil for all.
    package init(worker: String, kinds: [Kind], organizations: [OrganizationID]? = nil, channel: String? = nil) {
        self.worker = worker
        self.kinds = PGArray.text(kinds.map(\.name))
        versions = PGArray.text(kinds.map { String($0.version) })
        deadlines = PGArray.text(kinds.map { $0.deadline.map { String($0 / .seconds(1)) } })
        self.organizations = organizations.map { PGArray.text($0.map(\.description)) }
        self.channel = channel
    }

    /// Its part of the call of `weir.end_and_claim`.
    var arguments: SQL {
        """
        \(kinds)::text[], \(versions)::int[], \(deadlines)::float8[], \(organizations)::uuid[], \(worker)
        """
    }
}

/// What a worker hears in its turn.
package struct JobTurn: Sendable {
    /// Jobs that it holds now.
    package var claimed: [ClaimedJob] = []
    /// Fences of claims that it wanted to end: their jobs are another's by now.
    package var lost: Set<Int64> = []
    package var rest = Rest.none

    /// Whether it will be called when there is more to do.
    package enum Rest: Sendable, Equatable {
        /// It got all it asked for, or it is not one that is called, or it was in line before.
        case none
        /// It stands in line.
        case inLine
        /// Something may have become ready just now: it is to look again after so long.
        case again(after: Duration)
    }
}

/// A job that went well.
package struct DoneJob: Sendable {
    let job: ClaimedJob
    let result: JSONValue

    package init(_ job: ClaimedJob, result: JSONValue) {
        self.job = job
        self.result = result
    }
}

/// Something that came to an end by itself.
package struct TidiedJob: Sendable {
    package enum What: String, Sendable {
        /// Its worker was not heard of for longer than the lease.
        case lost
        /// It did not begin, or not again, before its deadline.
        case overdue
        /// The time in which a person could have rescued it is over.
        case rescueEnded = "rescue"
    }

    package let what: What
    package let job: JobID
    package let kind: String
    let trace: TraceContext?
    package let seconds: Double
}

extension JobQueue {
    /// One round trip: ends what went well, claims up to `room` jobs, and stands in line if there are fewer.
    /// - Parameter isListed: it stands in line, and has not been called since.
    package func turn(
        of taker: JobTaker, ending done: [DoneJob] = [], room: Int, isListed: Bool = false
    ) async throws -> JobTurn {
        let rows = try await pool.withConnection { connection in
            try await connection.queryPrepared(
                """
                SELECT * FROM weir.end_and_claim(\(PGArray.text(done.map(\.job.id.description)))::uuid[],
                  \(PGArray.text(done.map { String($0.job.fence) }))::bigint[],
                  \(PGArray.text(done.map(\.result.postgresText)))::jsonb[], \(taker.arguments),
                  \(Self.leaseText)::interval, \(room)::int, \(taker.channel), \(isListed)::boolean)
                """)
        }
        var turn = JobTurn()
        for row in rows {
            switch try row.string("what") {
            case "claimed": turn.claimed.append(try ClaimedJob(row))
            case "lost": turn.lost.insert(try row.int("fence"))
            case "idle": turn.rest = .inLine
            default: turn.rest = .again(after: .seconds(try row.double("waited")))
            }
        }
        return turn
    }

    /// Calls a worker for each kind of job that is ready; for one that was called and has no place left.
    package func callOthers() async throws {
        _ = try await pool.withConnection { try await $0.queryPrepared("SELECT weir.call_workers('0 s')") }
    }

    /// For a worker that stops.
    func leaveLine(_ worker: String) async throws {
        _ = try await pool.withConnection { try await $0.query("SELECT weir.leave_line(\(worker))") }
    }

    /// Keeps the leases of jobs in one statement, however many there are.
    /// - Returns: by fence, how each job stands that is still its claim's; the others are lost.
    func keepLeases(_ jobs: [ClaimedJob]) async throws -> [Int64: (isKept: Bool, isCancelled: Bool)] {
        let rows = try await pool.withConnection { connection in
            try await connection.queryPrepared(
                """
                SELECT * FROM weir.keep_leases(\(PGArray.text(jobs.map(\.id.description)))::uuid[],
                  \(PGArray.text(jobs.map { String($0.fence) }))::bigint[], \(Self.leaseText)::interval)
                """)
        }
        return try Dictionary(
            rows.map { (try $0.int("fence"), (try $0.bool("is_kept"), try $0.bool("is_cancelled"))) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Brings one job on that no worker cares for any more; nil if there is none.
    package func tidyOne(policy: JobPolicy = JobPolicy()) async throws -> TidiedJob? {
        let rescue = Self.interval(policy.rescue ?? .zero)
        let rows = try await pool.withConnection { connection in
            try await connection.queryPrepared(
                "SELECT * FROM weir.tidy_one(\(policy.mostLosses)::int, \(rescue)::interval)")
        }
        return try rows.first.map { row in
            TidiedJob(
                what: TidiedJob.What(rawValue: try row.string("what")) ?? .lost, job: try row.id("job_id"),
                kind: try row.string("kind"),
                trace: try row.optional("trace").flatMap(TraceContext.init(traceparent:)),
                seconds: try row.double("seconds"))
        }
    }

    /// Wakes jobs whose pause is over and those whose limits have room.
    /// - Returns: how long until the next one's pause is over; nil if none has one.
    @discardableResult
    package func wakeJobs() async throws -> Duration? {
        let rows = try await pool.withConnection { connection in
            try await connection.queryPrepared("SELECT weir.wake_jobs(\(Self.leaseText)::interval) AS seconds")
        }
        return try rows.first?.optionalDouble("seconds").map { .seconds(max(0, $0)) }
    }

    /// Takes jobs back whose workers have gone silent, ends what is overdue, and wakes what may go on. Returns how many
    /// jobs were taken back.
    @discardableResult
    package func expireLeases(policy: JobPolicy = JobPolicy()) async throws -> Int {
        var lost = 0
        while let tidied = try await tidyOne(policy: policy) { lost += tidied.what == .lost ? 1 : 0 }
        try await wakeJobs()
        return lost
    }
}

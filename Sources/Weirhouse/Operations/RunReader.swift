import Access
import Foundation
import Jobs
import Kernel
import Modeling
import Postgres
import Roles
import Wire

/// Reads runs from the metadata database into what the faces show.
struct RunReader: Sendable {
    let pool: PGPool
    /// The server's address, for links.
    let address: String

    /// - Throws: `notFound`.
    func detail(_ id: RunID, as caller: Caller) async throws -> RunDetail {
        try await pool.transaction(organization: caller.organization) { connection in
            guard let row = try await connection.query(Self.summaries + " WHERE r.run_id = \(id)").first else {
                throw RunControl.missing(id)
            }
            let run = try summary(row, caller)
            let jobs = try await connection.query(
                """
                SELECT j.*, \(Self.moment("j.started_at")) AS started, \(Self.moment("j.finished_at")) AS finished,
                  to_json(ARRAY(SELECT p.predecessor_id::text FROM weir.job_predecessors p WHERE p.job_id = j.job_id)) AS after,
                  \(Self.moment("CASE WHEN j.blocked_by = 0 THEN greatest(j.created_at, (SELECT max(b.finished_at)"
                    + " FROM weir.job_predecessors p JOIN weir.jobs b ON b.job_id = p.predecessor_id"
                    + " WHERE p.job_id = j.job_id)) END")) AS ready,
                  extract(epoch FROM clock_timestamp() - j.started_at)::float8 AS running_s,
                  extract(epoch FROM j.started_at)::float8 AS started_s,
                  extract(epoch FROM j.finished_at)::float8 AS finished_s, \(WaitingReason.columns)
                FROM weir.jobs j WHERE j.run_id = \(id) ORDER BY j.position
                """)
            let receipts = try await connection.query(
                "SELECT * FROM weir.receipts WHERE run_id = \(id) ORDER BY stream")
            return RunDetail(
                run: run, jobs: try views(of: jobs), streams: try receipts.map(receipt), models: try models(in: jobs),
                dashboardURL: try dashboard(in: jobs).map {
                    "\(address)/dashboards/\($0)?environment=\(run.environment)"
                },
                loadSeconds: try loadSeconds(jobs))
        }
    }

    /// Where a run belongs.
    /// - Throws: `notFound`.
    func environment(of id: RunID, as caller: Caller) async throws -> String {
        let rows = try await pool.transaction(organization: caller.organization) { connection in
            try await connection.query("SELECT environment FROM weir.runs WHERE run_id = \(id)")
        }
        guard let row = rows.first else { throw RunControl.missing(id) }
        return try row.string("environment")
    }

    /// That the caller may still read runs there: somebody who follows a run for hours may have lost the right meanwhile.
    /// - Throws: `unauthenticated`.
    func requireStill(_ caller: Caller, in environment: String) async throws {
        // Whoever holds the data folder may follow a run of any organization.
        guard !caller.isLocal, let credential = caller.credential else { return }
        let book = OrganizationBook(pool: pool, time: .system)
        let grants = try await book.grants(of: credential, in: caller.organization)
        guard Rights(grants, scopes: caller.rights.scopes).may(.runsRead, in: environment) else {
            throw Problem(.unauthenticated, "You may not follow this run any more.", hint: "Sign in again.")
        }
    }

    func log(of id: RunID, _ range: LogRange, limit: Int, as caller: Caller) async throws -> LogPage {
        try await pool.transaction(organization: caller.organization) { connection in
            // One more than asked for tells whether there are more.
            let found = try await connection.query(Self.lines(of: id, range, limit: limit + 1)).map { row in
                LogLine(
                    sequence: try row.int("sequence"), at: try row.string("moment"), job: try row.string("job_kind"),
                    level: try row.string("level"), text: try row.string("text"))
            }
            let lines = Array(found.prefix(limit))
            let next = found.count > limit ? lines.last?.sequence : nil
            return switch range {
            case .after: LogPage(lines: lines, next: next)
            case .before: LogPage(lines: lines.reversed(), next: next)
            }
        }
    }

    /// The nearest to the sequence first.
    private static func lines(of id: RunID, _ range: LogRange, limit: Int) -> SQL {
        let lines: SQL = """
            SELECT sequence, \(moment("at")) AS moment, job_kind, level, text FROM weir.log_lines WHERE run_id = \(id)
            """
        return switch range {
        case .after(let sequence): lines + " AND sequence > \(sequence) ORDER BY sequence LIMIT \(limit)"
        case .before(let sequence):
            lines + " AND sequence < \(sequence ?? Int64.max) ORDER BY sequence DESC LIMIT \(limit)"
        }
    }

    static func moment(_ column: String) -> SQL {
        SQL(unsafe: "to_char(\(column) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
    }

    static let summaries: SQL = """
        SELECT r.*, \(moment("r.created_at")) AS created, \(moment("r.finished_at")) AS finished,
          \(moment("r.scheduled_for")) AS scheduled, s.name AS schedule,
          (extract(epoch FROM r.created_at) * 1000000)::bigint AS created_us,
          (SELECT split_part(j.trace, '-', 2)::uuid::text FROM weir.jobs j
           WHERE j.run_id = r.run_id AND j.trace IS NOT NULL LIMIT 1) AS correlation,
          extract(epoch FROM coalesce(r.finished_at, now()) - r.created_at)::float8 AS seconds
        FROM weir.runs r LEFT JOIN weir.schedules s USING (schedule_id)
        """

    func summary(_ row: PGRow, _ caller: Caller) throws -> RunSummary {
        RunSummary(
            runID: try row.string("run_id"), kind: try row.string("kind"), organization: caller.slug,
            environment: try row.string("environment"), source: try row.string("source"), state: try state(row),
            createdAt: try row.string("created"), finishedAt: try row.optional("finished"),
            seconds: try rounded(row.double("seconds")), problem: try problem(row),
            schedule: try row.optional("schedule"), scheduledFor: try row.optional("scheduled"),
            note: try row.optional("note"), correlationID: try row.optional("correlation"))
    }

    private func state(_ row: PGRow) throws -> StateWord {
        StateWord(rawValue: try row.string("state")) ?? .failed
    }

    private func problem(_ row: PGRow) throws -> ProblemView? {
        let stored: StoredProblem? = try row.optionalJSON("problem")
        return stored.map { ProblemView($0.problem) }
    }

    private func views(of jobs: [PGRow]) throws -> [JobView] {
        try jobs.map { row in
            let kind = try row.string("kind")
            let state = try state(row)
            let progress: JobProgress? = try row.optionalJSON("progress")
            return JobView(
                jobID: try row.string("job_id"), kind: kind, state: state, attempt: try Int(row.int("attempt")),
                progress: try progress.map {
                    try view($0, seconds: state == .running ? row.optionalDouble("running_s") : nil)
                },
                startedAt: try row.optional("started"), finishedAt: try row.optional("finished"),
                problem: try problem(row),
                waiting: state == .pending ? try WaitingReason(row).text : nil, after: try row.json("after"),
                readyAt: try row.optional("ready"), worker: try row.optional("worker"))
        }
    }

    /// - Parameter seconds: since the job began, while it runs: the rate is over all of it.
    private func view(_ progress: JobProgress, seconds: Double?) -> ProgressView {
        var perSecond: Double?
        var left: Double?
        if let seconds, seconds > 0.5, progress.done > 0 {
            let rate = Double(progress.done) / seconds
            perSecond = rounded(rate)
            // The first steps tell little: a start-up counts in their rate.
            if let total = progress.total, progress.done >= total / 20 || seconds > 60 {
                left = rounded(Double(max(total - progress.done, 0)) / rate)
            }
        }
        return ProgressView(
            done: progress.done, total: progress.total, unit: progress.unit, rows: progress.rows, bytes: progress.bytes,
            note: progress.note, perSecond: perSecond, secondsLeft: left)
    }

    private func receipt(_ row: PGRow) throws -> StreamReceipt {
        StreamReceipt(
            name: try row.string("stream"), table: try row.string("raw_table"),
            sourceRows: try row.optionalInt("source_rows"),
            loadedRows: try row.optionalInt("loaded_rows"), verified: try row.bool("verified"),
            problem: try problem(row))
    }

    private func job(_ kind: String, in jobs: [PGRow]) throws -> PGRow? {
        try jobs.first { try $0.string("kind") == kind }
    }

    private func models(in jobs: [PGRow]) throws -> ModelsReceipt? {
        let result: BuildResult? = try job(ModelJob.kind, in: jobs)?.optionalJSON("result")
        return result.map {
            ModelsReceipt(built: $0.modelsBuilt, testsPassed: $0.testsPassed, testsFailed: $0.testsFailed)
        }
    }

    private func dashboard(in jobs: [PGRow]) throws -> String? {
        let outcome: PublishJob.Outcome? = try job(PublishJob.kind, in: jobs)?.optionalJSON("result")
        return outcome?.dashboard
    }

    /// From the first byte read to the load's commit.
    private func loadSeconds(_ jobs: [PGRow]) throws -> Double? {
        guard let start = try job("extract", in: jobs)?.optionalDouble("started_s"),
            let load = try job("load", in: jobs), try state(load) == .success,
            let end = try load.optionalDouble("finished_s")
        else { return nil }
        return rounded(end - start)
    }

    private func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}

import Jobs
import Kernel
import Postgres

/// Why a job that is PENDING does not run, in words.
struct WaitingReason: Sendable {
    /// Beside the columns of `weir.jobs j`.
    static let columns: SQL = """
        (SELECT string_agg(b.kind, ' and ' ORDER BY b.position) FROM weir.job_predecessors p
           JOIN weir.jobs b ON b.job_id = p.predecessor_id WHERE p.job_id = j.job_id AND b.state <> 'SUCCESS') AS before,
        (SELECT b.kind FROM weir.jobs b WHERE j.waits = 'failure' AND b.job_id::text = j.waits_for) AS failed_kind,
        (SELECT b.state FROM weir.jobs b WHERE j.waits = 'failure' AND b.job_id::text = j.waits_for) AS failed_state,
        to_char(j.run_after AT TIME ZONE 'UTC', 'HH24:MI:SS') AS due,
        (SELECT string_agg(DISTINCT h.kind || ' of run ' || left(h.run_id::text, 8), ', ') FROM weir.jobs h
           WHERE j.waits = 'limit' AND h.state = 'RUNNING' AND j.waits_for = ANY (h.limits)) AS holders,
        (SELECT l.most FROM weir.limits l WHERE l.key = j.waits_for) AS most,
        (SELECT l.held_because FROM weir.limits l WHERE l.key = j.waits_for) AS paused_because,
        (SELECT to_char(l.held_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM weir.limits l
           WHERE l.key = j.waits_for AND l.held_until < now() + interval '100 years') AS paused_until,
        (SELECT max(coalesce(w.versions[array_position(w.kinds, j.kind)], 1)) FROM weir.workers w
           WHERE j.kind = ANY (w.kinds) AND (w.organizations IS NULL OR j.organization_id = ANY (w.organizations))
             AND w.seen_at > now() - \(silence)::interval) AS newest_taken
        """

    private static let silence = "\(WorkerRegister.silence.components.seconds) seconds"

    /// One phrase, beginning with `waiting` or `paused`.
    let text: String

    init(_ row: PGRow) throws {
        let kind = try row.string("kind")
        let key = try row.optional("waits_for").map(LimitKey.told) ?? ""
        switch try row.string("waits") {
        case "predecessors": text = "waiting for \(try row.optional("before") ?? "the job before it")"
        case "failure":
            let failed = try row.optional("failed_kind") ?? "a job before it"
            text =
                try row.optional("failed_state") == JobState.retryable.rawValue
                ? "waiting because \(failed) failed: retry or resolve the run" : "waiting because \(failed) has ended"
        case "time":
            let due = try row.string("due")
            text =
                key.isEmpty
                ? "waiting for another attempt at \(due) UTC" : "waiting until \(due) UTC: \(key) spaces starts"
        case "limit":
            let holders = try row.optional("holders") ?? "another organization"
            let room =
                try row.optionalInt("most").map { $0 == 1 ? "the only place" : "all \($0) places" } ?? "the place"
            text = "waiting because \(holders) holds \(room) of \(key)"
        case "pause":
            let because = try row.optional("paused_because")
            // So the database says why a closed organization's keys are paused (migration 0016).
            if let because, ["organization", "notices"].contains(key), because.hasPrefix("the organization is ") {
                text = "waiting because \(because)"
                return
            }
            let reason = because.map { ": \($0)" } ?? ""
            let until = try row.optional("paused_until").map { " until \($0) UTC" } ?? ""
            text = "paused at \(key)\(until)\(reason)"
        default:
            let version = try row.int("version")
            text =
                switch try row.optionalInt("newest_taken") {
                case nil: "waiting because no worker takes \(kind) jobs"
                case let newest? where newest < version:
                    "waiting because no worker takes version \(version) of \(kind) jobs yet"
                default: "waiting for a free worker"
                }
        }
    }
}

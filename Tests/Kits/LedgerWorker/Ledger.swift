import Jobs
import Kernel
import Postgres

/// The outside: a table in a database of its own, which shares no transaction with the queue. Its border is guarded as a
/// warehouse's is: it takes an effect once for each job, and knows the newest claim that was there.
struct Ledger: Sendable {
    let pool: PGPool
    let worker: String
    /// False: whoever comes has an effect. Only to show that the guard is what keeps effects single.
    let isGuarded: Bool

    /// Brings the effect of a job across the border; nothing new if an earlier claim has done so.
    /// - Throws: `leaseLost` if a later claim has been there.
    func enter(_ job: ClaimedJob) async throws {
        let statement: SQL =
            isGuarded
            ? """
            WITH here AS (
              INSERT INTO border AS b VALUES (\(job.id), \(job.fence))
              ON CONFLICT (job_id) DO UPDATE SET fence = excluded.fence WHERE b.fence <= excluded.fence
              RETURNING xmax = 0 AS is_first
            ), entered AS (
              INSERT INTO effects (job_id, fence, worker)
              SELECT \(job.id)::uuid, \(job.fence)::bigint, \(worker) FROM here WHERE is_first
            )
            INSERT INTO visits (job_id, fence, worker, what) VALUES (\(job.id), \(job.fence), \(worker),
              CASE (SELECT is_first FROM here) WHEN true THEN 'entered' WHEN false THEN 'repeated' ELSE 'refused' END)
            RETURNING what
            """
            : """
            WITH entered AS (
              INSERT INTO effects (job_id, fence, worker) VALUES (\(job.id), \(job.fence), \(worker))
            )
            INSERT INTO visits (job_id, fence, worker, what) VALUES (\(job.id), \(job.fence), \(worker), 'entered')
            RETURNING what
            """
        let visit = try await query(statement).first
        if try visit?.string("what") == "refused" { throw Problem(.leaseLost, "A later claim was here.") }
    }

    /// Notes what a test waits for.
    func note(_ what: String, of job: ClaimedJob) async throws {
        _ = try await query(
            "INSERT INTO visits (job_id, fence, worker, what) VALUES (\(job.id), \(job.fence), \(worker), \(what))")
    }

    /// Waits while a test holds the lock of this number.
    func passGate() async throws { _ = try await query("SELECT pg_advisory_xact_lock_shared(20261124)") }

    private func query(_ statement: SQL) async throws -> [PGRow] {
        do {
            return try await pool.withConnection { try await $0.query(statement) }
        } catch let error as PGError {
            throw Problem(.busy, "The ledger does not answer.", cause: error)
        }
    }
}

package import Kernel
package import Postgres

/// The receipts of runs (table `weir.receipts`): one per stream. Every method throws `leaseLost` if another worker has
/// the job by now.
package struct ReceiptBook: Sendable {
    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// Opens the receipts of a run anew; what an earlier attempt wrote is replaced.
    package func open(_ streams: [(stream: String, table: String)], of job: ClaimedJob) async throws {
        try await pool.transaction(organization: job.organization) { connection in
            try await JobQueue.confirm(job, on: connection)
            try await connection.query("DELETE FROM weir.receipts WHERE run_id = \(job.run)")
            for (stream, table) in streams {
                try await connection.query(
                    """
                    INSERT INTO weir.receipts (run_id, organization_id, stream, raw_table)
                    VALUES (\(job.run), \(job.organization), \(stream), \(table))
                    """)
            }
        }
    }

    package func note(sourceRows: Int64, of stream: String, in job: ClaimedJob) async throws {
        try await change(job, "UPDATE weir.receipts SET source_rows = \(sourceRows) WHERE stream = \(stream)")
    }

    package func note(_ problem: Problem, with stream: String, in job: ClaimedJob) async throws {
        let stored = try JSONValue(StoredProblem(problem))
        try await change(job, "UPDATE weir.receipts SET problem = \(stored), verified = false WHERE stream = \(stream)")
    }

    /// Closes a receipt: it is verified if the two counts are equal.
    package func note(loadedRows: Int64, ofTable table: String, in job: ClaimedJob) async throws {
        try await change(
            job,
            """
            UPDATE weir.receipts SET loaded_rows = \(loadedRows), verified = source_rows IS NOT DISTINCT FROM \(loadedRows)::bigint
            WHERE raw_table = \(table)
            """)
    }

    private func change(_ job: ClaimedJob, _ update: SQL) async throws {
        try await pool.transaction(organization: job.organization) { connection in
            try await JobQueue.confirm(job, on: connection)
            try await connection.query(update + " AND run_id = \(job.run)")
        }
    }
}

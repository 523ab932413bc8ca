package import Kernel
package import Postgres

/// What people do with runs. Each change is written with who made it (table `weir.job_events`).
package struct RunControl: Sendable {
    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// Cancels all of a run that is not done. Jobs that run are told to stop, and are over within seconds.
    /// - Returns: the run's state: `running` while jobs of it still stop.
    /// - Throws: `notFound`.
    @discardableResult
    package func cancel(
        _ run: RunID, of organization: OrganizationID, by actor: String, note: String? = nil
    ) async throws -> JobState {
        let state = try await change(
            run, of: organization, by: actor, "SELECT weir.cancel_run(\(run), \(note)) AS state")
        guard let state else { throw Self.missing(run) }
        return state
    }

    /// Takes a failed run up again, at the jobs that failed or at all jobs of `kind` with what comes after them.
    /// - Throws: `notFound`; `conflict` if there is nothing to take up.
    @discardableResult
    package func retry(
        _ run: RunID, of organization: OrganizationID, by actor: String, from kind: String? = nil
    ) async throws -> JobState {
        let state = try await change(
            run, of: organization, by: actor, "SELECT weir.retry_run(\(run), \(kind)) AS state")
        guard let state else { throw try await refusal(run, of: organization, kind: kind) }
        return state
    }

    /// Ends a failed run that somebody has taken care of.
    /// - Throws: `notFound`; `conflict` if it has not failed; `invalidInput` without a note.
    @discardableResult
    package func resolve(
        _ run: RunID, of organization: OrganizationID, by actor: String, note: String
    ) async throws -> JobState {
        guard note.contains(where: { !$0.isWhitespace }) else {
            throw Problem(.invalidInput, "A note is missing.", hint: "Say how it was resolved.")
        }
        let state = try await change(
            run, of: organization, by: actor, "SELECT weir.resolve_run(\(run), \(note)) AS state")
        guard let state else { throw try await refusal(run, of: organization, kind: nil) }
        return state
    }

    private func change(
        _ run: RunID, of organization: OrganizationID, by actor: String, _ statement: SQL
    ) async throws -> JobState? {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT set_config('app.actor', \(actor), true)")
            return try await connection.query(statement).first?.optional("state").flatMap(JobState.init)
        }
    }

    private func refusal(_ run: RunID, of organization: OrganizationID, kind: String?) async throws -> Problem {
        let state = try await pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT state FROM weir.runs WHERE run_id = \(run)").first?.string("state")
        }
        guard let state else { return Self.missing(run) }
        guard let kind, state == JobState.retryable.rawValue else {
            return Problem(
                .conflict, "The run is \(state): there is nothing to rescue.",
                hint: "Only a run that is RETRYABLE can be taken up again or resolved.")
        }
        return Problem(.conflict, "The run has no \(kind) job that could be done again.", hint: "Name one of its jobs.")
    }

    /// What is said of a run that is not there, or that is not to be seen: nobody can tell the two apart.
    package static func missing(_ run: RunID) -> Problem {
        Problem(.notFound, "There is no run \(run).", hint: "`weir runs` lists those there are.")
    }
}

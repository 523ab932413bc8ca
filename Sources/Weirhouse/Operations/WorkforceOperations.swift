import Foundation
import Jobs
import Kernel
import Postgres
import Roles
import Wire

extension LiveOperations {
    func workers(as caller: Caller) async throws -> [WorkerView] {
        // Of runs that the caller may not see it says nothing.
        let places = caller.rights.environments(for: .runsRead).map { PGArray.text($0.sorted()) }
        return try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                let working = try await connection.query(
                    """
                    SELECT j.worker, j.kind, j.run_id, r.source,
                      extract(epoch FROM clock_timestamp() - coalesce(j.started_at, now()))::float8 AS seconds
                    FROM weir.jobs j JOIN weir.runs r USING (run_id) WHERE j.state = 'RUNNING'
                      AND (\(places)::text[] IS NULL OR r.environment = ANY (\(places)::text[])) ORDER BY j.started_at
                    """)
                let silence = WorkerRegister.silence / .seconds(1)
                return try await connection.query(
                    """
                    SELECT name, version, to_json(kinds) AS kind_list, organizations IS NOT NULL AS is_limited, slots,
                      seen_at > now() - make_interval(secs => \(silence)::float8) AS is_alive,
                      extract(epoch FROM started_at)::float8 AS started_s, extract(epoch FROM seen_at)::float8 AS seen_s
                    FROM weir.workers WHERE seen_at > now() - interval '1 hour'
                      AND (organizations IS NULL OR \(caller.organization) = ANY (organizations)) ORDER BY name
                    """
                ).map { row in try view(row, working) }
            }
        }
    }

    private func view(_ row: PGRow, _ working: [PGRow]) throws -> WorkerView {
        let name = try row.string("name")
        return WorkerView(
            name: name, version: try row.string("version"), kinds: try row.json("kind_list"),
            isLimited: try row.bool("is_limited"), slots: try Int(row.int("slots")), isAlive: try row.bool("is_alive"),
            startedAt: try row.moment("started_s").rfc3339,
            seenAt: try row.moment("seen_s").rfc3339,
            jobs: try working.filter { try $0.optional("worker") == name }.map { job in
                WorkerJob(
                    runID: try job.string("run_id"), kind: try job.string("kind"), source: try job.string("source"),
                    seconds: (try job.double("seconds") * 1000).rounded() / 1000)
            })
    }

    // MARK: - Limits

    func limits(as caller: Caller) async throws -> [LimitView] {
        try await metadata { try await limits(nil, as: caller) }
    }

    func setLimit(_ request: LimitRequest, as caller: Caller) async throws -> LimitView {
        let key = try LimitKey.stored(request.key, of: caller.organization)
        if let spacing = request.secondsBetweenStarts, !(spacing.isFinite && (0.001...86_400).contains(spacing)) {
            throw Problem(.invalidInput, "Starts cannot be that far apart.", hint: "Use up to a day.")
        }
        if let most = request.most, !(0...10_000).contains(most) {
            throw Problem(.invalidInput, "\(most) jobs at once cannot be a limit.", hint: "Use 0 to 10000.")
        }
        return try await metadata {
            try await JobLimits(pool: house.pool).set(
                key, of: caller.organization, most: request.most,
                spacing: request.secondsBetweenStarts.map { .seconds($0) })
            return try await limit(key, as: caller)
        }
    }

    func pauseLimit(_ request: LimitPauseRequest, as caller: Caller) async throws -> LimitView {
        let key = try LimitKey.stored(request.key, of: caller.organization)
        if let minutes = request.minutes, !(1...527_040).contains(minutes) {
            throw Problem(.invalidInput, "It cannot pause for \(minutes) minutes.", hint: "Use 1 minute to a year.")
        }
        let until = request.minutes.map { house.time.now().addingTimeInterval(60 * Double($0)) } ?? Self.furtherNotice
        return try await metadata {
            try await JobLimits(pool: house.pool).pause(
                key, of: caller.organization, until: until, because: request.because ?? "paused by \(caller.name)")
            return try await limit(key, as: caller)
        }
    }

    func resumeLimit(_ key: String, as caller: Caller) async throws -> LimitView {
        let key = try LimitKey.stored(key, of: caller.organization)
        return try await metadata {
            try await JobLimits(pool: house.pool).resume(key, of: caller.organization)
            return try await limit(key, as: caller)
        }
    }

    /// The year 9999: PostgreSQL's `infinity` is no moment to Foundation.
    private static let furtherNotice = Date(timeIntervalSince1970: 253_370_764_800)

    private func limit(_ key: String, as caller: Caller) async throws -> LimitView {
        guard let found = try await limits(key, as: caller).first else {
            throw Problem(.internal, "The limit is not there.")
        }
        return found
    }

    /// The one of that key, or all that are set, paused or waited for.
    private func limits(_ key: String?, as caller: Caller) async throws -> [LimitView] {
        try await house.pool.transaction(organization: caller.organization) { connection in
            try await connection.query(
                """
                SELECT * FROM (
                  SELECT l.key, l.most, l.spacing, l.held_because, extract(epoch FROM l.held_until)::float8 AS held_s,
                    l.held_until > now() AS is_paused,
                    (SELECT count(*) FROM weir.jobs j WHERE j.state = 'RUNNING' AND l.key = ANY (j.limits)) AS running,
                    (SELECT count(*) FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits IN ('limit', 'pause')
                       AND j.waits_for = l.key) AS waiting
                  FROM weir.limits l) x
                WHERE key = \(key) OR (\(key)::text IS NULL
                  AND (waiting > 0 OR is_paused OR (key NOT LIKE 'one/%' AND (most IS NOT NULL OR spacing IS NOT NULL))))
                ORDER BY key
                """
            ).map { row in
                let isPaused = try row.optional("is_paused") == "t"
                let until = try row.optionalMoment("held_s")
                return LimitView(
                    key: LimitKey.told(try row.string("key")), most: try row.optionalInt("most").map { Int($0) },
                    secondsBetweenStarts: try row.optionalDouble("spacing"), running: try Int(row.int("running")),
                    waiting: try Int(row.int("waiting")),
                    pausedUntil: isPaused
                        ? until.map { $0 >= Self.furtherNotice ? "further notice" : $0.rfc3339 } : nil,
                    pausedBecause: isPaused ? try row.optional("held_because") : nil)
            }
        }
    }

    // MARK: - Maintenance windows

    func windows(as caller: Caller) async throws -> [WindowView] {
        try await metadata {
            try await MaintenanceWindows(pool: house.pool).all(of: caller.organization).map(view)
        }
    }

    func putWindow(_ name: String, _ request: WindowRequest, as caller: Caller) async throws -> WindowView {
        try Self.checkName(name, of: "maintenance window")
        let key = try LimitKey.stored(request.key, of: caller.organization)
        return try await metadata {
            let windows = MaintenanceWindows(pool: house.pool)
            try await windows.put(
                name, key: key, expression: request.expression, timeZone: request.timeZone ?? "UTC",
                minutes: request.minutes, because: request.because, id: house.time.makeUUID(),
                of: caller.organization, now: house.time.now())
            guard let made = try await windows.all(of: caller.organization).first(where: { $0.name == name }) else {
                throw Problem(.conflict, "The window was removed at once.", hint: "Make it again.")
            }
            return view(made)
        }
    }

    func deleteWindow(_ name: String, as caller: Caller) async throws {
        try await metadata {
            try await MaintenanceWindows(pool: house.pool).remove(name, of: caller.organization)
        }
    }

    private func view(_ window: MaintenanceWindows.Window) -> WindowView {
        let opens = ScheduleTrigger.cron(expression: window.expression, timeZone: window.timeZone).words
        let length = ScheduleTrigger.every(minutes: window.minutes).words.replacing("every ", with: "")
        return WindowView(
            name: window.name, key: LimitKey.told(window.key), expression: window.expression,
            timeZone: window.timeZone, minutes: window.minutes, because: window.because,
            words: "\(opens), for \(length.first?.isNumber == true ? length : "1 \(length)")",
            openUntil: window.openUntil?.rfc3339, next: window.next.rfc3339)
    }
}

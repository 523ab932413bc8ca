package import Foundation
package import Kernel
package import Postgres

/// Times in which no job of a key starts (table `weir.maintenance_windows`). An open window holds its key beside what a
/// person has paused: whichever ends, the other stays (migration 0015).
package struct MaintenanceWindows: Sendable {
    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    package struct Window: Sendable {
        package var name: String
        /// Of `weir.limits`.
        package var key: String
        package var expression: String
        package var timeZone: String
        package var minutes: Int
        package var because: String?
        /// When it opens next.
        package var next: Date
        /// Nil while it is closed.
        package var openUntil: Date?
    }

    /// By name.
    package func all(of organization: OrganizationID) async throws -> [Window] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT w.*, extract(epoch FROM w.next_at)::float8 AS next_s,
                  CASE WHEN w.open_until > now() THEN extract(epoch FROM w.open_until)::float8 END AS open_s
                FROM weir.maintenance_windows w ORDER BY w.name
                """
            ).map { row in
                Window(
                    name: try row.string("name"), key: try row.string("key"), expression: try row.string("expression"),
                    timeZone: try row.string("time_zone"), minutes: try Int(row.int("minutes")),
                    because: try row.optional("because"), next: try row.moment("next_s"),
                    openUntil: try row.optionalMoment("open_s"))
            }
        }
    }

    /// Makes a window or changes it as a whole. If it would be open now, it opens.
    /// - Throws: `invalidInput` for times or a length that cannot be.
    package func put(
        _ name: String, key: String, expression: String, timeZone: String, minutes: Int, because: String?,
        id: UUID, of organization: OrganizationID, now: Date
    ) async throws {
        guard (1...10_080).contains(minutes) else {
            throw Problem(
                .invalidInput, "A window cannot be \(minutes) minutes long.", hint: "Use 1 to 10080 (a week).")
        }
        let clock = try ScheduleClock(.cron(expression: expression, timeZone: timeZone), anchor: now)
        // The last opening, if it would not be over yet.
        let next = clock.next(after: now.addingTimeInterval(-60 * Double(minutes)))
        try await pool.transaction(organization: organization) { connection in
            _ = try await Self.close(name, on: connection)
            try await connection.query(
                """
                INSERT INTO weir.maintenance_windows
                  (window_id, organization_id, name, key, expression, time_zone, minutes, because, next_at)
                VALUES (\(id), \(organization), \(name), \(key), \(expression), \(timeZone), \(minutes), \(because), \(next))
                """)
        }
    }

    /// An open window closes.
    /// - Throws: `notFound`.
    package func remove(_ name: String, of organization: OrganizationID) async throws {
        let wasThere = try await pool.transaction(organization: organization) { try await Self.close(name, on: $0) }
        guard wasThere else {
            throw Problem(.notFound, "There is no window \(name).", hint: "`weir windows` lists those there are.")
        }
    }

    /// False if there is none of that name.
    private static func close(_ name: String, on connection: PGConnection) async throws -> Bool {
        let gone = try await connection.query(
            "DELETE FROM weir.maintenance_windows WHERE name = \(name) RETURNING window_id, key")
        guard let row = gone.first else { return false }
        let key = try row.string("key")
        // One that a server of the version before has opened.
        try await connection.query(
            """
            UPDATE weir.limits SET paused_until = NULL, paused_because = NULL, paused_window = NULL
            WHERE key = \(key) AND paused_window = \(try row.string("window_id"))::uuid
            """)
        // Whoever waits for it is woken by the next look at limits.
        try await hold(key, on: connection)
        return true
    }

    /// The key is held until the last of its open windows closes. The row's lock first: another window of the key may be
    /// opened or removed at the same time, and what that has written is seen by the next statement.
    private static func hold(_ key: String, on connection: PGConnection) async throws {
        try await connection.query("SELECT FROM weir.limits WHERE key = \(key) FOR UPDATE")
        try await connection.query(
            """
            UPDATE weir.limits SET (window_until, window_because) = (
              SELECT w.open_until, coalesce(w.because, 'the maintenance window ' || w.name)
              FROM weir.maintenance_windows w WHERE w.key = \(key) AND w.open_until > now()
              ORDER BY w.open_until DESC LIMIT 1)
            WHERE key = \(key)
            """)
    }

    /// Opens a window that is due: its key is held until it closes.
    /// False if another server has it.
    func open(_ id: String, of organization: OrganizationID) async throws -> Bool {
        try await pool.transaction(organization: organization) { connection in
            let locked = try await connection.query(
                """
                SELECT w.*, extract(epoch FROM w.next_at)::float8 AS next_s, extract(epoch FROM clock_timestamp())::float8 AS now
                FROM weir.maintenance_windows w WHERE w.window_id = \(id)::uuid AND w.next_at <= clock_timestamp()
                FOR UPDATE SKIP LOCKED
                """)
            guard let row = locked.first else { return false }
            let now = try row.moment("now")
            let minutes = try row.double("minutes")
            let clock = try ScheduleClock(
                .cron(expression: try row.string("expression"), timeZone: try row.string("time_zone")), anchor: now)
            let opened = try clock.last(through: now) ?? row.moment("next_s")
            let closes = opened.addingTimeInterval(60 * minutes)
            if closes > now {
                let key = try row.string("key")
                try await connection.query(
                    "UPDATE weir.maintenance_windows SET open_until = \(closes) WHERE window_id = \(id)::uuid")
                try await connection.query(
                    "INSERT INTO weir.limits (key, organization_id) VALUES (\(key), \(organization)) ON CONFLICT DO NOTHING"
                )
                try await Self.hold(key, on: connection)
            }
            try await connection.query(
                "UPDATE weir.maintenance_windows SET next_at = \(clock.next(after: now)) WHERE window_id = \(id)::uuid")
            return true
        }
    }
}

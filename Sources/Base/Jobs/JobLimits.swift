package import Foundation
package import Kernel
package import Postgres

/// Limits that jobs are held to, by key: how many run at once, how often one may start, and pauses
/// (table `weir.limits`). A key without a limit limits nothing.
package struct JobLimits: Sendable {
    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// The key under which all jobs of an exclusive key are counted.
    package static func one(_ exclusiveKey: String) -> String { "one/\(exclusiveKey)" }
    package static func organization(_ id: OrganizationID) -> String { "organization/\(id)" }
    /// Messages of an organization, which no limit of its other jobs holds back.
    package static func notices(_ id: OrganizationID) -> String { "notices/\(id)" }
    package static func source(_ name: String, environment: String, of id: OrganizationID) -> String {
        "source/\(id)/\(environment)/\(name)"
    }
    package static func warehouse(environment: String, of id: OrganizationID) -> String {
        "warehouse/\(id)/\(environment)"
    }

    /// Sets or lifts a limit. Jobs that run go on, and count.
    /// - Parameters:
    ///   - most: at once; nil for as many as there are.
    ///   - spacing: between two starts; nil for none.
    /// - Throws: `invalidInput`.
    package func set(_ key: String, of organization: OrganizationID, most: Int?, spacing: Duration? = nil) async throws
    {
        guard most ?? 0 >= 0, spacing ?? .seconds(1) > .zero else {
            throw Problem(.invalidInput, "A limit cannot be less than nothing.")
        }
        let seconds = spacing.map { $0 / .seconds(1) }
        try await pool.transaction(organization: organization) { connection in
            // The row's lock first: claims count under it.
            try await Self.make(key, of: organization, on: connection)
            try await connection.query("SELECT FROM weir.limits WHERE key = \(key) FOR UPDATE")
            try await connection.query(
                """
                UPDATE weir.limits SET most = \(most)::int, spacing = \(seconds)::float8,
                  used = (SELECT count(*) FROM weir.jobs WHERE state = 'RUNNING' AND \(key) = ANY (limits))
                WHERE key = \(key)
                """)
            try await Self.wake(key, on: connection)
        }
    }

    /// A person lets no job of the key start before `until`. Maintenance windows hold the key beside it.
    package func pause(
        _ key: String, of organization: OrganizationID, until: Date, because reason: String?
    )
        async throws
    {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.limits (key, organization_id, paused_until, paused_because)
                VALUES (\(key), \(organization), \(until), \(reason))
                ON CONFLICT (key) DO UPDATE SET paused_until = excluded.paused_until,
                  paused_because = excluded.paused_because, paused_window = NULL
                """)
            try await Self.wake(key, on: connection)
        }
    }

    /// Lifts a person's pause. A maintenance window holds the key until it closes or is removed.
    /// - Throws: `conflict` if there is nothing to lift, and a window holds the key.
    package func resume(_ key: String, of organization: OrganizationID) async throws {
        try await pool.transaction(organization: organization) { connection in
            try await Self.make(key, of: organization, on: connection)
            let found = try await connection.query(
                """
                SELECT coalesce(paused_until > now(), false) AS is_paused, coalesce(window_until > now(), false) AS is_open
                FROM weir.limits WHERE key = \(key) FOR UPDATE
                """)
            if let row = found.first, try !row.bool("is_paused"), try row.bool("is_open") {
                throw Problem(
                    .conflict, "A maintenance window holds it; nobody has paused it.",
                    hint: "It closes by itself; `weir windows delete NAME` ends it now.")
            }
            try await connection.query(
                """
                UPDATE weir.limits SET paused_until = NULL, paused_because = NULL, paused_window = NULL
                WHERE key = \(key)
                """)
            try await Self.wake(key, on: connection)
        }
    }

    private static func make(_ key: String, of organization: OrganizationID, on connection: PGConnection) async throws {
        try await connection.query(
            "INSERT INTO weir.limits (key, organization_id) VALUES (\(key), \(organization)) ON CONFLICT DO NOTHING")
    }

    /// Those who wait for the key are looked at again. One whose row somebody holds is woken by the next tidying: whoever
    /// waits here for another's rows could have him wait for the limit.
    private static func wake(_ key: String, on connection: PGConnection) async throws {
        try await connection.query(
            """
            UPDATE weir.jobs SET waits = 'worker', waits_for = NULL WHERE job_id IN (
              SELECT j.job_id FROM weir.jobs j
              WHERE j.state = 'PENDING' AND j.waits IN ('limit', 'pause', 'time') AND j.waits_for = \(key)
              FOR NO KEY UPDATE SKIP LOCKED)
            """)
    }
}

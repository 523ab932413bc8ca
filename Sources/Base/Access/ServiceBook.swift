package import Foundation
package import Kernel
package import Postgres
package import Roles

/// Services: members that are programs. They have roles as people have, and tokens, but never a browser's session.
package struct ServiceBook: Sendable {
    private let pool: PGPool
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
    }

    package struct Entry: Sendable {
        package let id: PrincipalID
        package let name: String
        package let grants: [Grant]
        package let createdAt: Date
        package let lastSeenAt: Date?
        package let tokens: Int
    }

    /// By name.
    package func all(of organization: OrganizationID) async throws -> [Entry] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(Self.entries + " ORDER BY p.name").map(Self.entry)
        }
    }

    /// - Throws: `notFound`.
    package func find(_ name: String, of organization: OrganizationID) async throws -> Entry {
        let rows = try await pool.transaction(organization: organization) { connection in
            try await connection.query(Self.entries + " AND p.name = \(name)")
        }
        guard let row = rows.first else { throw Self.missing(name) }
        return try Self.entry(row)
    }

    /// - Throws: `conflict` if a member of that name is there.
    package func add(
        _ name: String, grants: [Grant], to organization: OrganizationID, by: PrincipalID
    ) async throws -> Entry {
        let id = PrincipalID(time.makeUUID())
        try await pool.transaction(organization: organization) { connection in
            let made = try await connection.query(
                """
                INSERT INTO weir.principals (principal_id, organization_id, name, kind, invited_by)
                VALUES (\(id), \(organization), \(name), 'service', \(by))
                ON CONFLICT (organization_id, name) DO NOTHING RETURNING 1
                """)
            guard !made.isEmpty else {
                throw Problem(.conflict, "There is a member \(name) already.", hint: "Choose another name.")
            }
            for grant in grants {
                try await connection.query(
                    """
                    INSERT INTO weir.grants (organization_id, principal_id, environment, role, granted_by)
                    VALUES (\(organization), \(id), \(grant.environment ?? "*"), \(grant.role.rawValue), \(by))
                    ON CONFLICT DO NOTHING
                    """)
            }
        }
        return try await find(name, of: organization)
    }

    /// Its tokens and roles are gone; what it did stays, by a name that says so. The name is free again.
    /// - Throws: `notFound`.
    package func remove(_ name: String, of organization: OrganizationID) async throws {
        let entry = try await find(name, of: organization)
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("DELETE FROM weir.credentials WHERE principal_id = \(entry.id)")
            try await connection.query("DELETE FROM weir.grants WHERE principal_id = \(entry.id)")
            try await connection.query(
                """
                UPDATE weir.principals SET state = 'deactivated', state_since = now(),
                  name = name || ' (removed, ' || left(principal_id::text, 8) || ')'
                WHERE principal_id = \(entry.id)
                """)
        }
    }

    private static let entries: SQL =
        """
        SELECT p.principal_id, p.name, extract(epoch FROM p.created_at)::float8 AS created_at,
          extract(epoch FROM p.last_seen_at)::float8 AS last_seen_at,
          (SELECT string_agg(g.environment || ' ' || g.role, ',' ORDER BY g.environment, g.role)
            FROM weir.grants g WHERE g.principal_id = p.principal_id) AS grants,
          (SELECT count(*) FROM weir.credentials c WHERE c.principal_id = p.principal_id AND c.kind = 'token'
            AND (c.expires_at IS NULL OR c.expires_at > now())) AS tokens
        FROM weir.principals p WHERE p.kind = 'service' AND p.state = 'active'
        """

    private static func entry(_ row: PGRow) throws -> Entry {
        let grants = try (row.optional("grants") ?? "").split(separator: ",").compactMap { text -> Grant? in
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 2, let role = Role(rawValue: words[1]) else { return nil }
            return Grant(role, in: words[0] == "*" ? nil : words[0])
        }
        return Entry(
            id: try row.id("principal_id"), name: try row.string("name"), grants: grants,
            createdAt: try row.moment("created_at"), lastSeenAt: try row.optionalMoment("last_seen_at"),
            tokens: Int(try row.int("tokens")))
    }

    private static func missing(_ name: String) -> Problem {
        Problem(
            .notFound, "There is no service \(name.prefix(60)).", hint: "weir services list shows those that there are."
        )
    }
}

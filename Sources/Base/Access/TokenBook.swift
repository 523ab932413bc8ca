package import Foundation
package import Kernel
package import Postgres

/// API tokens of people and services: what is known of them, never themselves.
package struct TokenBook: Sendable {
    private let pool: PGPool
    private let gate: Gate
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
        gate = Gate(pool: pool, time: time)
    }

    /// A token as lists show it.
    package struct Entry: Sendable {
        package let id: CredentialID
        package let name: String?
        /// `weir_token_AbCd`; nil for tokens of before there were prefixes, and for that of the data folder.
        package let prefix: String?
        package let owner: PrincipalID
        package let ownerName: String
        package let isOfService: Bool
        /// Nil: all that the roles give.
        package let scopes: [String]?
        package let createdBy: String?
        package let createdAt: Date
        package let expiresAt: Date?
        package let lastUsedAt: Date?
        package let lastUsedFrom: String?

        init(_ row: PGRow) throws {
            id = try row.id("credential_id")
            name = try row.optional("name")
            prefix = try row.optional("prefix")
            owner = try row.id("principal_id")
            ownerName = try row.string("owner")
            isOfService = try row.string("owner_kind") == "service"
            scopes = try row.optional("scopes").map { $0.split(separator: ",").map(String.init) }
            createdBy = try row.optional("maker")
            createdAt = try row.moment("created_at")
            expiresAt = try row.optionalMoment("expires_at")
            lastUsedAt = try row.optionalMoment("last_used_at")
            lastUsedFrom = try row.optional("last_used_from")
        }
    }

    /// Those that are not over, the newest first.
    /// - Parameter owner: whose; nil: everybody's.
    package func all(of organization: OrganizationID, owner: PrincipalID? = nil) async throws -> [Entry] {
        try await pool.transaction(organization: organization) { connection in
            let whose: SQL = owner.map { " AND c.principal_id = \($0)" } ?? ""
            return try await connection.query(Self.entries + whose + " ORDER BY c.created_at DESC, c.credential_id")
                .map { try Entry($0) }
        }
    }

    /// - Throws: `notFound`.
    package func find(_ id: CredentialID, of organization: OrganizationID) async throws -> Entry {
        try await pool.transaction(organization: organization) { try await Self.find(id, on: $0) }
    }

    /// A new token. Its secret is to be shown this once.
    package func issue(
        to principal: PrincipalID, of organization: OrganizationID, on terms: Gate.Terms, from address: String?
    ) async throws -> (secret: Secret<String>, entry: Entry) {
        let secret = TokenText.make()
        let id = CredentialID(time.makeUUID())
        let entry = try await pool.transaction(organization: organization) { connection in
            try await insert(secret, id, to: principal, of: organization, on: terms, from: address, connection)
            return try await Self.find(id, on: connection)
        }
        return (secret, entry)
    }

    /// A new secret for what an old one opens. The old one is over after the grace time, or with its own end.
    /// - Parameter lifetime: the new one's, from now.
    /// - Throws: `notFound`.
    package func rotate(
        _ id: CredentialID, of organization: OrganizationID, grace: Duration, lifetime: Duration?, by: PrincipalID,
        from address: String?
    ) async throws -> (secret: Secret<String>, entry: Entry) {
        let secret = TokenText.make()
        let newID = CredentialID(time.makeUUID())
        let entry = try await pool.transaction(organization: organization) { connection in
            let old = try await Self.find(id, on: connection)
            let terms = Gate.Terms(lifetime: lifetime, name: old.name, scopes: old.scopes, createdBy: by)
            try await insert(secret, newID, to: old.owner, of: organization, on: terms, from: address, connection)
            try await Self.end(id, after: grace, connection)
            return try await Self.find(newID, on: connection)
        }
        return (secret, entry)
    }

    private static func end(_ id: CredentialID, after grace: Duration, _ connection: PGConnection) async throws {
        guard grace > .zero else {
            try await connection.query("DELETE FROM weir.credentials WHERE credential_id = \(id)")
            return
        }
        try await connection.query(
            """
            UPDATE weir.credentials SET expires_at =
              least(expires_at, now() + make_interval(secs => \(grace / .seconds(1))::float8))
            WHERE credential_id = \(id)
            """)
    }

    /// - Throws: `notFound`.
    package func revoke(_ id: CredentialID, of organization: OrganizationID) async throws {
        let gone = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                "DELETE FROM weir.credentials WHERE credential_id = \(id) AND kind = 'token' RETURNING 1")
        }
        guard !gone.isEmpty else { throw Self.missing }
    }

    private func insert(
        _ secret: Secret<String>, _ id: CredentialID, to principal: PrincipalID, of organization: OrganizationID,
        on terms: Gate.Terms, from address: String?, _ connection: PGConnection
    ) async throws {
        try await connection.query(
            """
            INSERT INTO weir.credentials (hash, kind, organization_id, principal_id, expires_at, name, scopes,
              created_by, credential_id, prefix, created_from)
            VALUES (\(gate.hash(secret.reveal()))::bytea, 'token', \(organization), \(principal),
              now() + make_interval(secs => \(terms.lifetime.map { $0 / .seconds(1) })::float8), \(terms.name),
              \(terms.scopes.map { PGArray.text($0) })::text[], \(terms.createdBy), \(id),
              \(TokenText.beginning(of: secret)), \(address)::inet)
            """)
    }

    private static func find(_ id: CredentialID, on connection: PGConnection) async throws -> Entry {
        guard let row = try await connection.query(entries + " AND c.credential_id = \(id)").first else {
            throw missing
        }
        return try Entry(row)
    }

    private static let entries: SQL =
        """
        SELECT c.credential_id, c.name, c.prefix, c.principal_id, p.name AS owner, p.kind AS owner_kind,
          array_to_string(c.scopes, ',') AS scopes, m.name AS maker,
          extract(epoch FROM c.created_at)::float8 AS created_at,
          extract(epoch FROM c.expires_at)::float8 AS expires_at,
          extract(epoch FROM c.last_used_at)::float8 AS last_used_at, host(c.last_used_from) AS last_used_from
        FROM weir.credentials c JOIN weir.principals p ON p.principal_id = c.principal_id
          LEFT JOIN weir.principals m ON m.principal_id = c.created_by
        WHERE c.kind = 'token' AND (c.expires_at IS NULL OR c.expires_at > now())
        """

    /// Also of a token that is not to be seen.
    package static let missing = Problem(
        .notFound, "There is no such token.", hint: "weir tokens list shows those that you may see.")
}

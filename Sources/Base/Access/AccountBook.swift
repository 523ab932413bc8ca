package import Foundation
package import Kernel
package import Postgres

/// A person's own account: sessions, consents, what is known of them, and its end.
package struct AccountBook: Sendable {
    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// A browser that is signed in.
    package struct Session: Sendable {
        package let id: CredentialID
        package let browser: String?
        package let createdAt: Date
        package let createdFrom: String?
        package let lastUsedAt: Date?
        package let lastUsedFrom: String?
        package let expiresAt: Date?
    }

    /// Those that are not over, the last used first.
    package func sessions(of principal: PrincipalID, in organization: OrganizationID) async throws -> [Session] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT credential_id, name, host(created_from) AS created_from, host(last_used_from) AS last_used_from,
                  extract(epoch FROM created_at)::float8 AS created_at,
                  extract(epoch FROM last_used_at)::float8 AS last_used_at,
                  extract(epoch FROM expires_at)::float8 AS expires_at
                FROM weir.credentials WHERE kind = 'session' AND principal_id = \(principal)
                  AND (expires_at IS NULL OR expires_at > now())
                  AND (idle IS NULL OR coalesce(last_used_at, created_at) + idle > now())
                ORDER BY coalesce(last_used_at, created_at) DESC, credential_id
                """
            ).map { row in
                Session(
                    id: try row.id("credential_id"), browser: try row.optional("name"),
                    createdAt: try row.moment("created_at"), createdFrom: try row.optional("created_from"),
                    lastUsedAt: try row.optionalMoment("last_used_at"),
                    lastUsedFrom: try row.optional("last_used_from"), expiresAt: try row.optionalMoment("expires_at"))
            }
        }
    }

    /// Ends sessions of a principal: one, or all but one. How many there were.
    package func endSessions(
        of principal: PrincipalID, in organization: OrganizationID, only: CredentialID? = nil,
        except: CredentialID? = nil
    ) async throws -> Int {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                DELETE FROM weir.credentials WHERE kind = 'session' AND principal_id = \(principal)
                  AND (\(only)::uuid IS NULL OR credential_id = \(only)::uuid)
                  AND (\(except)::uuid IS NULL OR credential_id <> \(except)::uuid) RETURNING 1
                """
            ).count
        }
    }

    /// The member of that name; nil if there is none.
    package func member(named name: String, of organization: OrganizationID) async throws -> PrincipalID? {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT principal_id FROM weir.principals WHERE name = \(name)").first?
                .id("principal_id")
        }
    }

    // MARK: - Consent

    package func hasAgreed(
        _ principal: PrincipalID, of organization: OrganizationID, to document: String, version: String
    ) async throws -> Bool {
        try await pool.transaction(organization: organization) { connection in
            try await !connection.query(
                """
                SELECT FROM weir.consents
                WHERE principal_id = \(principal) AND document = \(document) AND version = \(version)
                """
            ).isEmpty
        }
    }

    /// Agreeing twice keeps the first time.
    package func agree(
        _ principal: PrincipalID, of organization: OrganizationID, to document: String, version: String,
        browser: String?, from address: String?
    ) async throws {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.consents (organization_id, principal_id, document, version, came_from, browser)
                VALUES (\(organization), \(principal), \(document), \(version), \(address)::inet, \(browser))
                ON CONFLICT DO NOTHING
                """)
        }
    }

    // MARK: - Export and erasure

    /// All that is known of a principal's account, as JSON; nil if there is no such principal.
    package func export(_ principal: PrincipalID, of organization: OrganizationID) async throws -> String? {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT weir.account_of(\(principal)) AS account").first?.optional("account")
        }
    }

    /// Ends a person's account in all organizations.
    /// - Throws: `conflict` if an organization would be left without an owner.
    package func erase(_ principal: PrincipalID, of organization: OrganizationID) async throws {
        do {
            let alone = try await pool.transaction(organization: organization) { connection in
                try await connection.query("SELECT weir.erase_account(\(principal)) AS alone").first?.optional("alone")
            }
            if let alone { throw Self.lastOwner(of: alone) }
        } catch let error as PGError {
            // Another owner left at this moment.
            if case .server("23514", _, _, "has_owner") = error { throw Self.lastOwner(of: "an organization") }
            throw error
        }
    }

    private static func lastOwner(of slug: String) -> Problem {
        Problem(
            .conflict, "You are the only owner of \(slug).",
            hint: "Make somebody else its owner, or delete the organization; then erase the account.")
    }
}

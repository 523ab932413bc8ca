import Kernel
import OpenID
import Postgres
import Wire

/// What a company's directory says of an organization's members.
extension LiveOperations {
    func directoryUsers(email: String?, offset: Int, limit: Int, as caller: Caller) async throws -> DirectoryPage {
        let wanted = email?.lowercased()
        return try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                let rows = try await connection.query(
                    Self.users + " AND (\(wanted)::text IS NULL OR email = \(wanted))"
                        + " ORDER BY email, principal_id OFFSET \(offset)::int LIMIT \(limit)::int")
                let total = try await connection.query(
                    """
                    SELECT count(*) AS total FROM weir.principals
                    WHERE kind = 'person' AND erased_at IS NULL AND (\(wanted)::text IS NULL OR email = \(wanted))
                    """)
                return DirectoryPage(total: Int(try total.first?.int("total") ?? 0), users: try rows.map(Self.user))
            }
        }
    }

    func directoryUser(_ id: PrincipalID, as caller: Caller) async throws -> DirectoryUser {
        try await metadata {
            try await house.pool.transaction(organization: caller.organization) { try await Self.user(id, on: $0) }
        }
    }

    /// Whether an account of an issuer is that member.
    func isKnownPerson(_ id: PrincipalID, as caller: Caller) async throws -> Bool {
        try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await !connection.query(
                    "SELECT FROM weir.principals WHERE principal_id = \(id) AND person_id IS NOT NULL"
                ).isEmpty
            }
        }
    }

    func addDirectoryUser(_ change: DirectoryChange, as caller: Caller) async throws -> DirectoryUser {
        let email = try Self.checked(change.email ?? "")
        let id = PrincipalID(house.time.makeUUID())
        return try await directory(caller) { connection in
            try await connection.query(
                """
                INSERT INTO weir.principals (principal_id, organization_id, name, kind, email, display, state)
                VALUES (\(id), \(caller.organization), \(email), 'person', \(email),
                  \(try Self.shown(change.display) ?? email), \(change.isActive == false ? "deactivated" : "active"))
                """)
            return try await Self.user(id, on: connection)
        }
    }

    func changeDirectoryUser(
        _ id: PrincipalID, _ change: DirectoryChange, as caller: Caller
    ) async throws -> DirectoryUser {
        let email = try change.email.map(Self.checked)
        let display = try Self.shown(change.display)
        let state = change.isActive.map { $0 ? "active" : "deactivated" }
        let user = try await directory(caller) { connection in
            _ = try await Self.user(id, on: connection)
            try await connection.query(
                """
                UPDATE weir.principals SET email = coalesce(\(email), email), name = coalesce(\(email), name),
                  display = coalesce(\(display), display), state = coalesce(\(state), state),
                  state_since = CASE WHEN coalesce(\(state), state) = state THEN state_since ELSE now() END
                WHERE principal_id = \(id)
                """)
            return try await Self.user(id, on: connection)
        }
        callers.forget()
        return user
    }

    private func directory(
        _ caller: Caller, _ work: @Sendable (PGConnection) async throws -> DirectoryUser
    ) async throws -> DirectoryUser {
        do {
            return try await house.pool.transaction(organization: caller.organization, work)
        } catch let error as PGError where error.state == "23505" {
            throw Problem(.conflict, "There is a member of this e-mail address already.", hint: nil)
        } catch let error as PGError where error.state == "23514" {
            throw Problem(
                .conflict, "\(caller.slug) would have no owner who can sign in.", hint: "Make another owner first.")
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }

    private static func checked(_ email: String) throws -> String {
        guard Account.domain(of: email) != nil else {
            throw Problem(.invalidInput, "userName is no e-mail address.", hint: "Map userName to the e-mail address.")
        }
        return email.lowercased()
    }

    private static func shown(_ name: String?) throws -> String? {
        guard let name, !name.isEmpty else { return nil }
        guard name.unicodeScalars.count <= 200, !name.contains(where: \.isNewline) else {
            throw Problem(.invalidInput, "The name has at most 200 characters in one line.", hint: nil)
        }
        return name
    }

    private static let users: SQL = """
        SELECT principal_id, email, coalesce(display, name) AS display, state <> 'deactivated' AS is_active,
          extract(epoch FROM created_at)::float8 AS created_s, extract(epoch FROM state_since)::float8 AS changed_s
        FROM weir.principals WHERE kind = 'person' AND erased_at IS NULL
        """

    private static func user(_ id: PrincipalID, on connection: PGConnection) async throws -> DirectoryUser {
        guard let row = try await connection.query(users + " AND principal_id = \(id)").first else {
            throw Problem(.notFound, "There is no such user.", hint: nil)
        }
        return try user(row)
    }

    private static func user(_ row: PGRow) throws -> DirectoryUser {
        DirectoryUser(
            id: try row.id("principal_id"), email: try row.string("email"), display: try row.string("display"),
            isActive: try row.bool("is_active"), createdAt: try row.moment("created_s").rfc3339,
            changedAt: try row.moment("changed_s").rfc3339)
    }
}

package import Foundation
package import Kernel
package import Postgres
package import Roles

/// Who belongs to an organization, and what they are there. Each method sees only that organization's members.
package struct MemberBook: Sendable {
    private let pool: PGPool
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
    }

    package struct Member: Sendable {
        package let id: PrincipalID
        package let name: String
        package let display: String
        package let kind: Principal.Kind
        package let state: State
        package let roles: [Held]
        package let invitedBy: String?
        package let createdAt: Date
        package let lastSeenAt: Date?
        /// Whether they are the same person elsewhere too, or can be.
        package let isPerson: Bool
    }

    package enum State: String, Sendable {
        case invited, active, deactivated
    }

    /// A role and where it came from: `person`, or a rule of sign-in.
    package struct Held: Sendable, Codable, Hashable {
        package let role: Role
        /// `*`: the organization as a whole.
        let environment: String
        package let origin: String

        package var grant: Grant { Grant(role, in: environment == "*" ? nil : environment) }
    }

    /// By name.
    package func all(of organization: OrganizationID) async throws -> [Member] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("\(Self.members) ORDER BY p.name").map(Member.init)
        }
    }

    /// By id or by name, in whatever case.
    /// - Throws: `notFound`.
    package func find(_ member: String, of organization: OrganizationID) async throws -> Member {
        try await pool.transaction(organization: organization) { try await Self.find(member, on: $0) }
    }

    /// What can be an id is one and no name: nobody is found in another's place.
    private static func find(_ member: String, on connection: PGConnection) async throws -> Member {
        let found =
            if let id = PrincipalID(member) {
                try await connection.query("\(members) WHERE p.principal_id = \(id)")
            } else {
                try await connection.query("\(members) WHERE lower(p.name) = lower(\(member))")
            }
        guard let row = found.first else {
            throw Problem(
                .notFound, "There is no member \(member.prefix(80)).", hint: "weir members list shows who there is.")
        }
        return try Member(row)
    }

    private static let members: SQL = """
        SELECT p.principal_id, p.name, coalesce(p.display, p.name) AS display, p.kind, p.state, p.person_id IS NOT NULL AS is_person,
          (SELECT coalesce(i.display, i.name) FROM weir.principals i WHERE i.principal_id = p.invited_by) AS invited_by,
          extract(epoch FROM p.created_at)::float8 AS created_s, extract(epoch FROM p.last_seen_at)::float8 AS seen_s,
          (SELECT coalesce(json_agg(json_build_object('role', g.role, 'environment', g.environment, 'origin', g.origin)
             ORDER BY g.environment, g.role, g.origin), '[]') FROM weir.grants g
           WHERE g.principal_id = p.principal_id) AS roles
        FROM weir.principals p
        """

    // MARK: - Invitations

    /// The name that tells credentials of invitations from links that sign somebody in again.
    package static let invitation = "invitation"
    package static let invitationLifetime: Duration = .seconds(7 * 86_400)

    /// A member who is to come, with a role; one who was invited before gets the role too, and older links are worthless.
    /// - Parameter email: in small letters.
    /// - Throws: `conflict` for one who is a member already.
    package func invite(
        _ email: String, as grant: Grant, by inviter: PrincipalID, of organization: OrganizationID
    ) async throws -> Member {
        try await keepingAnOwner {
            try await pool.transaction(organization: organization) { connection in
                try await connection.query(
                    """
                    INSERT INTO weir.principals (principal_id, organization_id, name, kind, email, state, invited_by)
                    VALUES (\(time.makeUUID()), \(organization), \(email), 'person', \(email), 'invited', \(inviter))
                    ON CONFLICT (organization_id, name) DO NOTHING
                    """)
                let member = try await Self.find(email, on: connection)
                // Whoever was never seen by an issuer has no other way in than another link.
                guard member.kind == .person, !member.isPerson, member.state != .deactivated else {
                    throw Problem(
                        .conflict, "\(email) belongs to the organization already.",
                        hint: member.state == .deactivated
                            ? "weir members activate \(email)" : "Change what they may with weir members grant.")
                }
                try await connection.query(
                    """
                    DELETE FROM weir.credentials WHERE principal_id = \(member.id) AND kind = 'code' AND name = \(Self.invitation)
                    """)
                try await Self.give(grant, to: member.id, by: inviter, of: organization, on: connection)
                return try await Self.find(email, on: connection)
            }
        }
    }

    package struct Invitation: Sendable {
        package let organization: String
        package let email: String
        package let display: String?
        package let roles: [Grant]
        package let invitedBy: String?
    }

    /// What a link invites to; nil if it is worth nothing.
    /// - Parameter hash: of the link's secret (`Gate.hash`).
    package func invitation(_ hash: Data) async throws -> Invitation? {
        try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT slug, title, email, display, array_to_string(roles, ',') AS roles, invited_by
                FROM weir.read_invitation(\(hash)::bytea)
                """
            ).first.map { row in
                Invitation(
                    organization: try row.string("title"), email: try row.string("email"),
                    display: try row.optional("display"),
                    roles: try row.string("roles").split(separator: ",").compactMap { Grant(stored: $0) },
                    invitedBy: try row.optional("invited_by"))
            }
        }
    }

    /// Uses a link up. Nil if it is worth nothing.
    /// - Parameter guest: who the browser is signed in as already.
    /// - Throws: `conflict` if the guest belongs to the organization already; the link stays good then.
    package func accept(
        _ hash: Data, display: String?, guest: PrincipalID?
    ) async throws -> (organization: OrganizationID, principal: PrincipalID)? {
        do {
            return try await pool.transaction(organization: nil) { connection in
                try await connection.query(
                    """
                    SELECT organization_id, principal_id
                    FROM weir.accept_invitation(\(hash)::bytea, \(display), \(guest), \(time.makeUUID()))
                    """
                ).first.map { (try $0.id("organization_id"), try $0.id("principal_id")) }
            }
        } catch PGError.server(_, _, _, constraint: "principals_of_person") {
            throw Problem(
                .conflict, "You belong to this organization already, under another name.",
                hint: "Sign out first to join as somebody else.")
        }
    }

    // MARK: - Roles

    /// Nothing happens if they have it.
    /// - Throws: `notFound`.
    package func grant(
        _ grant: Grant, to member: String, by giver: PrincipalID, of organization: OrganizationID
    ) async throws -> Member {
        try await pool.transaction(organization: organization) { connection in
            let id = try await Self.find(member, on: connection).id
            try await Self.give(grant, to: id, by: giver, of: organization, on: connection)
            return try await Self.find(member, on: connection)
        }
    }

    private static func give(
        _ grant: Grant, to member: PrincipalID, by giver: PrincipalID, of organization: OrganizationID,
        on connection: PGConnection
    ) async throws {
        try await connection.query(
            """
            INSERT INTO weir.grants (organization_id, principal_id, environment, role, granted_by)
            VALUES (\(organization), \(member), \(grant.environment ?? "*"), \(grant.role.rawValue), \(giver))
            ON CONFLICT DO NOTHING
            """)
    }

    /// - Throws: `notFound` for a member who does not have it; `conflict` if a rule of sign-in gave it, and for the last
    ///   owner.
    package func revoke(_ grant: Grant, from member: String, of organization: OrganizationID) async throws -> Member {
        try await keepingAnOwner {
            try await pool.transaction(organization: organization) { connection in
                let found = try await Self.find(member, on: connection)
                let gone = try await connection.query(
                    """
                    DELETE FROM weir.grants WHERE principal_id = \(found.id) AND environment = \(grant.environment ?? "*")
                      AND role = \(grant.role.rawValue) AND origin = 'person' RETURNING role
                    """)
                guard gone.isEmpty else { return try await Self.find(member, on: connection) }
                let place = grant.environment.map { " in \($0)" } ?? ""
                guard found.roles.contains(where: { $0.grant == grant }) else {
                    throw Problem(
                        .notFound, "\(found.name) does not have the role \(grant.role.rawValue)\(place).",
                        hint: "weir members list shows what there is.")
                }
                throw Problem(
                    .conflict, "A rule of sign-in gives \(found.name) the role \(grant.role.rawValue)\(place).",
                    hint: "Change the rule, or the person's groups at the issuer.")
            }
        }
    }

    // MARK: - Deactivated, removed

    /// Sessions, tokens and links are worthless at once, and no more e-mail goes to them.
    /// - Throws: `notFound`; `conflict` for the last owner and for the local admin.
    package func deactivate(_ member: String, of organization: OrganizationID) async throws -> Member {
        try await keepingAnOwner {
            try await pool.transaction(organization: organization) { connection in
                let found = try await Self.shutOut(member, on: connection)
                return try await Self.find(found.id.description, on: connection)
            }
        }
    }

    /// Nothing happens to one who is active; one who never came is invited again.
    package func activate(_ member: String, of organization: OrganizationID) async throws -> Member {
        try await pool.transaction(organization: organization) { connection in
            let found = try await Self.find(member, on: connection)
            try await connection.query(
                """
                UPDATE weir.principals SET state_since = now(),
                  state = CASE WHEN kind = 'person' AND person_id IS NULL AND last_seen_at IS NULL THEN 'invited' ELSE 'active' END
                WHERE principal_id = \(found.id) AND state = 'deactivated'
                """)
            return try await Self.find(found.id.description, on: connection)
        }
    }

    /// Their subscriptions go over to whoever removes them.
    /// - Throws: as `deactivate`.
    package func remove(_ member: String, by remover: PrincipalID, of organization: OrganizationID) async throws {
        try await keepingAnOwner {
            try await pool.transaction(organization: organization) { connection in
                let found = try await Self.shutOut(member, on: connection)
                try await connection.query(
                    """
                    UPDATE weir.subscriptions SET principal_id = \(remover)
                    WHERE principal_id = \(found.id) AND \(remover)::uuid <> \(found.id)::uuid
                    """)
                try await connection.query("DELETE FROM weir.subscriptions WHERE principal_id = \(found.id)")
                try await connection.query("DELETE FROM weir.principals WHERE principal_id = \(found.id)")
            }
        }
    }

    /// Deactivates; what follows from that, whoever does it, is the trigger `shut_out`'s.
    private static func shutOut(_ member: String, on connection: PGConnection) async throws -> Member {
        let found = try await find(member, on: connection)
        guard found.kind != .local else {
            throw Problem(
                .conflict, "\(found.name) is whoever holds the data folder, and cannot be shut out.",
                hint: "Keep others from the machine and the folder instead.")
        }
        try await connection.query(
            """
            UPDATE weir.principals SET state = 'deactivated',
              state_since = CASE state WHEN 'deactivated' THEN state_since ELSE now() END
            WHERE principal_id = \(found.id)
            """)
        return found
    }

    /// - Throws: `conflict` if the database refuses the end of the transaction because no owner would be left.
    private func keepingAnOwner<Value: Sendable>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch PGError.server(_, _, _, constraint: "has_owner") {
            throw Problem(
                .conflict, "The organization would have no owner.", hint: "Make somebody else an owner first.")
        }
    }
}

extension MemberBook.Member {
    fileprivate init(_ row: PGRow) throws {
        self.init(
            id: try row.id("principal_id"), name: try row.string("name"), display: try row.string("display"),
            kind: try Principal.Kind(rawValue: row.string("kind")) ?? .service,
            state: try MemberBook.State(rawValue: row.string("state")) ?? .deactivated, roles: try row.json("roles"),
            invitedBy: try row.optional("invited_by"), createdAt: try row.moment("created_s"),
            lastSeenAt: try row.optionalMoment("seen_s"), isPerson: try row.bool("is_person"))
    }
}

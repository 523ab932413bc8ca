package import Foundation
package import Kernel
package import Postgres
package import Roles

/// Organizations and their environments, as people found, change, suspend and delete them (migration 0016).
package struct OrganizationBook: Sendable {
    /// How long an organization that was deleted can be restored.
    package static let grace: Duration = .seconds(30 * 86_400)

    private let pool: PGPool
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
    }

    /// How long an environment keeps what is over, in days.
    package struct Retention: Sendable, Hashable {
        /// Runs that are over.
        package var runs: Int
        /// Lines of their logs.
        package var logs: Int
        /// States of the warehouse and folders of the lake that a newer load has superseded.
        package var data: Int

        package init(runs: Int, logs: Int, data: Int) {
            self.runs = runs
            self.logs = logs
            self.data = data
        }
    }

    /// An organization that somebody belongs to, and what they are there.
    package struct Belonging: Sendable {
        package let principal: Principal
        package let title: String
        package let state: String
    }

    /// A session of another organization lasts no longer than the one that it comes from, and ends with the provider's
    /// session as that would have.
    package func carry(session old: CredentialID, to new: CredentialID) async throws {
        _ = try await pool.withConnection { try await $0.query("SELECT weir.carry_session(\(old), \(new))") }
    }

    /// What whoever holds a token or a session has now: nothing if it is over, or they or the organization are kept out.
    package func grants(of credential: CredentialID, in organization: OrganizationID) async throws -> [Grant] {
        let rows = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT array_to_string(ARRAY(SELECT g.environment || ' ' || g.role FROM weir.grants g
                  WHERE g.principal_id = p.principal_id), ',') AS grants
                FROM weir.credentials c JOIN weir.principals p ON p.principal_id = c.principal_id
                  JOIN weir.organizations o ON o.organization_id = c.organization_id
                WHERE c.credential_id = \(credential) AND (c.expires_at IS NULL OR c.expires_at > now())
                  AND p.state = 'active' AND o.state = 'active'
                """)
        }
        return try rows.first?.string("grants").split(separator: ",").compactMap { Grant(stored: $0) } ?? []
    }

    /// All that a principal belongs to, by slug: a person whatever the organization, the local admin all that it made.
    package func belongings(of principal: PrincipalID, in organization: OrganizationID) async throws -> [Belonging] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT organization_id, slug, title, organization_state, organization_reason, principal_id, name, display,
                  principal_kind, person_id, array_to_string(grants, ',') AS grants
                FROM weir.organizations_of(\(principal))
                """
            ).map { row in
                Belonging(
                    principal: try Principal(belonging: row), title: try row.string("title"),
                    state: try row.string("organization_state"))
            }
        }
    }

    /// Makes an organization with its environments, whose owner the founder becomes.
    /// - Throws: `conflict` if the slug is taken.
    package func found(
        slug: String, name: String, keeping retention: Retention, by founder: PrincipalID,
        of organization: OrganizationID
    ) async throws -> OrganizationID {
        let made = time.makeID(OrganizationTag.self)
        let isNew = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                SELECT weir.found_organization(\(founder), \(slug), \(name), \(retention.runs), \(retention.logs), \(made),
                  \(time.makeUUID()), \(time.makeUUID())) AS made
                """
            ).first?.bool("made")
        }
        guard isNew == true else {
            throw Problem(.conflict, "There is an organization \(slug) already.", hint: "Choose another name.")
        }
        // The function knows of runs and logs only. If it does not come to this, data is kept as the column says.
        try await setDefault(retention, of: made)
        return made
    }

    package struct Organization: Sendable {
        package let slug: String
        package let name: String
        package let state: String
        package let reason: String?
        package let stateSince: Date?
        package let deleteAfter: Date?
        package let createdAt: Date
        package let isSetupDismissed: Bool
        /// In the order dev, stage, prod.
        package let environments: [Environment]
    }

    package struct Environment: Sendable {
        package let name: String
        package let size: String
        package let retention: Retention
        package let monthlyBudget: Double?
        package let settledAt: Date?
    }

    package func read(_ id: OrganizationID) async throws -> Organization {
        try await pool.transaction(organization: id) { connection in
            let environments = try await connection.query(
                """
                SELECT environment, size, keep_runs_days, keep_logs_days, keep_data_days,
                  monthly_budget::float8 AS budget, extract(epoch FROM settled_at)::float8 AS settled_s
                FROM weir.environments ORDER BY array_position(ARRAY['dev', 'stage', 'prod'], environment)
                """
            ).map(Environment.init)
            let found = try await connection.query(
                """
                SELECT slug, name, state, state_reason, extract(epoch FROM state_since)::float8 AS since_s,
                  extract(epoch FROM delete_after)::float8 AS delete_s, extract(epoch FROM created_at)::float8 AS created_s,
                  setup_dismissed_at IS NOT NULL AS is_dismissed
                FROM weir.organizations
                """)
            guard let row = found.first else { throw Problem(.notFound, "The organization is not there.") }
            return Organization(
                slug: try row.string("slug"), name: try row.string("name"), state: try row.string("state"),
                reason: try row.optional("state_reason"), stateSince: try row.optionalMoment("since_s"),
                deleteAfter: try row.optionalMoment("delete_s"), createdAt: try row.moment("created_s"),
                isSetupDismissed: try row.bool("is_dismissed"), environments: environments)
        }
    }

    package func rename(_ id: OrganizationID, to name: String) async throws {
        try await pool.transaction(organization: id) { connection in
            try await connection.query("UPDATE weir.organizations SET name = \(name) WHERE organization_id = \(id)")
        }
    }

    package func dismissSetup(of id: OrganizationID) async throws {
        try await pool.transaction(organization: id) { connection in
            try await connection.query(
                "UPDATE weir.organizations SET setup_dismissed_at = now() WHERE organization_id = \(id)")
        }
    }

    /// - Parameter data: in days like `runs` and `logs`, as `Retention` says; nil leaves it as it is.
    /// - Throws: `notFound` for an environment that there is not.
    package func set(
        _ environment: String, size: String, keepingRuns runs: Int, logs: Int, data: Int?, monthlyBudget: Double?,
        of id: OrganizationID
    ) async throws {
        let changed = try await pool.transaction(organization: id) { connection in
            try await connection.query(
                """
                UPDATE weir.environments SET size = \(size), keep_runs_days = \(runs), keep_logs_days = \(logs),
                  keep_data_days = coalesce(\(data)::int, keep_data_days),
                  monthly_budget = \(monthlyBudget)::float8::numeric(12, 2),
                  changed_at = now(), settled_at = coalesce(settled_at, now())
                WHERE organization_id = \(id) AND environment = \(environment) RETURNING environment
                """)
        }
        guard !changed.isEmpty else {
            throw Problem(.notFound, "There is no environment \(environment).", hint: "Use dev, stage or prod.")
        }
    }

    /// What environments keep that nobody has settled yet.
    package func setDefault(_ retention: Retention, of id: OrganizationID) async throws {
        try await pool.transaction(organization: id) { connection in
            try await connection.query(
                """
                UPDATE weir.environments SET keep_runs_days = \(retention.runs), keep_logs_days = \(retention.logs),
                  keep_data_days = \(retention.data)
                WHERE organization_id = \(id) AND settled_at IS NULL
                """)
        }
    }

    // MARK: - Suspended, deleted

    /// - Throws: `conflict` if it is not active.
    package func suspend(_ id: OrganizationID, because reason: String) async throws {
        try await change(
            id,
            """
            state = 'suspended', state_reason = \(reason), state_since = now() WHERE state = 'active'
            """, else: "The organization is suspended or being deleted already.")
    }

    /// - Throws: `conflict` if it is not suspended.
    package func resume(_ id: OrganizationID) async throws {
        try await change(
            id, "state = 'active', state_reason = NULL, state_since = now() WHERE state = 'suspended'",
            else: "The organization is not suspended.")
    }

    /// - Throws: `conflict` if it is being deleted already, or if others let people in through an issuer of it.
    package func delete(_ id: OrganizationID) async throws {
        let seconds = Self.grace / .seconds(1)
        try await change(
            id,
            """
            state = 'deleting', state_reason = NULL, state_since = now(),
              delete_after = now() + make_interval(secs => \(seconds)::float8) WHERE state <> 'deleting'
            """, else: "The organization is being deleted already."
        ) { connection in
            // Whoever adds a rule now waits for this transaction, and is refused.
            let relied = try await connection.query(
                "SELECT name FROM weir.issuers WHERE is_shared AND weir.foreign_rules(name) > 0 ORDER BY name LIMIT 1")
            if let issuer = try relied.first?.string("name") {
                throw Problem(
                    .conflict, "Other organizations let people in through \(issuer), an issuer of this one.",
                    hint: "They remove their rules first: an issuer goes with its organization.")
            }
        }
    }

    /// - Throws: `conflict` if it is not being deleted.
    package func restore(_ id: OrganizationID) async throws {
        try await change(
            id,
            """
            state = 'active', state_reason = NULL, state_since = now(), delete_after = NULL
              WHERE state = 'deleting' AND delete_after > now()
                AND EXISTS (SELECT FROM weir.grants g JOIN weir.principals p USING (principal_id)
                  WHERE g.role = 'owner' AND p.state = 'active' AND p.kind <> 'service')
            """, else: "The organization is not being deleted, its time of grace is over, or it has no owner left.")
    }

    /// - Parameter check: in the same transaction, after the change; what it throws undoes it.
    private func change(
        _ id: OrganizationID, _ setting: SQL, else refusal: String,
        check: @Sendable (PGConnection) async throws -> Void = { _ in }
    ) async throws {
        try await pool.transaction(organization: id) { connection in
            let changed = try await connection.query(
                "UPDATE weir.organizations SET " + setting + " AND organization_id = \(id) RETURNING state")
            guard !changed.isEmpty else {
                throw Problem(.conflict, refusal, hint: "weir organizations show says how it is.")
            }
            try await check(connection)
        }
    }
}

extension OrganizationBook.Environment {
    fileprivate init(_ row: PGRow) throws {
        self.init(
            name: try row.string("environment"), size: try row.string("size"),
            retention: OrganizationBook.Retention(
                runs: try Int(row.int("keep_runs_days")), logs: try Int(row.int("keep_logs_days")),
                data: try Int(row.int("keep_data_days"))),
            monthlyBudget: try row.optionalDouble("budget"), settledAt: try row.optionalMoment("settled_s"))
    }
}

extension Principal {
    fileprivate init(belonging row: PGRow) throws {
        let closed: Closed? =
            switch try row.string("organization_state") {
            case "suspended": .suspended(because: try row.optional("organization_reason") ?? "")
            case "deleting": .deleting
            default: nil
            }
        self.init(
            organization: try row.id("organization_id"), slug: try row.string("slug"), id: try row.id("principal_id"),
            name: try row.string("name"), display: try row.string("display"),
            kind: try Kind(rawValue: row.string("principal_kind")) ?? .service,
            rights: Rights(try row.string("grants").split(separator: ",").compactMap { Grant(stored: $0) }),
            person: try row.optional("person_id").flatMap { PersonID($0) }, closed: closed)
    }
}

extension Grant {
    /// `* admin`, `dev engineer`: as functions of the database give it. Nil for a role that this version does not know.
    init?(stored text: Substring) {
        let parts = text.split(separator: " ").map(String.init)
        guard parts.count == 2, let role = Role(rawValue: parts[1]) else { return nil }
        self.init(role, in: parts[0] == "*" ? nil : parts[0])
    }
}

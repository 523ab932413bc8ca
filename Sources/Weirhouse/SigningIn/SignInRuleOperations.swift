import Kernel
import OpenID
import Postgres
import Roles
import Wire

/// Whom an organization lets in, with which role.
extension LiveOperations {
    func signInRules(as caller: Caller) async throws -> [SignInRuleView] {
        try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query(
                    "SELECT * FROM weir.sign_in_rules ORDER BY issuer_name, kind, claim, value, environment, role")
            }
        }.map(Self.rule)
    }

    func addSignInRule(_ request: SignInRuleRequest, as caller: Caller) async throws -> SignInRuleView {
        let value = try request.checkedValue()
        guard let role = Role(rawValue: request.role), role != .owner else {
            throw Problem(
                .invalidInput, "A rule cannot give the role \(request.role.prefix(20)).",
                hint: "Use admin, engineer, analyst, viewer or billing. Owners are made by people.")
        }
        guard role != .billing || request.environment == nil else {
            throw Problem(.invalidInput, "Billing is of the whole organization.", hint: "Leave the environment out.")
        }
        try caller.requireGiving(role)
        if let environment = request.environment {
            _ = try place(PlaceRequest(environment: environment), caller)
        }
        return try await metadata {
            _ = try await house.issuers.visible(request.issuer, to: caller.organization)
            let rows = try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query(
                    """
                    INSERT INTO weir.sign_in_rules (
                      rule_id, organization_id, issuer_name, kind, claim, value, role, environment)
                    VALUES (\(house.time.makeUUID()), \(caller.organization), \(request.issuer), \(request.kind),
                      \(request.claim ?? ""), \(value), \(role.rawValue), \(request.environment ?? "*"))
                    ON CONFLICT (organization_id, issuer_name, kind, claim, value, role, environment) DO NOTHING
                    """)
                return try await connection.query(
                    """
                    SELECT * FROM weir.sign_in_rules WHERE issuer_name = \(request.issuer) AND kind = \(request.kind)
                      AND claim = \(request.claim ?? "") AND value = \(value) AND role = \(role.rawValue)
                      AND environment = \(request.environment ?? "*")
                    """)
            }
            guard let row = rows.first else { throw Problem(.internal, "The rule is not there.") }
            return try Self.rule(row)
        }
    }

    /// Owners whom only some of these rules let in, as of their last sign-in; by name.
    func ownersByRules(_ rules: [String], as caller: Caller) async throws -> [String] {
        try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query(
                    """
                    SELECT p.name FROM weir.principals p
                    WHERE p.state = 'active' AND p.person_id IS NOT NULL
                      AND EXISTS (SELECT FROM weir.grants g WHERE g.principal_id = p.principal_id AND g.role = 'owner')
                      AND EXISTS (SELECT FROM weir.grants g WHERE g.principal_id = p.principal_id AND g.origin <> 'person')
                      AND NOT EXISTS (SELECT FROM weir.grants g WHERE g.principal_id = p.principal_id
                        AND g.origin <> 'person' AND split_part(g.origin, ':', 2) <> ALL (\(PGArray.text(rules))::text[]))
                    ORDER BY p.name
                    """
                ).map { try $0.string("name") }
            }
        }
    }

    func removeSignInRule(_ id: String, as caller: Caller) async throws {
        let gone = try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query(
                    "DELETE FROM weir.sign_in_rules WHERE rule_id::text = \(id) RETURNING rule_id")
            }
        }
        guard !gone.isEmpty else {
            throw Problem(
                .notFound, "There is no such rule.", hint: "`weir sign-in-rules list` shows those there are.")
        }
    }

    private static func rule(_ row: PGRow) throws -> SignInRuleView {
        let (claim, environment) = (try row.string("claim"), try row.string("environment"))
        return SignInRuleView(
            ruleID: try row.string("rule_id"), issuer: try row.string("issuer_name"), kind: try row.string("kind"),
            claim: claim.isEmpty ? nil : claim, value: try row.string("value"), role: try row.string("role"),
            environment: environment == "*" ? nil : environment)
    }
}

extension SignInRuleRequest {
    /// The value as it is kept.
    /// - Throws: `invalidInput`.
    fileprivate func checkedValue() throws -> String {
        guard let kind = SignInRule.Kind(rawValue: kind) else {
            throw Problem(
                .invalidInput, "There is no kind \(self.kind.prefix(20)).", hint: "Use domain, claim or group.")
        }
        guard (kind == .claim) == (claim.map { !$0.isEmpty } ?? false) else {
            throw Problem(
                .invalidInput, kind == .claim ? "Which claim it is, is missing." : "Only the kind claim names a claim.",
                hint: nil)
        }
        guard (1...500).contains(value.utf8.count), (claim ?? "").utf8.count <= 200 else {
            throw Problem(.invalidInput, "The value has 1 to 500 bytes.", hint: nil)
        }
        guard kind == .domain else { return value }
        guard let domain = Account.domain(of: "x@\(value)") else {
            throw Problem(.invalidInput, "\(value.prefix(80)) is no domain.", hint: "Write it like company.example.")
        }
        return domain
    }
}

import Crypto
package import Foundation
package import Kernel
package import Postgres
import Roles

/// Organizations, API tokens, one-time sign-in codes and sessions. Only SHA-256 hashes of secrets are stored; the secrets
/// are 32 random bytes, so no slow hash is needed.
package struct Gate: Sendable {
    private let pool: PGPool
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
    }

    package enum CredentialKind: String, Sendable {
        case token, code, session

        /// From when it is made; nil: until it is removed.
        package var lifetime: Duration? {
            switch self {
            case .token: nil
            case .code: .seconds(15 * 60)
            case .session: .seconds(12 * 3600)
            }
        }
    }

    /// What is said of a credential when it is made.
    package struct Terms: Sendable {
        /// From now; nil: until it is removed.
        package var lifetime: Duration?
        /// A longer pause ends it; nil: none does.
        package var idle: Duration?
        /// What a person calls a token; what browser a session is in.
        package var name: String?
        /// Names that `Scope` knows; nil: all that the roles give.
        package var scopes: [String]?
        package var createdBy: PrincipalID?
        /// The address that asked for it.
        package var from: String?

        package init(
            lifetime: Duration?, idle: Duration? = nil, name: String? = nil, scopes: [String]? = nil,
            createdBy: PrincipalID? = nil
        ) {
            self.lifetime = lifetime
            self.idle = idle
            self.name = name
            self.scopes = scopes
            self.createdBy = createdBy
        }
    }

    /// The organization of that slug and a principal in it, made if need be: the organization with its environments, the
    /// principal as its owner. What one that was there may do is not looked up.
    package func ensureOrganization(slug: String, principal name: String) async throws -> Principal {
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT * FROM weir.ensure_organization_with_owner(
                  \(slug), \(name), \(time.makeUUID())::uuid, \(time.makeUUID())::uuid)
                """)
        }
        guard let row = rows.first else { throw Problem(.internal, "The organization \(slug) could not be made.") }
        return Principal(
            organization: try row.id("organization_id"), slug: slug, id: try row.id("principal_id"), name: name,
            kind: .local, rights: Rights([]))
    }

    /// A new secret of that kind for a principal. It is shown this once. Its prefix tells scanners of secrets what it is.
    /// - Parameter terms: the kind's own if nil.
    package func issue(
        _ kind: CredentialKind, to principal: PrincipalID, of organization: OrganizationID, on terms: Terms? = nil
    ) async throws -> (secret: Secret<String>, id: CredentialID) {
        let secret = kind == .token ? TokenText.make() : Secret("weir_\(kind.rawValue)_" + Self.randomText())
        let id = CredentialID(time.makeUUID())
        try await register(secret, as: kind, id: id, of: principal, in: organization, on: terms)
        return (secret, id)
    }

    /// Registers a secret that exists already, such as the local admin's token; nothing happens if it is known.
    package func register(
        _ secret: Secret<String>, as kind: CredentialKind, id: CredentialID? = nil, of principal: PrincipalID,
        in organization: OrganizationID, on terms: Terms? = nil
    ) async throws {
        let terms = terms ?? Terms(lifetime: kind.lifetime)
        // An operator's own text has no beginning that could be shown.
        let hasPrefix = kind == .token && secret.reveal().hasPrefix(TokenText.prefix)
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.credentials (
                  hash, kind, organization_id, principal_id, expires_at, idle, name, scopes, created_by, credential_id,
                  prefix, created_from)
                VALUES (\(hash(secret.reveal()))::bytea, \(kind.rawValue), \(organization), \(principal),
                  now() + make_interval(secs => \(terms.lifetime.map { $0 / .seconds(1) })::float8),
                  make_interval(secs => \(terms.idle.map { $0 / .seconds(1) })::float8), \(terms.name),
                  \(terms.scopes.map { PGArray.text($0) })::text[], \(terms.createdBy), \(id ?? time.makeID()),
                  \(hasPrefix ? TokenText.beginning(of: secret) : nil), \(terms.from)::inet)
                ON CONFLICT (hash) DO NOTHING
                """)
        }
    }

    /// Who holds this secret; nil if it is unknown or too old, or its holder was deactivated. A code is used up.
    /// - Parameter from: the address that it came from.
    package func redeem(
        _ secret: String, as kind: CredentialKind, from address: String? = nil
    ) async throws -> Principal? {
        guard kind == .code else {
            let claim = Claim(hash: hash(secret), kind: kind, from: address)
            return try await holders(of: [claim])[0]?.principal
        }
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT organization_id, slug, organization_state, organization_reason, principal_id, name, display,
                  principal_kind, person_id, array_to_string(grants, ',') AS grants,
                  array_to_string(scopes, ',') AS scopes, credential_id
                FROM weir.redeem_code(\(hash(secret))::bytea)
                """)
        }
        return try rows.first.map(Self.principal)
    }

    /// A token or session that somebody shows.
    package struct Claim: Sendable {
        package let hash: Data
        package let kind: CredentialKind
        /// The address that it came from.
        package let from: String?

        package init(hash: Data, kind: CredentialKind, from: String?) {
            self.hash = hash
            self.kind = kind
            self.from = from
        }
    }

    package struct Holder: Sendable {
        package let principal: Principal
        /// Whether they belong to other organizations too.
        package let belongsElsewhere: Bool
    }

    /// Who holds each of these tokens and sessions; nil for what is worth nothing.
    package func holders(of claims: [Claim]) async throws -> [Holder?] {
        let rows = try await pool.withConnection { connection in
            try await connection.queryPrepared(
                """
                SELECT kind || encode(hash, 'hex') AS claim, organization_id, slug, organization_state, organization_reason,
                  principal_id, name, display, principal_kind, person_id, array_to_string(grants, ',') AS grants,
                  array_to_string(scopes, ',') AS scopes, credential_id, belongs_elsewhere
                FROM weir.holders(
                  \(PGArray.text(claims.map { "\\x" + $0.hash.hexadecimal }))::bytea[],
                  \(PGArray.text(claims.map(\.kind.rawValue)))::text[], \(PGArray.text(claims.map(\.from)))::inet[])
                """)
        }
        var holders: [String: Holder] = [:]
        for row in rows {
            holders[try row.string("claim")] = Holder(
                principal: try Self.principal(row), belongsElsewhere: try row.bool("belongs_elsewhere"))
        }
        return claims.map { holders[$0.kind.rawValue + $0.hash.hexadecimal] }
    }

    private static func principal(_ row: PGRow) throws -> Principal {
        let scopes = try row.optional("scopes").map { $0.split(separator: ",").map(String.init) }
        let closed: Principal.Closed? =
            switch try row.string("organization_state") {
            case "suspended": .suspended(because: try row.optional("organization_reason") ?? "")
            case "deleting": .deleting
            default: nil
            }
        return Principal(
            organization: try row.id("organization_id"), slug: try row.string("slug"),
            id: try row.id("principal_id"), name: try row.string("name"), display: try row.string("display"),
            kind: try Principal.Kind(rawValue: row.string("principal_kind")) ?? .service,
            rights: Rights(
                try row.string("grants").split(separator: ",").compactMap { Grant(stored: $0) },
                scopes: try scopes.flatMap { try Scope.permissions(of: $0) }),
            person: try row.optional("person_id").flatMap { PersonID($0) },
            credential: try row.id("credential_id"), closed: closed)
    }

    /// Makes a session's secret worthless.
    package func revoke(session secret: String, of organization: OrganizationID) async throws {
        _ = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                "DELETE FROM weir.credentials WHERE hash = \(hash(secret))::bytea AND kind = 'session'")
        }
    }

    /// SHA-256 of the secret.
    package func hash(_ secret: String) -> Data { Data(SHA256.hash(data: Data(secret.utf8))) }

    /// 32 random bytes in base64url (RFC 4648, section 5).
    package static func randomText() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
    }
}

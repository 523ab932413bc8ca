import Crypto
import Foundation
package import Kernel
package import Postgres

/// Someone who has proved who they are.
package struct Principal: Sendable, Hashable {
    package let organization: OrganizationID
    package let slug: String
    package let id: PrincipalID
    package let name: String

    package init(organization: OrganizationID, slug: String, id: PrincipalID, name: String) {
        self.organization = organization
        self.slug = slug
        self.id = id
        self.name = name
    }
}

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

        /// Nil: until it is removed.
        var lifetime: Duration? {
            switch self {
            case .token: nil
            case .code: .seconds(15 * 60)
            case .session: .seconds(12 * 3600)
            }
        }
    }

    /// The organization of that slug and a principal in it, made if need be.
    package func ensureOrganization(slug: String, principal name: String) async throws -> Principal {
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT * FROM weir.ensure_organization(\(slug), \(name), \(time.makeUUID())::uuid, \(time.makeUUID())::uuid)
                """)
        }
        guard let row = rows.first else { throw Problem(.internal, "The organization \(slug) could not be made.") }
        return Principal(
            organization: try row.id("organization_id"), slug: slug, id: try row.id("principal_id"), name: name)
    }

    /// A new secret of that kind for a principal. It is shown this once.
    package func issue(_ kind: CredentialKind, to principal: Principal) async throws -> Secret<String> {
        let secret = "weir_\(kind.rawValue)_" + Self.randomText()
        try await register(Secret(secret), as: kind, of: principal)
        return Secret(secret)
    }

    /// Registers a secret that exists already, such as the local admin's token; nothing happens if it is known.
    package func register(_ secret: Secret<String>, as kind: CredentialKind, of principal: Principal) async throws {
        let seconds = kind.lifetime.map { Int($0.components.seconds) }
        try await pool.transaction(organization: principal.organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.credentials (hash, kind, organization_id, principal_id, expires_at)
                VALUES (\(hash(secret.reveal()))::bytea, \(kind.rawValue), \(principal.organization), \(principal.id),
                  now() + make_interval(secs => \(seconds)::int))
                ON CONFLICT (hash) DO NOTHING
                """)
        }
    }

    /// Who holds this secret; nil if it is unknown or too old. A code is used up.
    package func redeem(_ secret: String, as kind: CredentialKind) async throws -> Principal? {
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                "SELECT * FROM weir.redeem_credential(\(hash(secret))::bytea, \(kind.rawValue))")
        }
        return try rows.first.map { row in
            Principal(
                organization: try row.id("organization_id"), slug: try row.string("slug"),
                id: try row.id("principal_id"), name: try row.string("name"))
        }
    }

    /// Makes a session's secret worthless.
    package func revoke(session secret: String, of principal: Principal) async throws {
        _ = try await pool.transaction(organization: principal.organization) { connection in
            try await connection.query(
                "DELETE FROM weir.credentials WHERE hash = \(hash(secret))::bytea AND kind = 'session'")
        }
    }

    private func hash(_ secret: String) -> Data { Data(SHA256.hash(data: Data(secret.utf8))) }

    /// 32 random bytes in base64url (RFC 4648, section 5).
    package static func randomText() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
    }
}

import Foundation
import Kernel
import OpenID
import Postgres
import Secrets
import Wire

/// An issuer as the database has it.
struct KeptIssuer: Sendable {
    let organization: OrganizationID
    let label: String
    let secretName: String?
    let isShared: Bool
    /// Without its client secret.
    var issuer: Issuer

    init(_ row: PGRow) throws {
        organization = try row.id("organization_id")
        label = try row.string("label")
        secretName = try row.optional("secret_name")
        isShared = try row.bool("is_shared")
        issuer = Issuer(
            name: try row.string("name"), identifier: try row.string("issuer"), clientID: try row.string("client_id"),
            scopes: try Self.words("scopes", of: row), groupsClaim: try row.string("groups_claim"),
            algorithms: Set(try Self.words("algorithms", of: row).compactMap { SigningAlgorithm(rawValue: $0) }),
            trustedDomains: Set(try Self.words("trusted_domains", of: row)),
            hostedDomain: try row.optional("hosted_domain"), tenants: Set(try Self.words("tenants", of: row)))
        issuer.authentication = Issuer.Authentication(rawValue: try row.string("authentication")) ?? .none
    }

    private static func words(_ column: String, of row: PGRow) throws -> [String] {
        try row.string(column).split(separator: " ").map(String.init)
    }

    /// What a query selects to make one of these.
    static let columns: SQL = """
        name, organization_id, label, issuer, client_id, authentication, secret_name,
        array_to_string(scopes, ' ') AS scopes, groups_claim, array_to_string(algorithms, ' ') AS algorithms,
        array_to_string(trusted_domains, ' ') AS trusted_domains, hosted_domain,
        array_to_string(tenants, ' ') AS tenants, is_shared
        """
}

/// The issuers of the house, and the client that talks to their providers.
struct IssuerBook: Sendable {
    let pool: PGPool
    let secrets: any SecretStore
    let client: OpenIDClient

    /// An issuer that can be signed in with, its client secret included.
    /// - Throws: `notFound`; `internal` if the secret is gone.
    func find(_ name: String) async throws -> KeptIssuer {
        let rows = try await pool.withConnection { connection in
            try await connection.query("SELECT " + KeptIssuer.columns + " FROM weir.find_issuer(\(name))")
        }
        guard let row = rows.first else { throw Self.unknown(name) }
        var kept = try KeptIssuer(row)
        if let secretName = kept.secretName {
            guard let secret = try await secrets.get(secretName, of: kept.organization) else {
                throw Problem(
                    .internal, "The client secret of the issuer \(name) is gone.",
                    hint: "Give it again: weir issuers add \(name)")
            }
            kept.issuer.clientSecret = Secret(String(decoding: secret.reveal(), as: UTF8.self))
        }
        return kept
    }

    /// Those that an organization may have rules for.
    func visible(to organization: OrganizationID) async throws -> [KeptIssuer] {
        try await pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT " + KeptIssuer.columns + " FROM weir.visible_issuers()")
        }.map(KeptIssuer.init)
    }

    /// - Throws: `notFound` for one that the organization may have no rules for.
    func visible(_ name: String, to organization: OrganizationID) async throws -> KeptIssuer {
        guard let found = try await visible(to: organization).first(where: { $0.issuer.name == name }) else {
            throw Self.unknown(name)
        }
        return found
    }

    static func secretName(of issuer: String) -> String { "issuer/\(issuer)" }

    static func unknown(_ name: String) -> Problem {
        Problem(
            .notFound, "There is no issuer \(name.prefix(40)).", hint: "`weir issuers list` shows those there are.")
    }
}

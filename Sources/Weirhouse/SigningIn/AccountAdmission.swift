import Foundation
import Kernel
import OpenID
import Postgres

/// Lets an account into the organizations whose rules it matches, and nowhere else (`weir.admit_account`).
struct AccountAdmission: Sendable {
    let house: House
    let kept: KeptIssuer

    struct Member: Sendable {
        let organization: OrganizationID
        let principal: PrincipalID
        let lastSeen: Date?
    }

    /// Where the account goes on: of several organizations the one that it was in last.
    /// - Throws: `forbidden`, with what to do.
    func admit(_ account: Account) async throws -> Member {
        let matched = try await matchingRules(account)
        let rows = try await house.pool.evenIfCircular { connection in
            try await connection.query(
                """
                SELECT organization_id, slug, principal_id, refusal,
                  extract(epoch FROM last_seen_at)::float8 AS seen_s
                FROM weir.admit_account(\(kept.issuer.name), \(account.issuer), \(account.subject), \(account.email),
                  \(account.name), \(PGArray.text(matched))::uuid[], \(house.time.makeUUID())::uuid)
                """)
        }
        let members = try rows.filter { try $0.optional("refusal") == nil }.map { row in
            Member(
                organization: try row.id("organization_id"), principal: try row.id("principal_id"),
                lastSeen: try row.optionalMoment("seen_s"))
        }
        if let member = members.max(by: { ($0.lastSeen ?? .distantPast) < ($1.lastSeen ?? .distantPast) }) {
            return member
        }
        let refusal = try rows.first.map { (try $0.optional("refusal"), try $0.optional("slug")) }
        throw Self.refused(account, refusal?.0, in: refusal?.1 ?? "", by: kept.label)
    }

    private func matchingRules(_ account: Account) async throws -> [String] {
        let rows = try await house.pool.withConnection { connection in
            try await connection.query("SELECT * FROM weir.rules_of_issuer(\(kept.issuer.name))")
        }
        return try rows.filter { row in
            guard let kind = SignInRule.Kind(rawValue: try row.string("kind")) else { return false }
            return SignInRule(kind: kind, claim: try row.string("claim"), value: try row.string("value"))
                .matches(account)
        }.map { try $0.string("rule_id") }
    }

    private static func refused(_ account: Account, _ why: String?, in slug: String, by label: String) -> Problem {
        let admin = "Ask an admin of your organization."
        switch why {
        case "deactivated", "removed":
            return Problem(.forbidden, "Your access was taken away.", hint: admin)
        case "taken":
            return Problem(
                .forbidden, "Somebody else of \(slug) has this e-mail address, from another issuer or as a service.",
                hint: "An admin of \(slug) can remove that member; then sign in again.")
        case "owner":
            return Problem(
                .forbidden,
                "This is the address of an owner of \(slug), which nobody becomes through an issuer that its admins set up.",
                hint: "An owner of \(slug) can remove that member and, once you have signed in, make you owner again.")
        case "unnamed":
            return Problem(
                .forbidden, "\(label) gives no verified e-mail address, and \(slug) knows its members by theirs.",
                hint: "Have the address verified there, then sign in again.")
        default:
            let isUnverified = account.email == nil && account.claims["email"] != nil
            return Problem(
                .forbidden,
                isUnverified
                    ? "Your e-mail address is not verified by \(label), and no organization here lets you in without."
                    : "No organization here lets your account of \(label) in.",
                hint: isUnverified ? "Have the address verified there, then sign in again. Or ask an admin." : admin)
        }
    }
}

extension PGPool {
    /// Does what is one statement again where PostgreSQL has ended it because others and it waited for each other: it
    /// writes to the chains of several organizations, and so do they.
    /// - Throws: as `withConnection`.
    func evenIfCircular<Value: Sendable>(
        _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        for _ in 0..<3 {
            do {
                return try await withConnection(work)
            } catch let error as PGError where error.state == "40P01" {
                continue
            }
        }
        return try await withConnection(work)
    }
}

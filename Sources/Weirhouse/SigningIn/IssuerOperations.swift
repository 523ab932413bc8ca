import Foundation
import Kernel
import OpenID
import Outbound
import Postgres
import Secrets
import Wire

/// Issuers, set up by an organization's admins or by whoever holds the data folder.
extension LiveOperations {
    func issuers(as caller: Caller) async throws -> [IssuerView] {
        try await metadata { try await house.issuers.visible(to: caller.organization) }.map { view($0, caller) }
    }

    func putIssuer(_ name: String, _ request: IssuerRequest, as caller: Caller) async throws -> IssuerView {
        guard name.wholeMatch(of: /[a-z][a-z0-9-]{0,39}/) != nil else {
            throw Problem(
                .invalidInput, "\(name.prefix(60)) cannot name an issuer.",
                hint: "Use a to z, digits and -, led by a letter, at most 40.")
        }
        let old = try await metadata { try await existing(name) }
        if let old { try refuseAnother(old, request, caller) }
        var issuer = try request.issuer(named: name)
        try issuer.check()
        let description = try await house.issuers.client.metadata(of: issuer, again: true)
        issuer.authentication = try request.authentication(
            at: description, hasSecret: request.clientSecret != nil || old?.secretName != nil)
        guard !description.isForManyTenants || issuer.trustedDomains.isEmpty else {
            throw Problem(
                .invalidInput, "Anybody's tenant speaks through this issuer, so it can be trusted for no domain.",
                hint: "Use the address with your own tenant's id, or rules for the claim tid.")
        }
        let label = request.label ?? old?.label ?? name
        guard (1...80).contains(label.unicodeScalars.count), !label.contains(where: \.isNewline) else {
            throw Problem(.invalidInput, "The label has 1 to 80 characters.", hint: nil)
        }
        let secretName = IssuerBook.secretName(of: name)
        if let secret = request.clientSecret {
            try await metadata {
                try await secretKeeper.keep(
                    Secret(secret), named: secretName, of: caller.organization, by: caller.name)
            }
        }
        try await metadata {
            try await house.pool.transaction(organization: caller.organization) { [issuer] connection in
                try await Self.keep(
                    issuer, label: label, secretName: issuer.authentication == .none ? nil : secretName,
                    isShared: caller.isLocal, of: caller.organization, on: connection)
            }
        }
        return view(try await metadata { try await house.issuers.visible(name, to: caller.organization) }, caller)
    }

    private func existing(_ name: String) async throws -> KeptIssuer? {
        try await house.pool.withConnection { connection in
            try await connection.query("SELECT " + KeptIssuer.columns + " FROM weir.find_issuer(\(name))")
        }.first.map(KeptIssuer.init)
    }

    /// Whoever has rules for it trusts this provider and this client, and no other.
    private func refuseAnother(_ old: KeptIssuer, _ request: IssuerRequest, _ caller: Caller) throws {
        guard old.organization == caller.organization, !old.isShared || caller.isLocal else {
            throw Problem(.conflict, "There is an issuer of this name already.", hint: "Choose another name.")
        }
        guard old.issuer.identifier == request.issuer, old.issuer.clientID == request.clientID else {
            throw Problem(
                .conflict, "The issuer \(old.issuer.name) is another provider or client.",
                hint: "Choose another name, or remove it first: weir issuers remove \(old.issuer.name)")
        }
    }

    private static func keep(
        _ issuer: Issuer, label: String, secretName: String?, isShared: Bool, of organization: OrganizationID,
        on connection: PGConnection
    ) async throws {
        do {
            try await connection.query(
                """
                INSERT INTO weir.issuers (
                  name, organization_id, label, issuer, client_id, authentication, secret_name, scopes, groups_claim,
                  algorithms, trusted_domains, hosted_domain, tenants, is_shared)
                VALUES (\(issuer.name), \(organization), \(label), \(issuer.identifier), \(issuer.clientID),
                  \(issuer.authentication.rawValue), \(secretName), \(PGArray.text(issuer.scopes))::text[],
                  \(issuer.groupsClaim), \(PGArray.text(issuer.algorithms.map(\.rawValue).sorted()))::text[],
                  \(PGArray.text(issuer.trustedDomains.sorted()))::text[], \(issuer.hostedDomain),
                  \(PGArray.text(issuer.tenants.sorted()))::text[], \(isShared ? "t" : "f")::boolean)
                ON CONFLICT (name) DO UPDATE SET label = excluded.label, authentication = excluded.authentication,
                  secret_name = excluded.secret_name, scopes = excluded.scopes, groups_claim = excluded.groups_claim,
                  algorithms = excluded.algorithms, trusted_domains = excluded.trusted_domains,
                  hosted_domain = excluded.hosted_domain, tenants = excluded.tenants
                """)
        } catch let error as PGError where error.state == "23505" {
            throw Problem(
                .conflict, "This client of this provider is set up already, under another name.",
                hint: "`weir issuers list` shows it.")
        }
    }

    func removeIssuer(_ name: String, as caller: Caller) async throws {
        let kept = try await metadata { try await house.issuers.visible(name, to: caller.organization) }
        guard kept.organization == caller.organization, !kept.isShared || caller.isLocal else {
            throw Problem(
                .forbidden, "The issuer \(name) is shared by all organizations.",
                hint: "Whoever holds the data folder can remove it.")
        }
        let others = try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                let others = try await connection.query("SELECT weir.foreign_rules(\(name)) AS count")
                let count = try others.first?.int("count") ?? 0
                if count == 0 { try await connection.query("DELETE FROM weir.issuers WHERE name = \(name)") }
                return count
            }
        }
        guard others == 0 else {
            throw Problem(
                .conflict, "\(others) other organizations let people in through \(name).",
                hint: "They remove their rules first.")
        }
        let secret = kept.secretName ?? IssuerBook.secretName(of: name)
        try await metadata { _ = try await secretKeeper.remove(secret, of: caller.organization) }
    }

    func testIssuer(_ name: String, as caller: Caller) async throws -> IssuerCheck {
        let kept = try await metadata { try await house.issuers.visible(name, to: caller.organization) }
        let client = house.issuers.client
        let description = try await client.metadata(of: kept.issuer, again: true)
        let keys = try await client.keys(of: description)
        guard keys > 0 else {
            throw Problem(
                .unsupported, "The provider publishes no key that tokens can be checked with.",
                hint: "Set it up to sign with RS256 or ES256.")
        }
        return IssuerCheck(
            issuer: description.issuer, authorizationEndpoint: description.authorization.address.text,
            tokenEndpoint: description.token.address.text, keys: keys, hasUserInfo: description.userInfo != nil,
            hasLogout: description.endSession != nil)
    }

    private func view(_ kept: KeptIssuer, _ caller: Caller) -> IssuerView {
        let issuer = kept.issuer
        return IssuerView(
            name: issuer.name, label: kept.label, issuer: issuer.identifier, clientID: issuer.clientID,
            authentication: issuer.authentication.rawValue, scopes: issuer.scopes, groupsClaim: issuer.groupsClaim,
            algorithms: issuer.algorithms.map(\.rawValue).sorted(), trustedDomains: issuer.trustedDomains.sorted(),
            hostedDomain: issuer.hostedDomain, tenants: issuer.tenants.sorted(), isShared: kept.isShared,
            isOwn: kept.organization == caller.organization && (!kept.isShared || caller.isLocal),
            redirectURL: wayBack(from: issuer.name),
            backchannelLogoutURL: "\(address())/sign-in/backchannel/\(issuer.name)")
    }
}

extension IssuerRequest {
    /// How the client proves itself: as it is said, or as the provider takes it.
    /// - Throws: `invalidInput` without a secret to prove itself with, or for a way that the provider does not take.
    fileprivate func authentication(
        at provider: ProviderMetadata, hasSecret: Bool
    ) throws -> Issuer.Authentication {
        guard let text = authentication else {
            guard hasSecret else { return .none }
            return provider.takes(.basic) || !provider.takes(.post) ? .basic : .post
        }
        guard let way = Issuer.Authentication(rawValue: text) else {
            throw Problem(
                .invalidInput, "There is no authentication \(text.prefix(40)).",
                hint: "Use client_secret_basic, client_secret_post or none.")
        }
        guard way == .none || hasSecret else {
            throw Problem(
                .invalidInput, "There is no client secret for \(way.rawValue).",
                hint: "Give it: weir issuers add … --secret-from-stdin")
        }
        guard way == .none || provider.takes(way) else {
            throw Problem(
                .invalidInput, "The provider does not take \(way.rawValue).", hint: "Leave the authentication out.")
        }
        return way
    }

    /// The value, its words checked.
    /// - Throws: `invalidInput`.
    fileprivate func issuer(named name: String) throws -> Issuer {
        let allowed = try algorithms.map { names in
            Set(
                try names.map { text in
                    guard let algorithm = SigningAlgorithm(rawValue: text) else {
                        throw Problem(
                            .invalidInput, "The algorithm \(text.prefix(20)) cannot be allowed.",
                            hint: "Use any of \(SigningAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")).")
                    }
                    return algorithm
                })
        }
        let words =
            (scopes ?? []) + (trustedDomains ?? []) + (tenants ?? []) + [groupsClaim, hostedDomain].compactMap { $0 }
        guard words.allSatisfy({ $0.wholeMatch(of: /[\x21-\x7E]{1,200}/) != nil }), words.count <= 100 else {
            throw Problem(
                .invalidInput, "Scopes, domains, tenants and claims are words without blanks.", hint: nil)
        }
        return Issuer(
            name: name, identifier: issuer, clientID: clientID, clientSecret: clientSecret.map { Secret($0) },
            scopes: scopes ?? ["openid", "email", "profile"],
            groupsClaim: groupsClaim ?? "groups", algorithms: allowed ?? [.rs256, .ps256, .es256],
            trustedDomains: Set((trustedDomains ?? []).map { $0.lowercased() }),
            hostedDomain: hostedDomain?.lowercased(), tenants: Set((tenants ?? []).map { $0.lowercased() }))
    }
}

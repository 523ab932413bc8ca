import Access
import Foundation
import Kernel
import Roles
import Wire

/// API tokens and services.
extension LiveOperations {
    private var tokenBook: TokenBook { TokenBook(pool: house.pool, time: house.time) }
    private var serviceBook: ServiceBook { ServiceBook(pool: house.pool, time: house.time) }

    func tokens(all: Bool, as caller: Caller) async throws -> [TokenView] {
        try await metadata {
            try await tokenBook.all(of: caller.organization, owner: all ? nil : caller.principal).map {
                TokenView($0, as: caller)
            }
        }
    }

    /// Whose it is, and what narrows it.
    /// - Throws: `notFound`.
    func token(_ id: CredentialID, as caller: Caller) async throws -> TokenBook.Entry {
        try await metadata { try await tokenBook.find(id, of: caller.organization) }
    }

    func makeToken(_ request: TokenRequest, as caller: Caller) async throws -> TokenMade {
        let name = try Self.name(request.name)
        let scopes = try Scope.permissions(of: request.scopes) == nil ? nil : request.scopes
        let terms = Gate.Terms(
            lifetime: try Self.lifetime(days: request.days ?? TokenDays.usual), name: name, scopes: scopes,
            createdBy: caller.principal)
        return try await metadata {
            var owner = caller.principal
            if let service = request.service {
                owner = try await serviceBook.find(service, of: caller.organization).id
            }
            let made = try await tokenBook.issue(
                to: owner, of: caller.organization, on: terms, from: RequestOrigin.current?.address?.description)
            return TokenMade(token: TokenView(made.entry, as: caller), secret: made.secret.reveal())
        }
    }

    func rotateToken(_ id: CredentialID, _ request: TokenRotation, as caller: Caller) async throws -> TokenMade {
        let hours = request.graceHours ?? 24
        guard (0...TokenDays.mostGraceHours).contains(hours) else {
            throw Problem(
                .invalidInput, "The grace time is \(hours) hours.", hint: "Use 0 to \(TokenDays.mostGraceHours).")
        }
        let old = try await token(id, as: caller)
        let made = old.expiresAt.map { Duration.seconds($0.timeIntervalSince(old.createdAt)) }
        let usual = made ?? .seconds(TokenDays.usual * 86_400)
        let lifetime = try request.days.map { try Self.lifetime(days: $0) } ?? usual
        let new = try await metadata {
            try await tokenBook.rotate(
                id, of: caller.organization, grace: .seconds(hours * 3600), lifetime: lifetime, by: caller.principal,
                from: RequestOrigin.current?.address?.description)
        }
        callers.forget()
        return TokenMade(token: TokenView(new.entry, as: caller), secret: new.secret.reveal())
    }

    func revokeToken(_ id: CredentialID, as caller: Caller) async throws {
        try await metadata { try await tokenBook.revoke(id, of: caller.organization) }
        callers.forget()
    }

    func services(as caller: Caller) async throws -> [ServiceView] {
        try await metadata { try await serviceBook.all(of: caller.organization).map { ServiceView($0) } }
    }

    func makeService(_ request: ServiceRequest, as caller: Caller) async throws -> ServiceView {
        // A name that is an id could be taken for somebody else's.
        guard request.name.wholeMatch(of: /[a-z][a-z0-9-]{0,59}/) != nil, UUID(uuidString: request.name) == nil else {
            throw Problem(
                .invalidInput, "\(request.name.prefix(60)) cannot name a service.",
                hint: "Use a to z, digits and -, led by a letter, at most 60.")
        }
        let grants = try request.roles.map { try Grant(view: $0) }
        guard !grants.isEmpty else {
            throw Problem(
                .invalidInput, "A service without a role can do nothing.", hint: "Give it at least one role.")
        }
        return try await metadata {
            ServiceView(
                try await serviceBook.add(
                    request.name, grants: grants, to: caller.organization, by: caller.principal))
        }
    }

    func removeService(_ name: String, as caller: Caller) async throws {
        try await metadata { try await serviceBook.remove(name, of: caller.organization) }
        callers.forget()
    }

    /// - Throws: `invalidInput`.
    static func lifetime(days: Int) throws -> Duration {
        guard (1...TokenDays.most).contains(days) else {
            throw Problem(.invalidInput, "\(days) days is no life of a token.", hint: "Use 1 to \(TokenDays.most).")
        }
        return .seconds(days * 86_400)
    }

    private static func name(_ given: String) throws -> String {
        guard (1...100).contains(given.unicodeScalars.count), given.contains(where: { !$0.isWhitespace }),
            !given.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw Problem(
                .invalidInput, "A token needs a name, of at most 100 characters.", hint: "Say what it is for.")
        }
        return given
    }
}

extension Grant {
    /// - Throws: `invalidInput` for a role or an environment that is none; also for owners, who are people, and for
    ///   billing in one environment.
    init(view: PlacedRole) throws {
        guard let role = Role(rawValue: view.role), role != .owner else {
            throw Problem(
                .invalidInput, "A service cannot be \(view.role.prefix(40)).",
                hint: "Use \(Role.allCases.filter { $0 != .owner }.map(\.rawValue).joined(separator: ", ")).")
        }
        guard view.environment == nil || ["dev", "stage", "prod"].contains(view.environment) else {
            throw Problem(
                .invalidInput, "There is no environment \(view.environment?.prefix(40) ?? "").",
                hint: "Use dev, stage or prod.")
        }
        guard role != .billing || view.environment == nil else {
            throw Problem(
                .invalidInput, "Billing is of the organization as a whole.", hint: "Leave the environment out.")
        }
        self.init(role, in: view.environment)
    }
}

extension PlacedRole {
    init(_ grant: Grant) { self.init(role: grant.role.rawValue, environment: grant.environment) }
}

extension TokenView {
    init(_ entry: TokenBook.Entry, as caller: Caller) {
        self.init(
            tokenID: entry.id.description, name: entry.name, prefix: entry.prefix, owner: entry.ownerName,
            isService: entry.isOfService, scopes: entry.scopes ?? ["all"], createdBy: entry.createdBy,
            createdAt: entry.createdAt.rfc3339, expiresAt: entry.expiresAt?.rfc3339,
            lastUsedAt: entry.lastUsedAt?.rfc3339, lastUsedFrom: entry.lastUsedFrom,
            isThis: entry.id == caller.credential)
    }
}

extension ServiceView {
    init(_ entry: ServiceBook.Entry) {
        self.init(
            serviceID: entry.id.description, name: entry.name, roles: entry.grants.map { PlacedRole($0) },
            createdAt: entry.createdAt.rfc3339, lastSeenAt: entry.lastSeenAt?.rfc3339, tokens: entry.tokens)
    }
}

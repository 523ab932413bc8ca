import Access
import Foundation
import Kernel
import Roles
import Wire

/// Tokens, services, sessions and accounts, asked of `Role.permissions` first. No token gives more than its maker has,
/// and none that is narrowed can make a wider one.
extension GuardedOperations {
    // MARK: - Tokens

    func tokens(all: Bool, as caller: Caller) async throws -> [TokenView] {
        try caller.require(all ? .tokensManage : .accountManage)
        return try await inner.tokens(all: all, as: caller)
    }

    func makeToken(_ request: TokenRequest, as caller: Caller) async throws -> TokenMade {
        let owner = AuditTarget("token", request.service.map { "\($0)/\(request.name)" } ?? request.name)
        return try await audited(AuditedChange("tokens.create", owner, after: { $0.token }), as: caller) {
            try caller.require(request.service == nil ? .accountManage : .tokensManage)
            try caller.requireScopes(request.scopes, ownRights: request.service == nil)
            if let service = request.service { try await requireOver(service: service, caller) }
            return try await inner.makeToken(request, as: caller)
        }
    }

    func rotateToken(_ id: CredentialID, _ request: TokenRotation, as caller: Caller) async throws -> TokenMade {
        try await audited(
            AuditedChange("tokens.rotate", AuditTarget("token", "\(id)"), after: { $0.token }), as: caller
        ) {
            try await requireRotating(id, caller)
            return try await inner.rotateToken(id, request, as: caller)
        }
    }

    private func requireRotating(_ id: CredentialID, _ caller: Caller) async throws {
        let token = try await requireToken(id, caller)
        // The new secret is shown to whoever asks: nobody gets one for another person's rights.
        guard token.owner == caller.principal || token.isOfService else {
            throw Problem(
                .forbidden, "Only \(token.ownerName) can rotate this token.", hint: "It can be revoked by an admin.")
        }
        if token.isOfService { try await requireOver(service: token.ownerName, caller) }
        try caller.requireScopes(token.scopes ?? ["all"], ownRights: false)
    }

    /// That all that the service is could be given by the caller: whoever has its token is as much as it.
    private func requireOver(service name: String, _ caller: Caller) async throws {
        for service in try await inner.services(as: caller) where service.name == name {
            try requireGiving(service.roles, caller)
        }
    }

    private func requireGiving(_ roles: [PlacedRole], _ caller: Caller) throws {
        for role in roles.compactMap({ Role(rawValue: $0.role) }) { try caller.requireGiving(role) }
    }

    func revokeToken(_ id: CredentialID, as caller: Caller) async throws {
        try await audited("tokens.revoke", AuditTarget("token", "\(id)"), as: caller) {
            // The one that is used may always be given up.
            if id != caller.credential { _ = try await requireToken(id, caller) }
            try await inner.revokeToken(id, as: caller)
        }
    }

    /// One's own, or, with the right to manage tokens, anybody's. To others it is not there.
    private func requireToken(_ id: CredentialID, _ caller: Caller) async throws -> TokenBook.Entry {
        try caller.require(.accountManage)
        let token = try await inner.token(id, as: caller)
        guard token.owner == caller.principal || caller.may(.tokensManage) else {
            throw TokenBook.missing
        }
        return token
    }

    // MARK: - Services

    func services(as caller: Caller) async throws -> [ServiceView] {
        try caller.require(.tokensManage)
        return try await inner.services(as: caller)
    }

    func makeService(_ request: ServiceRequest, as caller: Caller) async throws -> ServiceView {
        try await audited(
            AuditedChange("services.create", AuditTarget("service", request.name), after: { $0 }), as: caller
        ) {
            try caller.require(.tokensManage)
            try requireGiving(request.roles, caller)
            return try await inner.makeService(request, as: caller)
        }
    }

    func removeService(_ name: String, as caller: Caller) async throws {
        try await audited("services.remove", AuditTarget("service", name), as: caller) {
            try caller.require(.tokensManage)
            try await requireOver(service: name, caller)
            try await inner.removeService(name, as: caller)
        }
    }

    // MARK: - Command lines that sign in

    func beginDevice(_ request: DeviceRequest) async throws -> DeviceStarted { try await inner.beginDevice(request) }

    func pollDevice(code: String) async throws -> DeviceWord { try await inner.pollDevice(code: code) }

    func device(userCode: String, as caller: Caller) async throws -> DeviceView {
        try caller.require(.accountManage)
        return try await inner.device(userCode: userCode, as: caller)
    }

    func answerDevice(userCode: String, _ approval: DeviceApproval?, as caller: Caller) async throws {
        try await audited(
            approval == nil ? "devices.deny" : "devices.approve", nil, as: caller, asked: approval?.scopes
        ) {
            try caller.require(.accountManage)
            if let approval { try caller.requireScopes(approval.scopes, ownRights: true) }
            try await inner.answerDevice(userCode: userCode, approval, as: caller)
        }
    }

    // MARK: - Account

    var sessionLifetime: Duration { inner.sessionLifetime }

    func account(as caller: Caller) async throws -> AccountView {
        try caller.require(.systemRead)
        return try await inner.account(as: caller)
    }

    func sessions(as caller: Caller) async throws -> [SessionView] {
        try caller.require(.accountManage)
        return try await inner.sessions(as: caller)
    }

    func endSession(_ id: CredentialID, as caller: Caller) async throws {
        try await audited("sessions.end", AuditTarget("session", "\(id)"), as: caller) {
            try caller.require(.accountManage)
            try await inner.endSession(id, as: caller)
        }
    }

    func endSessions(of member: String?, as caller: Caller) async throws -> Int {
        try await audited("sessions.end", AuditTarget("member", member ?? caller.name), as: caller) {
            try caller.require(member == nil ? .accountManage : .membersManage)
            if let member { try await requireOver(member, caller) }
            return try await inner.endSessions(of: member, as: caller)
        }
    }

    /// Whoever can sign in is asked, whatever they may do.
    func owedConsent(as caller: Caller) async throws -> ConsentView? { try await inner.owedConsent(as: caller) }

    func agree(to version: String, as caller: Caller) async throws {
        try await audited("account.agree", AuditTarget("terms", version), as: caller) {
            try await inner.agree(to: version, as: caller)
        }
    }

    func exportAccount(as caller: Caller) async throws -> Data {
        try await audited("account.export", nil, as: caller) {
            try caller.require(.accountManage)
            return try await inner.exportAccount(as: caller)
        }
    }

    func eraseAccount(confirmation: String, as caller: Caller) async throws {
        try await audited("account.erase", nil, as: caller) {
            try caller.require(.accountManage)
            try caller.requireWhole("erase the account")
            try await inner.eraseAccount(confirmation: confirmation, as: caller)
        }
    }
}

extension Caller {
    /// - Throws: `forbidden` if a token's scopes narrow what the caller may.
    func requireWhole(_ words: String) throws {
        guard rights.scopes == nil else {
            throw Problem(
                .forbidden, "This token's scopes narrow it, so that it cannot \(words).",
                hint: "Use a session, or a token with the scope all.")
        }
    }

    /// - Parameter ownRights: whether what is named must be among the caller's own rights. Groups need not: what they
    ///   hold of them is looked at anew at each use.
    /// - Throws: `forbidden` for scopes that are wider than the caller; `invalidInput` for those that are none.
    func requireScopes(_ names: [String], ownRights: Bool) throws {
        let wanted = try Scope.permissions(of: names)
        if let held = rights.scopes {
            guard let wanted, wanted.isSubset(of: held) else {
                throw Problem(
                    .forbidden, "This token's scopes are narrower than those that it asks for.",
                    hint: "Use a session, or a token with these scopes.")
            }
        }
        guard ownRights else { return }
        for permission in names.compactMap({ Permission(rawValue: $0) }) where !rights.maySomewhere(permission) {
            throw Problem(
                .forbidden, "You may not \(permission.words), so that no token of yours may.",
                hint: "Leave \(permission.rawValue) out.")
        }
    }
}

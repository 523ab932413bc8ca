import Access
import Kernel
import Roles
import Wire

/// How people sign in, asked of `Role.permissions` first. Signing in itself needs no right: it gives them.
extension GuardedOperations {
    // MARK: - Issuers and rules

    func issuers(as caller: Caller) async throws -> [IssuerView] {
        try caller.require(.signInManage)
        return try await inner.issuers(as: caller)
    }

    func putIssuer(_ name: String, _ request: IssuerRequest, as caller: Caller) async throws -> IssuerView {
        try await audited(
            AuditedChange(
                "issuers.put", AuditTarget("issuer", name),
                before: { try await inner.issuers(as: caller).first { $0.name == name } }, after: { $0 }), as: caller
        ) {
            try caller.require(.signInManage)
            // What an issuer's words mean decides whom its rules let in.
            try await requireGivingAll(of: name, caller)
            return try await inner.putIssuer(name, request, as: caller)
        }
    }

    func removeIssuer(_ name: String, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "issuers.remove", AuditTarget("issuer", name),
                before: { try await inner.issuers(as: caller).first { $0.name == name } }), as: caller
        ) {
            try caller.require(.signInManage)
            try await requireGivingAll(of: name, caller)
            let rules = try await inner.signInRules(as: caller).filter { $0.issuer == name }.map(\.ruleID)
            try await requireOwnersKept(without: rules, caller)
            try await inner.removeIssuer(name, as: caller)
        }
    }

    func testIssuer(_ name: String, as caller: Caller) async throws -> IssuerCheck {
        try caller.require(.signInManage)
        return try await inner.testIssuer(name, as: caller)
    }

    func signInRules(as caller: Caller) async throws -> [SignInRuleView] {
        try caller.require(.signInManage)
        return try await inner.signInRules(as: caller)
    }

    func addSignInRule(_ request: SignInRuleRequest, as caller: Caller) async throws -> SignInRuleView {
        try await audited(
            AuditedChange("sign_in_rules.add", AuditTarget("issuer", request.issuer), after: { $0 }), as: caller
        ) {
            try caller.require(.signInManage)
            return try await inner.addSignInRule(request, as: caller)
        }
    }

    func removeSignInRule(_ id: String, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "sign_in_rules.remove", AuditTarget("sign-in rule", id),
                before: { try await inner.signInRules(as: caller).first { $0.ruleID == id } }), as: caller
        ) {
            try caller.require(.signInManage)
            for rule in try await inner.signInRules(as: caller) where rule.ruleID == id {
                if let role = Role(rawValue: rule.role) { try caller.requireGiving(role) }
            }
            try await requireOwnersKept(without: [id], caller)
            try await inner.removeSignInRule(id, as: caller)
        }
    }

    /// That no owner is kept out by that, but by another owner.
    private func requireOwnersKept(without rules: [String], _ caller: Caller) async throws {
        guard !Role.owner.mayBeGiven(by: caller.rights),
            let owner = try await inner.ownersByRules(rules, as: caller).first
        else { return }
        throw Problem(
            .forbidden, "\(owner), an owner of \(caller.slug), comes in by this alone.",
            hint: "Let an owner remove it, or add another rule that lets them in first.")
    }

    /// That all roles which the organization's rules for an issuer give are the caller's to give.
    private func requireGivingAll(of issuer: String, _ caller: Caller) async throws {
        for rule in try await inner.signInRules(as: caller) where rule.issuer == issuer {
            if let role = Role(rawValue: rule.role) { try caller.requireGiving(role) }
        }
    }

    // MARK: - Signing in

    func signInOffer() async throws -> SignInOffer { try await inner.signInOffer() }

    func issuers(forEmail email: String) async throws -> [SignInButton] { try await inner.issuers(forEmail: email) }

    func beginSignIn(with issuer: String, returnPath: String, email: String?) async throws -> SignInBegun {
        try await inner.beginSignIn(with: issuer, returnPath: returnPath, email: email)
    }

    func finishSignIn(_ answer: SignInAnswer) async throws -> SignInFinished {
        var finished: SignInFinished?
        _ = try await auditedSignIn(by: answer.through) {
            let found = try await inner.finishSignIn(answer)
            finished = found
            return found.session
        }
        guard let finished else { throw Problem(.internal, "The sign-in has no session.") }
        return finished
    }

    func signOut(_ session: String) async throws -> ProviderSignOut? {
        guard let caller = try await inner.caller(session: session) else { return try await inner.signOut(session) }
        return try await audited("signin.close", nil, as: caller) { try await inner.signOut(session) }
    }

    func signOutByProvider(_ issuer: String, token: String) async throws {
        try await inner.signOutByProvider(issuer, token: token)
    }

    // MARK: - Directory

    func directoryUsers(email: String?, offset: Int, limit: Int, as caller: Caller) async throws -> DirectoryPage {
        try caller.require(.signInManage)
        return try await inner.directoryUsers(email: email, offset: offset, limit: limit, as: caller)
    }

    func directoryUser(_ id: PrincipalID, as caller: Caller) async throws -> DirectoryUser {
        try caller.require(.signInManage)
        return try await inner.directoryUser(id, as: caller)
    }

    func addDirectoryUser(_ change: DirectoryChange, as caller: Caller) async throws -> DirectoryUser {
        try await audited(
            AuditedChange(
                "directory.add", AuditTarget("member", change.email), after: { DirectoryAudit($0) }), as: caller
        ) {
            try caller.require(.signInManage)
            return try await inner.addDirectoryUser(change, as: caller)
        }
    }

    func changeDirectoryUser(
        _ id: PrincipalID, _ change: DirectoryChange, as caller: Caller
    ) async throws -> DirectoryUser {
        try await audited(
            AuditedChange(
                "directory.change", AuditTarget("member", "\(id)"),
                before: { DirectoryAudit(try await inner.directoryUser(id, as: caller)) },
                after: { DirectoryAudit($0) }), as: caller
        ) {
            try caller.require(.signInManage)
            try await requireOver(user: id, caller)
            if let email = change.email { try await requireRenaming(id, to: email, caller) }
            return try await inner.changeDirectoryUser(id, change, as: caller)
        }
    }

    /// The first account of an address becomes the member of that address, if nobody is yet: whoever changes it gives
    /// somebody all that the member is. Here scopes count.
    private func requireRenaming(_ id: PrincipalID, to email: String, _ caller: Caller) async throws {
        guard try await inner.directoryUser(id, as: caller).email != email.lowercased(),
            try await !inner.isKnownPerson(id, as: caller)
        else { return }
        for held in try await inner.member("\(id)", as: caller).roles { try caller.requireGiving(held.role) }
    }

    /// That whoever made the directory's token could take all that the user is. Its scopes do not count: they are those of
    /// a directory.
    private func requireOver(user id: PrincipalID, _ caller: Caller) async throws {
        let giver = Rights(caller.rights.grants)
        let held = try await inner.member("\(id)", as: caller).roles.map(\.role)
        guard held.allSatisfy({ $0.mayBeGiven(by: giver) }) else {
            throw Problem(
                .forbidden, "Only an owner's token may change an owner of \(caller.slug).",
                hint: "Give the directory a token of a service with the role owner.")
        }
    }
}

private struct DirectoryAudit: Encodable {
    let email: String
    let display: String
    let isActive: Bool

    init(_ user: DirectoryUser) {
        email = user.email
        display = user.display
        isActive = user.isActive
    }
}

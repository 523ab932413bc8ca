import Access
import Foundation
import Kernel
import Postgres
import Roles
import Wire

/// Every operation that changes something, or takes data out, is entered in the audit when it is over: done, refused or
/// failed. What a caller is told is done is in the audit: if it cannot be entered the answer says so, because a house
/// that cannot say who did what must not go on as if it could.
extension GuardedOperations {
    private var auditBook: AuditBook { AuditBook(pool: inner.house.pool) }

    /// Does `work`, which asks whether the caller may, and enters how it went.
    /// - Throws: what `work` throws; `metadataUnavailable` if it was done and could not be entered.
    func audited<Value: Sendable>(
        _ change: AuditedChange<Value>, as caller: Caller, _ work: () async throws -> Value
    ) async throws -> Value {
        // Also of what failed: some of it may be done. Whoever reads data changes none.
        defer {
            if !change.action.hasPrefix("data.") { inner.changes.note(in: caller.isLocal ? nil : caller.organization) }
        }
        // What cannot be read is not there: `work` says so.
        let old = try? await change.before()
        let value: Value
        do {
            value = try await work()
        } catch {
            await enterFailure(
                AuditEntry(
                    AuditActor(caller), change.action, change.target, problem: Problem(wrapping: error).code,
                    after: Self.detail(change.asked)), of: caller.organization)
            throw error
        }
        try await enter(
            AuditEntry(
                AuditActor(caller), change.action, change.target, before: Self.detail(old),
                after: Self.detail(change.after(value) ?? change.asked)), of: caller.organization)
        return value
    }

    /// The same for what has no settings.
    func audited<Value: Sendable>(
        _ action: String, _ target: AuditTarget?, as caller: Caller, asked: (any Encodable)? = nil,
        _ work: () async throws -> Value
    ) async throws -> Value {
        try await audited(AuditedChange(action, target, asked: asked), as: caller, work)
    }

    /// Opens a session, and enters whose it is, or that somebody was refused.
    /// - Parameter way: `link`, or an issuer's name.
    func auditedSignIn(
        by way: String, of organization: OrganizationID? = nil, _ work: () async throws -> Secret<String>
    ) async throws -> Secret<String> {
        let target = AuditTarget("way", way)
        let session: Secret<String>
        do {
            session = try await work()
        } catch let problem as Problem where problem.cause is NothingBegun {
            throw problem
        } catch {
            await enterFailure(
                AuditEntry(.nobody, "signin.open", target, problem: Problem(wrapping: error).code),
                of: organization ?? AuditBook.house)
            throw error
        }
        guard let caller = try await inner.caller(session: session.reveal()) else { return session }
        do {
            try await enter(AuditEntry(AuditActor(caller), "signin.open", target), of: caller.organization)
        } catch {
            // Nobody gets a session that the audit does not know.
            try? await inner.closeSession(session.reveal())
            throw error
        }
        return session
    }

    func admit(_ caller: Caller, to permission: Permission, at route: String) async throws {
        do {
            try caller.requireSomewhere(permission)
        } catch {
            if !permission.isReading || [.dataRead, .secretsRead, .auditRead].contains(permission) {
                await enterFailure(
                    AuditEntry(
                        AuditActor(caller), permission.rawValue, AuditTarget("route", route),
                        problem: Problem(wrapping: error).code), of: caller.organization)
            }
            throw error
        }
    }

    /// Enters what was done.
    private func enter(_ entry: AuditEntry, of chain: OrganizationID) async throws {
        do {
            try await auditBook.append(entry, to: chain)
        } catch {
            let cause = Problem(ofMetadata: error)
            inner.house.observe(.partFailed(part: "audit", problem: cause))
            throw Problem(
                .metadataUnavailable, "It was done, but could not be entered in the audit.",
                hint: "See whether it stands before you do it again; weir status says what is not well.", cause: error)
        }
    }

    /// Enters what was not done: the caller hears of that in any case.
    private func enterFailure(_ entry: AuditEntry, of chain: OrganizationID) async {
        do {
            try await auditBook.append(entry, to: chain)
        } catch {
            let problem = Problem(ofMetadata: error)
            inner.house.observe(.partFailed(part: "audit", problem: problem))
        }
    }

    private static func detail(_ value: (any Encodable)?) -> AuditDetail? {
        guard let value, let json = try? WireJSON.encode(value) else { return nil }
        return try? AuditDetail(json: json)
    }
}

/// What is to be entered of an operation that gives a `Value`. Members that are called secrets, tokens or passwords are
/// hidden in all three.
struct AuditedChange<Value> {
    /// `schedules.put`: what is done, in the plural of what it is done to.
    let action: String
    let target: AuditTarget?
    /// Settings as they are; asked before the work.
    let before: () async throws -> (any Encodable)?
    /// Settings as they are then.
    let after: (Value) -> (any Encodable)?
    /// What is told if it goes wrong, and if there is no `after`.
    let asked: (any Encodable)?

    init(
        _ action: String, _ target: AuditTarget?, before: @escaping () async throws -> (any Encodable)? = { nil },
        after: @escaping (Value) -> (any Encodable)? = { _ in nil }, asked: (any Encodable)? = nil
    ) {
        self.action = action
        self.target = target
        self.before = before
        self.after = after
        self.asked = asked
    }
}

extension AuditActor {
    init(_ caller: Caller) {
        self.init(
            caller.isLocal ? .local : caller.isPerson ? .person : .service, id: caller.principal,
            name: caller.name, credential: caller.credential)
    }
}

import Access
import Kernel
import Roles
import Wire

/// Secrets, for admins only.
extension GuardedOperations {
    func secrets(as caller: Caller) async throws -> [SecretView] {
        try caller.require(.secretsRead)
        return try await inner.secrets(as: caller)
    }

    func secret(_ name: String, as caller: Caller) async throws -> SecretView {
        try caller.require(.secretsRead)
        return try await inner.secret(name, as: caller)
    }

    func replaceSecret(_ name: String, _ request: SecretRequest, as caller: Caller) async throws -> SecretView {
        try await audited(
            AuditedChange(
                "secrets.replace", AuditTarget("secret", name), before: { try await version(of: name, caller) },
                after: { SecretAudit(version: $0.version) }), as: caller
        ) {
            try caller.require(.secretsManage)
            return try await inner.replaceSecret(name, request, as: caller)
        }
    }

    func revokeSecret(_ name: String, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "secrets.revoke", AuditTarget("secret", name), before: { try await version(of: name, caller) }),
            as: caller
        ) {
            try caller.require(.secretsManage)
            try await inner.revokeSecret(name, as: caller)
        }
    }

    /// All that the audit keeps of a secret.
    private func version(of name: String, _ caller: Caller) async throws -> SecretAudit {
        SecretAudit(version: try await inner.secret(name, as: caller).version)
    }

    func secretStore(as caller: Caller) async throws -> SecretStoreView {
        try caller.require(.secretsRead)
        return try await inner.secretStore(as: caller)
    }
}

private struct SecretAudit: Encodable {
    let version: Int
}

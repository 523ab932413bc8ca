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
        try caller.require(.secretsManage)
        return try await inner.replaceSecret(name, request, as: caller)
    }

    func revokeSecret(_ name: String, as caller: Caller) async throws {
        try caller.require(.secretsManage)
        try await inner.revokeSecret(name, as: caller)
    }

    func secretStore(as caller: Caller) async throws -> SecretStoreView {
        try caller.require(.secretsRead)
        return try await inner.secretStore(as: caller)
    }
}

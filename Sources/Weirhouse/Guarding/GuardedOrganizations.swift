import Access
import Kernel
import Roles
import Wire

/// Organizations, asked of `Role.permissions` first.
extension GuardedOperations {
    func organizations(as caller: Caller) async throws -> [OrganizationSummary] {
        try caller.require(.accountManage)
        return try await inner.organizations(as: caller)
    }

    func caller(_ caller: Caller, in organization: String?) async throws -> Caller {
        if let organization, organization != caller.slug { try caller.require(.accountManage) }
        return try await inner.caller(caller, in: organization)
    }

    func openSession(in organization: String, as caller: Caller) async throws -> Secret<String> {
        try caller.require(.accountManage)
        // A session may do all that the roles give.
        guard caller.rights.scopes == nil else {
            throw Problem(.forbidden, "A token with scopes opens no session.", hint: "Sign in in the browser.")
        }
        return try await auditedSignIn(by: "a session in \(caller.slug)", of: caller.organization) {
            try await inner.openSession(in: organization, as: caller)
        }
    }

    func mayFound(as caller: Caller) async -> Bool { await inner.mayFound(as: caller) }

    func foundOrganization(_ request: FoundRequest, as caller: Caller) async throws -> OrganizationView {
        try await audited(
            AuditedChange(
                "organizations.create", AuditTarget("organization", request.slug), after: { OrganizationAudit($0) }),
            as: caller
        ) {
            try caller.require(.accountManage)
            guard await inner.mayFound(as: caller) else {
                throw Problem(
                    .forbidden, "Only whoever runs this Weirhouse makes organizations.",
                    hint: "Ask them, or for WEIR_WHO_MAY_FOUND=anyone.")
            }
            return try await inner.foundOrganization(request, as: caller)
        }
    }

    func organization(as caller: Caller) async throws -> OrganizationView {
        try caller.require(.organizationRead)
        return try await inner.organization(as: caller)
    }

    func renameOrganization(_ name: String, as caller: Caller) async throws -> OrganizationView {
        try await changeOrganization("organizations.rename", caller) {
            try caller.require(.organizationManage)
            return try await inner.renameOrganization(name, as: caller)
        }
    }

    func putEnvironment(
        _ environment: String, _ request: EnvironmentRequest, as caller: Caller
    ) async throws -> OrganizationView {
        try await changeOrganization("environments.put", caller) {
            try caller.require(.organizationManage)
            return try await inner.putEnvironment(environment, request, as: caller)
        }
    }

    func suspendOrganization(because: String, as caller: Caller) async throws -> OrganizationView {
        try await changeOrganization("organizations.suspend", caller) {
            try caller.require(.organizationManage)
            return try await inner.suspendOrganization(because: because, as: caller)
        }
    }

    // A closed organization is its owners' alone.

    func resumeOrganization(as caller: Caller) async throws -> OrganizationView {
        try await changeOrganization("organizations.resume", caller) {
            try caller.require(.organizationDelete)
            return try await inner.resumeOrganization(as: caller)
        }
    }

    func deleteOrganization(as caller: Caller) async throws -> OrganizationView {
        try await changeOrganization("organizations.delete", caller) {
            try caller.require(.organizationDelete)
            return try await inner.deleteOrganization(as: caller)
        }
    }

    func restoreOrganization(as caller: Caller) async throws -> OrganizationView {
        try await changeOrganization("organizations.restore", caller) {
            try caller.require(.organizationDelete)
            return try await inner.restoreOrganization(as: caller)
        }
    }

    func setup(as caller: Caller) async throws -> SetupView {
        try caller.require(.organizationManage)
        return try await inner.setup(as: caller)
    }

    func dismissSetup(as caller: Caller) async throws {
        try caller.require(.organizationManage)
        try await inner.dismissSetup(as: caller)
    }

    private func changeOrganization(
        _ action: String, _ caller: Caller, _ work: () async throws -> OrganizationView
    ) async throws -> OrganizationView {
        try await audited(
            AuditedChange(
                action, AuditTarget("organization", caller.slug),
                before: { try await OrganizationAudit(inner.organization(as: caller)) },
                after: { OrganizationAudit($0) }), as: caller, work)
    }
}

private struct OrganizationAudit: Encodable {
    let name: String
    let state: String
    let stateReason: String?
    let deleteAfter: String?
    let environments: [EnvironmentView]

    init(_ view: OrganizationView) {
        name = view.name
        state = view.state
        stateReason = view.stateReason
        deleteAfter = view.deleteAfter
        environments = view.environments
    }
}

import Access
import Kernel
import Roles
import Wire

/// The audit, for those who may read it. That of the house is for whoever holds the data folder.
extension GuardedOperations {
    func auditLines(_ filter: AuditFilter, as caller: Caller) async throws -> AuditPage {
        try require(filter.chain, caller)
        return try await inner.auditLines(filter, as: caller)
    }

    func auditLine(_ sequence: Int64, of chain: AuditChain, as caller: Caller) async throws -> AuditLine {
        try require(chain, caller)
        return try await inner.auditLine(sequence, of: chain, as: caller)
    }

    func exportAudit(
        _ filter: AuditFilter, as format: AuditFormat, as caller: Caller
    ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        try await audited(
            "audit.export", AuditTarget("chain", filter.chain.rawValue), as: caller, asked: ["format": format.rawValue]
        ) {
            try require(filter.chain, caller)
            return try await inner.exportAudit(filter, as: format, as: caller)
        }
    }

    func auditHead(of chain: AuditChain, as caller: Caller) async throws -> AuditHeadView {
        try require(chain, caller)
        return try await inner.auditHead(of: chain, as: caller)
    }

    func verifyAudit(of chain: AuditChain, since: String?, as caller: Caller) async throws -> AuditVerification {
        try require(chain, caller)
        return try await inner.verifyAudit(of: chain, since: since, as: caller)
    }

    func keepAudit(
        _ request: AuditRetentionRequest, of chain: AuditChain, as caller: Caller
    ) async throws -> AuditHeadView {
        try await audited(
            AuditedChange(
                "audit.keep", AuditTarget("chain", chain.rawValue),
                before: { ["keep_days": try await inner.auditHead(of: chain, as: caller).keepDays] },
                after: { ["keep_days": $0.keepDays] }), as: caller
        ) {
            try require(chain, caller)
            try caller.require(.organizationManage)
            return try await inner.keepAudit(request, of: chain, as: caller)
        }
    }

    private func require(_ chain: AuditChain, _ caller: Caller) throws {
        try caller.require(.auditRead)
        guard chain == .organization || caller.isLocal else {
            throw Problem(
                .forbidden, "The house's audit is for whoever holds the data folder.",
                hint: "On the server's machine: weir audit --house")
        }
    }
}

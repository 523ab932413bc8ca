import Kernel
import Wire
import WireSamples

@testable import CommandLine

extension LiveHouse {
    func auditLines(_ filter: AuditFilter, as caller: Caller) async throws -> AuditPage {
        AuditPage(lines: [WireSamples.auditLine], next: filter.limit == 1 ? "12" : nil)
    }

    func auditLine(_ sequence: Int64, of chain: AuditChain, as caller: Caller) async throws -> AuditLine {
        WireSamples.auditLine
    }

    func exportAudit(
        _ filter: AuditFilter, as format: AuditFormat, as caller: Caller
    ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream { queue in
            queue.yield(Array("{}\n".utf8))
            queue.finish()
        }
    }

    func auditHead(of chain: AuditChain, as caller: Caller) async throws -> AuditHeadView { WireSamples.auditHead }

    func verifyAudit(of chain: AuditChain, since: String?, as caller: Caller) async throws -> AuditVerification {
        var found = WireSamples.auditVerification
        if since == nil { (found.faults, found.isWhole) = ([], true) }
        return found
    }

    func keepAudit(
        _ request: AuditRetentionRequest, of chain: AuditChain, as caller: Caller
    ) async throws -> AuditHeadView { WireSamples.auditHead }
}

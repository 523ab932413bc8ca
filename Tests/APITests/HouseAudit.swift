import Kernel
import Wire
import WireSamples

extension House {
    func auditLines(_ filter: AuditFilter, as caller: Caller) async throws -> AuditPage {
        asked.note(filter)
        return AuditPage(lines: [WireSamples.auditLine], next: "12")
    }

    func auditLine(_ sequence: Int64, of chain: AuditChain, as caller: Caller) async throws -> AuditLine {
        guard sequence == 12 else { throw Problem(.notFound, "There is no such line.") }
        return WireSamples.auditLine
    }

    func exportAudit(
        _ filter: AuditFilter, as format: AuditFormat, as caller: Caller
    ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        asked.note(filter)
        return AsyncThrowingStream { queue in
            queue.yield(Array("first\n".utf8))
            queue.yield(Array("second\n".utf8))
            queue.finish()
        }
    }

    func auditHead(of chain: AuditChain, as caller: Caller) async throws -> AuditHeadView { WireSamples.auditHead }

    func verifyAudit(of chain: AuditChain, since: String?, as caller: Caller) async throws -> AuditVerification {
        asked.note("\(chain.rawValue) since \(since ?? "-")")
        return WireSamples.auditVerification
    }

    func keepAudit(
        _ request: AuditRetentionRequest, of chain: AuditChain, as caller: Caller
    ) async throws -> AuditHeadView {
        asked.note(request.keepDays)
        return WireSamples.auditHead
    }
}

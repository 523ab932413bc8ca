import Foundation
import Kernel
import Wire
import WireSamples

/// The shop's audit: something done, something refused, something that tries to be markup.
enum ShopAudit {
    static let lines: [AuditLine] = {
        var refused = WireSamples.auditLine
        (refused.sequence, refused.outcome, refused.problem) = (11, "refused", "forbidden")
        (refused.who, refused.action, refused.before, refused.after) = ("bo@acme.example", "clones.start", nil, nil)
        (refused.targetKind, refused.target) = ("source", "dev/shop")
        var hostile = WireSamples.auditLine
        (hostile.sequence, hostile.outcome, hostile.problem) = (10, "done", nil)
        (hostile.who, hostile.target, hostile.userAgent) = (
            ShopHistory.hostile, ShopHistory.hostile, ShopHistory.hostile
        )
        hostile.after = #"{"<b>name</b>": "<script>alert(1)</script>"}"#
        var done = WireSamples.auditLine
        (done.outcome, done.problem) = ("done", nil)
        return [done, refused, hostile]
    }()
}

extension FixtureOperations {
    func auditLines(_ filter: AuditFilter, as caller: Caller) async throws -> AuditPage {
        remember(
            "audit \(filter.chain.rawValue) \(filter.who ?? "-") \(filter.action ?? "-") \(filter.outcome ?? "-") "
                + "\(filter.text ?? "-") before \(filter.before ?? "-")")
        if filter.from == "never" { throw Problem(.invalidInput, "never is no moment.", hint: "Write 2026-11-25.") }
        if mood == .empty || filter.text == "nobody" { return AuditPage(lines: [], next: nil) }
        return AuditPage(lines: ShopAudit.lines, next: filter.before == nil ? "10" : nil)
    }

    func auditLine(_ sequence: Int64, of chain: AuditChain, as caller: Caller) async throws -> AuditLine {
        guard let line = ShopAudit.lines.first(where: { $0.sequence == sequence }) else {
            throw Problem(.notFound, "The audit has no line \(sequence).")
        }
        return line
    }

    func exportAudit(
        _ filter: AuditFilter, as format: AuditFormat, as caller: Caller
    ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        remember("export \(format.rawValue) \(filter.who ?? "-")")
        return AsyncThrowingStream { queue in
            queue.yield(Array("line\n".utf8))
            queue.finish()
        }
    }

    func auditHead(of chain: AuditChain, as caller: Caller) async throws -> AuditHeadView { WireSamples.auditHead }

    func verifyAudit(of chain: AuditChain, since: String?, as caller: Caller) async throws -> AuditVerification {
        var found = WireSamples.auditVerification
        if mood == .well { (found.faults, found.isWhole) = ([], true) }
        return found
    }

    func keepAudit(
        _ request: AuditRetentionRequest, of chain: AuditChain, as caller: Caller
    ) async throws -> AuditHeadView { WireSamples.auditHead }
}

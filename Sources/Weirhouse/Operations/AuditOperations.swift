import Access
import Kernel
import Postgres
import Wire

/// The audit, read and checked. What writes it is `GuardedOperations.audited`.
extension LiveOperations {
    private var auditBook: AuditBook { AuditBook(pool: house.pool) }

    func auditLines(_ filter: AuditFilter, as caller: Caller) async throws -> AuditPage {
        guard (1...500).contains(filter.limit) else {
            throw Problem(.invalidInput, "The limit is \(filter.limit).", hint: "Use 1 to 500.")
        }
        let search = try AuditSearch(filter)
        return try await metadata {
            // One more than asked for tells whether there are more.
            let found = try await AuditReader(pool: house.pool, chain: Self.chain(filter.chain, caller))
                .newest(filter.limit + 1, search)
            let shown = Array(found.prefix(filter.limit))
            return AuditPage(
                lines: shown, next: found.count > filter.limit ? shown.last.map { String($0.sequence) } : nil)
        }
    }

    func auditLine(_ sequence: Int64, of chain: AuditChain, as caller: Caller) async throws -> AuditLine {
        try await metadata {
            guard let line = try await AuditReader(pool: house.pool, chain: Self.chain(chain, caller)).line(sequence)
            else {
                throw Problem(
                    .notFound, "The audit has no line \(sequence).", hint: "weir audit lists those that there are.")
            }
            return line
        }
    }

    func exportAudit(
        _ filter: AuditFilter, as format: AuditFormat, as caller: Caller
    ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        let search = try AuditSearch(filter)
        let reader = AuditReader(pool: house.pool, chain: Self.chain(filter.chain, caller))
        // Up to now: what is added while somebody reads is not for them.
        let end = try await metadata { try await auditBook.head(of: reader.chain).sequence }
        return AuditExport(reader: reader, search: search, through: end, format: format).pieces
    }

    func auditHead(of chain: AuditChain, as caller: Caller) async throws -> AuditHeadView {
        try await metadata { AuditHeadView(try await auditBook.head(of: Self.chain(chain, caller))) }
    }

    func verifyAudit(of chain: AuditChain, since: String?, as caller: Caller) async throws -> AuditVerification {
        let anchor = try since.map { text in
            guard let anchor = AuditAnchor(text) else {
                throw Problem(
                    .invalidInput, "That is no head of an audit.",
                    hint: "A head is what weir audit head prints: 1234:9f86d0…")
            }
            return anchor
        }
        let began = ContinuousClock.now
        let report = try await metadata { try await auditBook.check(Self.chain(chain, caller), against: anchor) }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        return AuditVerification(
            lines: report.lines, first: report.first, head: AuditHeadView(report.head).head,
            seconds: (seconds * 1000).rounded() / 1000,
            faults: report.faults.map { fault in
                AuditFaultView(
                    kind: fault.kind.rawValue, sequence: fault.sequence, through: fault.through, words: fault.words)
            })
    }

    func keepAudit(
        _ request: AuditRetentionRequest, of chain: AuditChain, as caller: Caller
    ) async throws -> AuditHeadView {
        guard AuditBook.keeping.contains(request.keepDays) else {
            throw Problem(
                .invalidInput, "Lines of the audit cannot be kept for \(request.keepDays) days.",
                hint: "Use \(AuditBook.keeping.lowerBound) to \(AuditBook.keeping.upperBound).")
        }
        return try await metadata {
            let chain = Self.chain(chain, caller)
            try await house.pool.transaction(organization: chain) { connection in
                try await AuditBook.keep(days: request.keepDays, on: connection)
            }
            return AuditHeadView(try await auditBook.head(of: chain))
        }
    }

    private static func chain(_ chain: AuditChain, _ caller: Caller) -> OrganizationID {
        switch chain {
        case .organization: caller.organization
        case .house: AuditBook.house
        }
    }
}

extension AuditHeadView {
    fileprivate init(_ head: AuditBook.Head) {
        self.init(
            head: "\(head.sequence):\(head.hash)", sequence: head.sequence, first: head.cutThrough + 1,
            keepDays: head.keepDays)
    }
}

extension AuditFault {
    fileprivate var words: String {
        switch kind {
        case .changed: "Line \(sequence) was changed: its hash is not that of its fields."
        case .missing where sequence == through: "Line \(sequence) was removed."
        case .missing: "Lines \(sequence) to \(through) were removed."
        case .unlinked:
            "Line \(sequence) does not follow line \(sequence - 1): one of them was replaced, or it was put in."
        case .inserted: "Line \(sequence) and perhaps more lie outside of the chain: they were put in."
        case .head: "The chain's head was changed or removed: it does not fit the lines."
        case .anchor: "The head that was kept elsewhere, line \(sequence), is not of this chain: it was written anew."
        }
    }
}

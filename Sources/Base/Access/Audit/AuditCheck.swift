import Foundation
package import Kernel
import Postgres

/// What the check of a chain has found.
package struct AuditReport: Sendable, Hashable {
    /// The line with which the chain begins, 1 unless older ones were cut; and its head.
    package let first: Int64
    package let head: AuditBook.Head
    /// Lines that were checked.
    package let lines: Int64
    /// At most `AuditBook.mostFaults`; none: the chain is whole.
    package let faults: [AuditFault]
}

/// Something that no honest chain has.
package struct AuditFault: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// The line's hash is not that of its fields.
        case changed
        /// Lines `sequence` to `through` are not there.
        case missing
        /// The line does not follow the one before: one of both was replaced, or it was put in.
        case unlinked
        /// The line lies outside of the chain's ends.
        case inserted
        /// The head, kept apart, is not the last line's hash, or is not there.
        case head
        /// The head that was kept elsewhere is none of this chain.
        case anchor
    }

    package let kind: Kind
    package let sequence: Int64
    package let through: Int64

    init(_ kind: Kind, _ sequence: Int64, through: Int64? = nil) {
        self.kind = kind
        self.sequence = sequence
        self.through = through ?? sequence
    }
}

/// A head that somebody has kept elsewhere: `sequence:hash`.
package struct AuditAnchor: Sendable, Hashable {
    package let sequence: Int64
    package let hash: String

    /// Nil if the text is none.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= 18, let sequence = Int64(parts[0]), sequence >= 0,
            parts[1].utf8.count == 64, parts[1].utf8.allSatisfy({ Self.digits.contains($0) })
        else { return nil }
        self.sequence = sequence
        hash = parts[1].lowercased()
    }

    private static let digits = Set("0123456789abcdefABCDEF".utf8)
}

extension AuditBook {
    package static let mostFaults = 100

    /// Walks the whole chain in the database, some thousand lines at a time.
    /// - Parameter anchor: a head that was kept elsewhere: its line must be there as it was.
    /// - Throws: `PGError`; `invalidInput` if the anchor's line was cut, so that nothing can be said of it.
    package func check(_ chain: OrganizationID, against anchor: AuditAnchor? = nil) async throws -> AuditReport {
        while true {
            let ends = try await ends(of: chain)
            let report = try await walk(chain, between: ends, against: anchor)
            // Old lines may have been cut meanwhile, which is no fault.
            if report.faults.isEmpty { return report }
            if try await self.ends(of: chain).saidThrough == ends.saidThrough { return report }
        }
    }

    private func walk(
        _ chain: OrganizationID, between ends: Ends, against anchor: AuditAnchor?
    ) async throws -> AuditReport {
        var faults = ends.faults
        var place = (sequence: ends.saidThrough, hash: ends.saidHash)
        var lines: Int64 = 0
        while faults.count < Self.mostFaults {
            let from = place
            let page = try await transaction(of: chain) { connection in
                try await connection.query(
                    """
                    SELECT lines, last, encode(last_hash, 'hex') AS last_hash, faults
                    FROM weir.check_audit(\(from.sequence)::bigint, decode(\(from.hash), 'hex'),
                      \(ends.head.sequence)::bigint, \(Self.pageLines)::int)
                    """)
            }
            guard let row = page.first, let last = try row.optionalInt("last") else { break }
            faults += try row.json("faults", as: [AuditFault].self)
            lines += try row.int("lines")
            place = (last, try row.string("last_hash"))
        }
        if faults.count < Self.mostFaults, ends.isThere {
            if place.sequence < ends.head.sequence {
                faults.append(AuditFault(.missing, place.sequence + 1, through: ends.head.sequence))
            } else if place.hash != ends.head.hash {
                faults.append(AuditFault(.head, ends.head.sequence))
            }
        }
        if let anchor { faults += try await self.faults(of: anchor, in: chain, ends) }
        return AuditReport(
            first: ends.saidThrough + 1, head: ends.head, lines: lines,
            faults: Array(faults.sorted { $0.sequence < $1.sequence }.prefix(Self.mostFaults)))
    }

    /// Lines of one step: some tenths of a second.
    private static let pageLines = 10_000

    private func faults(of anchor: AuditAnchor, in chain: OrganizationID, _ ends: Ends) async throws -> [AuditFault] {
        if anchor.sequence == ends.saidThrough {
            return anchor.hash == ends.saidHash ? [] : [AuditFault(.anchor, anchor.sequence)]
        }
        guard anchor.sequence > ends.saidThrough else {
            throw Problem(
                .invalidInput,
                "That head is line \(anchor.sequence), and lines up to \(ends.saidThrough) were cut by retention.",
                hint: "Check against a newer one; keep a new head at least as often as lines are cut.")
        }
        let found = try await transaction(of: chain) { connection in
            try await connection.query(
                "SELECT encode(hash, 'hex') AS hash FROM weir.audit_lines WHERE sequence = \(anchor.sequence)")
        }
        return try found.first?.string("hash") == anchor.hash ? [] : [AuditFault(.anchor, anchor.sequence)]
    }

    /// What a chain is held against, as of one moment.
    private struct Ends {
        let head: Head
        /// Whether there is a head.
        let isThere: Bool
        /// Where it begins by its own word: the newest line that says that lines were cut.
        let saidThrough: Int64
        let saidHash: String
        let faults: [AuditFault]
    }

    private func ends(of chain: OrganizationID) async throws -> Ends {
        let rows = try await transaction(of: chain) { connection in
            try await connection.query(
                """
                SELECT sequence, encode(hash, 'hex') AS hash, cut_through, said_through,
                  encode(said_hash, 'hex') AS said_hash, before_begin, beyond_end FROM weir.audit_ends()
                """)
        }
        guard let row = rows.first else { throw PGError.result(message: "The audit has no ends.") }
        let sequence = try row.optionalInt("sequence")
        let said = try row.int("said_through")
        let head = Head(
            sequence: sequence ?? 0, hash: try row.optional("hash") ?? Self.zeros,
            cutThrough: try row.optionalInt("cut_through") ?? 0, keepDays: 0)
        var faults: [AuditFault] = []
        if let before = try row.optionalInt("before_begin") { faults.append(AuditFault(.inserted, before)) }
        if let beyond = try row.optionalInt("beyond_end") {
            faults.append(AuditFault(sequence == nil ? .head : .inserted, beyond))
        }
        if sequence != nil, head.cutThrough != said { faults.append(AuditFault(.head, head.cutThrough)) }
        return Ends(
            head: head, isThere: sequence != nil, saidThrough: said, saidHash: try row.string("said_hash"),
            faults: faults)
    }
}

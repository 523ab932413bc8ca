package import Roles

/// What the faces ask about the audit: who did what. Each organization has a chain of its own; the house's, for what
/// belongs to no organization, is for local admins.
package protocol AuditOperations: Sendable {
    /// Lets somebody in to a route that takes a permission somewhere; a refusal that matters is told to the audit.
    /// - Throws: `forbidden`.
    func admit(_ caller: Caller, to permission: Permission, at route: String) async throws
    /// The newest first.
    /// - Throws: `invalidInput` for a limit that is not 1…500, a moment or a cursor that is none.
    func auditLines(_ filter: AuditFilter, as caller: Caller) async throws -> AuditPage
    /// - Throws: `notFound`.
    func auditLine(_ sequence: Int64, of chain: AuditChain, as caller: Caller) async throws -> AuditLine
    /// All lines that match, the oldest first, in pieces of bytes that are read as they are taken.
    /// - Throws: as `auditLines`; also from the stream.
    func exportAudit(
        _ filter: AuditFilter, as format: AuditFormat, as caller: Caller
    ) async throws -> AsyncThrowingStream<[UInt8], any Error>
    func auditHead(of chain: AuditChain, as caller: Caller) async throws -> AuditHeadView
    /// Walks the whole chain.
    /// - Parameter since: a head that was kept elsewhere, as `AuditHeadView.head` has it; nil: none.
    /// - Throws: `invalidInput` if that is none, or lies before what is kept.
    func verifyAudit(of chain: AuditChain, since: String?, as caller: Caller) async throws -> AuditVerification
    /// How long lines are kept from now on.
    /// - Throws: `invalidInput` if it is not 90…36500 days.
    func keepAudit(
        _ request: AuditRetentionRequest, of chain: AuditChain, as caller: Caller
    ) async throws
        -> AuditHeadView
}

extension AuditOperations {
    package func admit(_ caller: Caller, to permission: Permission, at route: String) async throws {
        try caller.requireSomewhere(permission)
    }
}

package enum AuditChain: String, Sendable, Codable, CaseIterable {
    /// The caller's.
    case organization
    /// What belongs to no organization.
    case house
}

package enum AuditFormat: String, Sendable, Codable, CaseIterable {
    /// A line of JSON for each, as docs/audit.md tells: it can be verified elsewhere.
    case jsonl
    /// RFC 4180; no cell is taken for a formula.
    case csv

    package var contentType: String {
        switch self {
        case .jsonl: "application/jsonl"
        case .csv: "text/csv; charset=utf-8"
        }
    }
}

/// Which lines. What is nil is not asked for.
package struct AuditFilter: Sendable, Hashable {
    package var chain: AuditChain
    /// 1…500.
    package var limit: Int
    /// Only lines before this one: a page's `next`.
    package var before: String?
    /// A part of their name, whatever its case, or their id.
    package var who: String?
    /// `schedules.put`, or the first part of it: `schedules`.
    package var action: String?
    /// A part of its name.
    package var target: String?
    /// `done`, `refused` or `failed`.
    package var outcome: String?
    /// RFC 3339, or a day of UTC: from its begin on, until before its end.
    package var from: String?
    package var until: String?
    /// A part of any of a line's texts, of its settings too.
    package var text: String?

    package init(
        chain: AuditChain = .organization, limit: Int = 50, before: String? = nil, who: String? = nil,
        action: String? = nil, target: String? = nil, outcome: String? = nil, from: String? = nil,
        until: String? = nil, text: String? = nil
    ) {
        self.chain = chain
        self.limit = limit
        self.before = before
        self.who = who
        self.action = action
        self.target = target
        self.outcome = outcome
        self.from = from
        self.until = until
        self.text = text
    }
}

package struct AuditPage: Sendable, Codable {
    package var lines: [AuditLine]
    /// The cursor of older lines; nil if there are none.
    package var next: String?

    package init(lines: [AuditLine], next: String?) {
        self.lines = lines
        self.next = next
    }
}

/// One line. Every field but `hash` is in its hash, as docs/audit.md tells.
package struct AuditLine: Sendable, Codable, Hashable {
    package var organizationID: String
    /// From 1 on, without gaps.
    package var sequence: Int64
    /// RFC 3339 in UTC with microseconds.
    package var at: String
    package var whoID: String?
    /// As they were called then.
    package var who: String
    /// `person`, `service`, `local`, `system` or `nobody`.
    package var whoKind: String
    package var credentialID: String?
    package var action: String
    package var targetKind: String?
    package var target: String?
    /// `done`, `refused` or `failed`.
    package var outcome: String
    /// A problem's code.
    package var problem: String?
    /// JSON as text, exactly as it is hashed.
    package var before: String?
    package var after: String?
    package var address: String?
    package var userAgent: String?
    package var correlationID: String?
    /// SHA-256, 64 hexadecimal digits.
    package var previousHash: String
    package var hash: String

    package init(
        organizationID: String, sequence: Int64, at: String, whoID: String?, who: String, whoKind: String,
        credentialID: String?, action: String, targetKind: String?, target: String?, outcome: String, problem: String?,
        before: String?, after: String?, address: String?, userAgent: String?, correlationID: String?,
        previousHash: String, hash: String
    ) {
        self.organizationID = organizationID
        self.sequence = sequence
        self.at = at
        self.whoID = whoID
        self.who = who
        self.whoKind = whoKind
        self.credentialID = credentialID
        self.action = action
        self.targetKind = targetKind
        self.target = target
        self.outcome = outcome
        self.problem = problem
        self.before = before
        self.after = after
        self.address = address
        self.userAgent = userAgent
        self.correlationID = correlationID
        self.previousHash = previousHash
        self.hash = hash
    }
}

/// Where a chain ends.
package struct AuditHeadView: Sendable, Codable {
    /// `sequence:hash`, to be kept elsewhere.
    package var head: String
    package var sequence: Int64
    /// The first line that is kept; older ones were cut.
    package var first: Int64
    package var keepDays: Int

    package init(head: String, sequence: Int64, first: Int64, keepDays: Int) {
        self.head = head
        self.sequence = sequence
        self.first = first
        self.keepDays = keepDays
    }
}

package struct AuditVerification: Sendable, Codable {
    /// Whether nothing is wrong.
    package var isWhole: Bool
    /// Lines that were checked.
    package var lines: Int64
    package var first: Int64
    /// `sequence:hash` up to which it was checked.
    package var head: String
    package var seconds: Double
    /// At most 100.
    package var faults: [AuditFaultView]

    package init(lines: Int64, first: Int64, head: String, seconds: Double, faults: [AuditFaultView]) {
        isWhole = faults.isEmpty
        self.lines = lines
        self.first = first
        self.head = head
        self.seconds = seconds
        self.faults = faults
    }
}

package struct AuditFaultView: Sendable, Codable, Hashable {
    /// `changed`, `missing`, `unlinked`, `inserted`, `head` or `anchor`.
    package var kind: String
    package var sequence: Int64
    package var through: Int64
    /// One sentence.
    package var words: String

    package init(kind: String, sequence: Int64, through: Int64, words: String) {
        self.kind = kind
        self.sequence = sequence
        self.through = through
        self.words = words
    }
}

/// `PUT /api/v1/audit/retention`.
package struct AuditRetentionRequest: Sendable, Codable {
    package var keepDays: Int

    package init(keepDays: Int) { self.keepDays = keepDays }
}

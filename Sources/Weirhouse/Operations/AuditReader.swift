import Foundation
import Kernel
import Postgres
import Wire

/// Reads lines of one chain into what the faces show.
struct AuditReader: Sendable {
    let pool: PGPool
    let chain: OrganizationID

    func newest(_ most: Int, _ search: AuditSearch) async throws -> [AuditLine] {
        try await read(search.condition + " ORDER BY sequence DESC LIMIT \(most)")
    }

    /// The oldest after a line.
    func next(
        _ most: Int, after sequence: Int64, through last: Int64, _ search: AuditSearch
    ) async throws
        -> [AuditLine]
    {
        try await read(
            search.condition
                + " AND sequence > \(sequence) AND sequence <= \(last) ORDER BY sequence LIMIT \(most)")
    }

    func line(_ sequence: Int64) async throws -> AuditLine? { try await read("sequence = \(sequence)").first }

    private func read(_ which: SQL) async throws -> [AuditLine] {
        try await pool.transaction(organization: chain) { connection in
            try await connection.query(Self.lines + which).map(Self.line)
        }
    }

    /// Moments and hashes in the form in which they are hashed.
    private static let lines: SQL = """
        SELECT organization_id, sequence, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at_text,
          who_id, who, who_kind, credential_id, action, target_kind, target, outcome, problem, before::text AS before,
          after::text AS after, address, user_agent, correlation, encode(previous_hash, 'hex') AS previous_hash,
          encode(hash, 'hex') AS hash
        FROM weir.audit_lines WHERE
        """ + " "

    private static func line(_ row: PGRow) throws -> AuditLine {
        AuditLine(
            organizationID: try row.string("organization_id"), sequence: try row.int("sequence"),
            at: try row.string("at_text"), whoID: try row.optional("who_id"), who: try row.string("who"),
            whoKind: try row.string("who_kind"), credentialID: try row.optional("credential_id"),
            action: try row.string("action"), targetKind: try row.optional("target_kind"),
            target: try row.optional("target"), outcome: try row.string("outcome"),
            problem: try row.optional("problem"), before: try row.optional("before"), after: try row.optional("after"),
            address: try row.optional("address"), userAgent: try row.optional("user_agent"),
            correlationID: try row.optional("correlation"), previousHash: try row.string("previous_hash"),
            hash: try row.string("hash"))
    }
}

/// What lines are asked for, as SQL.
struct AuditSearch: Sendable {
    let condition: SQL

    /// - Throws: `invalidInput` for a moment, an outcome or a cursor that is none.
    init(_ filter: AuditFilter) throws {
        var all: [SQL] = []
        if let before = filter.before {
            guard let sequence = Int64(before), sequence > 0 else {
                throw Problem(.invalidInput, "`before` is no place in the audit.", hint: "Use the `next` of a page.")
            }
            all.append("sequence < \(sequence)")
        }
        if let who = filter.who {
            all.append("(who ILIKE \(Self.pattern(who)) OR who_id::text = \(who.lowercased()))")
        }
        if let action = filter.action {
            all.append("(action = \(action) OR action LIKE \(Self.escaped(action) + ".%"))")
        }
        if let target = filter.target { all.append("target ILIKE \(Self.pattern(target))") }
        if let outcome = filter.outcome {
            guard ["done", "refused", "failed"].contains(outcome) else {
                throw Problem(
                    .invalidInput, "There is no outcome \(outcome.prefix(40)).", hint: "Use done, refused or failed.")
            }
            all.append("outcome = \(outcome)")
        }
        if let from = filter.from { all.append("at >= \(try Self.moment(from))::timestamptz") }
        if let until = filter.until {
            let moment = try Self.moment(until)
            all.append(
                until.utf8.count == 10
                    ? "at < \(moment)::timestamptz + interval '1 day'" : "at < \(moment)::timestamptz")
        }
        if let text = filter.text { all.append(Self.anywhere(Self.pattern(text))) }
        condition = all.reduce("true" as SQL) { $0 + " AND " + $1 }
    }

    private static func anywhere(_ pattern: String) -> SQL {
        """
        (who ILIKE \(pattern) OR action ILIKE \(pattern) OR target ILIKE \(pattern) OR problem ILIKE \(pattern)
         OR address ILIKE \(pattern) OR user_agent ILIKE \(pattern) OR correlation ILIKE \(pattern)
         OR before::text ILIKE \(pattern) OR after::text ILIKE \(pattern))
        """
    }

    /// A day of UTC or a moment, as PostgreSQL reads it.
    private static func moment(_ text: String) throws -> String {
        let asDay = text.wholeMatch(of: /\d{4}-\d\d-\d\d/) != nil ? "\(text)T00:00:00Z" : text
        let date =
            (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(asDay))
            ?? (try? Date.ISO8601FormatStyle().parse(asDay))
        guard let date else {
            throw Problem(
                .invalidInput, "\(text.prefix(40)) is no moment.", hint: "Write 2026-11-25 or 2026-11-25T08:00:00Z.")
        }
        return date.rfc3339
    }

    private static func pattern(_ text: String) -> String { "%\(escaped(text))%" }

    /// For LIKE: what a person typed means itself.
    private static func escaped(_ text: String) -> String {
        text.replacingScalar("\\", with: "\\\\").replacingScalar("%", with: "\\%").replacingScalar("_", with: "\\_")
    }
}

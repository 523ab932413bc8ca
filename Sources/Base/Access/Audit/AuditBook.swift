import Foundation
package import Kernel
package import Postgres

/// The audit's chains (tables `weir.audit_lines`, `weir.audit_heads`): adds to them, checks them, cuts them. The hashes are
/// made in the database, in the transaction that adds the line.
package struct AuditBook: Sendable {
    /// The chain of what belongs to no organization: a sign-in with a link that nobody knows.
    package static let house = OrganizationID.none
    /// How long lines can be kept, in days.
    package static let keeping = 90...36_500

    private let pool: PGPool

    package init(pool: PGPool) { self.pool = pool }

    /// Adds a line in a transaction of its own; returns its place in the chain. Durable when it returns. A task that is
    /// cancelled still adds it.
    /// - Throws: `PGError`.
    @discardableResult
    package func append(_ entry: AuditEntry, to chain: OrganizationID) async throws -> Int64 {
        // In a task of its own: whoever hangs up does not keep what they did out of the audit.
        try await Task {
            try await pool.transaction(organization: chain) { try await Self.append(entry, on: $0) }
        }.value
    }

    /// Adds a line in a transaction that is for its organization, with what else that does: both are there or none is.
    /// Others who write to the chain wait for the transaction's end: do it last.
    /// - Throws: `PGError`.
    @discardableResult
    package static func append(_ entry: AuditEntry, on connection: PGConnection) async throws -> Int64 {
        let rows = try await connection.queryPrepared(
            "SELECT weir.append_audit(\(try entry.json)::jsonb) AS sequence")
        guard let row = rows.first else { throw PGError.result(message: "The audit gave no line.") }
        return try row.int("sequence")
    }

    /// Where the chain ends.
    package struct Head: Sendable, Hashable {
        package let sequence: Int64
        /// SHA-256, 64 hexadecimal digits.
        package let hash: String
        /// Lines up to this one were cut.
        package let cutThrough: Int64
        package let keepDays: Int
    }

    /// - Throws: `PGError`.
    package func head(of chain: OrganizationID) async throws -> Head {
        let rows = try await pool.transaction(organization: chain) { connection in
            try await connection.query(
                "SELECT sequence, encode(hash, 'hex') AS hash, cut_through, keep_days FROM weir.audit_heads")
        }
        guard let row = rows.first else {
            return Head(sequence: 0, hash: Self.zeros, cutThrough: 0, keepDays: Self.usualDays)
        }
        return Head(
            sequence: try row.int("sequence"), hash: try row.string("hash"), cutThrough: try row.int("cut_through"),
            keepDays: try Int(row.int("keep_days")))
    }

    /// How long a chain's lines are kept from now on.
    /// - Throws: `PGError`.
    package static func keep(days: Int, on connection: PGConnection) async throws {
        try await connection.query("SELECT weir.keep_audit(\(days)::int)")
    }

    /// Cuts at most `most` lines that are too old, of one chain; the chain says so. Returns how many, 0 if none is.
    /// - Throws: `PGError`.
    package func cut(most: Int) async throws -> Int64 {
        try await pool.withConnection { connection in
            try await connection.query("SELECT weir.cut_audit(\(most)::int) AS lines").first?.int("lines")
        } ?? 0
    }

    /// The hash before the first line.
    static let zeros = String(repeating: "0", count: 64)
    /// As `weir.audit_heads` has it.
    private static let usualDays = 730

    func transaction<Value: Sendable>(
        of chain: OrganizationID, _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        try await pool.transaction(organization: chain, work)
    }
}

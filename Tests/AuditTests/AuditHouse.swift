import Access
import Foundation
import Kernel
import Postgres
import TestHouse
import Testing

/// An organization with its chain, in a database of its own with all real migrations.
struct AuditHouse: Sendable {
    let metadata: MetadataDatabase
    let book: AuditBook
    let organization: OrganizationID

    var database: TestDatabase { metadata.database }

    static func use<Value: Sendable>(
        connections: Int = 8, _ work: (AuditHouse) async throws -> Value
    ) async throws -> Value {
        try await MetadataDatabase.use(connections: connections) { metadata in
            try await work(
                AuditHouse(
                    metadata: metadata, book: AuditBook(pool: metadata.application),
                    organization: try await metadata.addOrganization("acme")))
        }
    }

    /// Lines with every field set, with some, and with none that may be absent.
    func write(_ count: Int) async throws {
        for number in 1...count { try await book.append(try Self.entry(number), to: organization) }
    }

    static func entry(_ number: Int) throws -> AuditEntry {
        guard number % 3 != 0 else { return AuditEntry(.system, "runs.remove") }
        var entry = AuditEntry(
            AuditActor(
                .person, id: TimeSource.system.makeID(), name: "ana \(number)", credential: TimeSource.system.makeID()),
            "schedules.put", AuditTarget("schedule", "nightly \(number)"), problem: number % 2 == 0 ? .notFound : nil,
            before: try AuditDetail(json: Data(#"{"minutes": \#(number), "who": "Ünï 日本"}"#.utf8)),
            after: try AuditDetail(json: Data(#"{"minutes": \#(number + 1), "list": [1, null, true, 1.5]}"#.utf8)))
        entry.origin = RequestOrigin(
            address: IPAddress("192.0.2.\(number)"), isSecure: false, authority: "weir.test", program: "curl/8")
        entry.correlation = UUID().uuidString
        return entry
    }

    /// Statements of somebody who holds the whole database and takes the guards away.
    func tamper(_ statement: SQL, preparing script: String = "") async throws {
        let connection = try await database.connect()
        let result = await Result {
            if !script.isEmpty { try await connection.script(script) }
            try await connection.script("BEGIN; ALTER TABLE weir.audit_lines DISABLE TRIGGER ALL")
            let rows = try await connection.query(statement)
            try await connection.script(
                "ALTER TABLE weir.audit_lines ENABLE ALWAYS TRIGGER keep, ENABLE ALWAYS TRIGGER keep_all; COMMIT")
            return rows
        }
        await connection.close()
        _ = try result.get()
    }

    func faults(against anchor: AuditAnchor? = nil) async throws -> [String] {
        try await book.check(organization, against: anchor).faults.map { fault in
            "\(fault.kind.rawValue) \(fault.sequence)"
                + (fault.through == fault.sequence ? "" : "–\(fault.through)")
        }
    }
}

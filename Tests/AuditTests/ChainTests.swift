import Access
import Crypto
import Foundation
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("The audit's chain", .timeLimit(.minutes(10)))
struct ChainTests {
    @Test("of lines as they were written is whole, and its head is its last line")
    func whole() async throws {
        try await AuditHouse.use { house in
            #expect(try await house.book.check(house.organization).lines == 0)
            try await house.write(7)
            let report = try await house.book.check(house.organization)
            #expect((report.lines, report.first) == (7, 1))
            #expect(report.faults.isEmpty)
            let last = try await house.database.query(
                "SELECT encode(hash, 'hex') AS hash FROM weir.audit_lines WHERE sequence = 7")
            #expect(try last.first?.string("hash") == report.head.hash)
            #expect(try await house.book.head(of: house.organization).sequence == 7)
        }
    }

    @Test("has no gap and no fork under 16 writers at once, and each writer's lines are all there")
    func concurrent() async throws {
        try await AuditHouse.use(connections: 16) { house in
            let (writers, each) = (16, 25)
            try await withThrowingTaskGroup(of: [Int64].self) { group in
                for writer in 1...writers {
                    group.addTask {
                        var places: [Int64] = []
                        for number in 1...each {
                            let entry = AuditEntry(
                                AuditActor(.service, name: "w\(writer)"), "a.b", AuditTarget("n", "\(number)"))
                            places.append(try await house.book.append(entry, to: house.organization))
                        }
                        return places
                    }
                }
                var all: [Int64] = []
                for try await places in group {
                    #expect(places == places.sorted())
                    all += places
                }
                #expect(all.sorted() == Array(1...Int64(writers * each)))
            }
            let report = try await house.book.check(house.organization)
            #expect(report.lines == Int64(writers * each))
            #expect(report.faults.isEmpty)
        }
    }

    @Test("of one organization holds up no other's, and lines of one do not fit into the other's")
    func apart() async throws {
        try await AuditHouse.use { house in
            try await house.write(2)
            let other = try await house.metadata.addOrganization("other")
            try await house.book.append(AuditEntry(.system, "a.b"), to: other)
            #expect(try await house.book.head(of: other).sequence == 1)
            #expect(try await house.book.check(other).faults.isEmpty)
            try await house.tamper(
                "UPDATE weir.audit_lines SET organization_id = \(other), sequence = 2 WHERE organization_id = \(house.organization) AND sequence = 2"
            )
            #expect(try await house.faults() == ["missing 2"])
            #expect(try await !house.book.check(other).faults.isEmpty)
        }
    }

    /// Another value for each field, of any line.
    private static let changes: [String: String] = [
        "at": "at + interval '1 microsecond'", "who_id": "gen_random_uuid()", "who": "who || 'x'",
        "who_kind": "CASE who_kind WHEN 'local' THEN 'person' ELSE 'local' END",
        "credential_id": "gen_random_uuid()", "action": "action || 'x'",
        "target_kind": "coalesce(target_kind, '') || 'x'", "target": "coalesce(target, '') || 'x'",
        "outcome": "CASE WHEN problem IS NULL THEN outcome WHEN outcome = 'failed' THEN 'refused' ELSE 'failed' END",
        "problem": "CASE WHEN problem IS NULL THEN NULL ELSE problem || 'x' END",
        "before": "coalesce(before, '{}') || '{\"x\": 1}'", "after": "coalesce(after, '{}') || '{\"x\": 1}'",
        "address": "coalesce(address, '') || '1'", "user_agent": "coalesce(user_agent, '') || ' '",
        "correlation": "coalesce(correlation, '') || 'x'", "previous_hash": "sha256(previous_hash)",
        "hash": "sha256(hash)",
    ]

    @Test("shows any change of any field of any line")
    func anyChange() async throws {
        try await AuditHouse.use { house in
            try await house.write(6)
            let columns = try await house.database.query(
                """
                SELECT attname FROM pg_attribute WHERE attrelid = 'weir.audit_lines'::regclass AND attnum > 0
                  AND NOT attisdropped AND attname NOT IN ('organization_id', 'sequence')
                """
            ).map { try $0.string("attname") }
            // A field that is added later has to be in this test, and in the encoding.
            #expect(Set(columns) == Set(Self.changes.keys))
            for (column, value) in Self.changes {
                for sequence in 1...6 {
                    let changed = SQL(unsafe: "\(column) = \(value)")
                    let hasProblem = sequence % 2 == 0 && sequence % 3 != 0
                    if ["outcome", "problem"].contains(column), !hasProblem { continue }
                    try await house.database.script("CREATE TABLE public.kept AS TABLE weir.audit_lines")
                    try await house.tamper("UPDATE weir.audit_lines SET \(changed) WHERE sequence = \(sequence)")
                    let faults = try await house.faults()
                    #expect(faults.first == "changed \(sequence)", "\(column) of \(sequence): \(faults)")
                    try await house.tamper("DELETE FROM weir.audit_lines")
                    try await house.tamper("INSERT INTO weir.audit_lines TABLE public.kept")
                    try await house.database.script("DROP TABLE public.kept")
                }
            }
            #expect(try await house.faults().isEmpty)
        }
    }

    @Test(
        "shows lines that were removed: the first, some in the middle, the last, all",
        arguments: [
            ("sequence = 1", ["missing 1"]), ("sequence IN (3, 4)", ["missing 3–4"]), ("sequence = 6", ["missing 6"]),
            ("sequence > 0", ["missing 1–6"]), ("sequence IN (2, 6)", ["missing 2", "missing 6"]),
        ])
    func removed(which: String, faults: [String]) async throws {
        try await AuditHouse.use { house in
            try await house.write(6)
            try await house.tamper("DELETE FROM weir.audit_lines WHERE \(SQL(unsafe: which))")
            #expect(try await house.faults() == faults)
        }
    }

    @Test("shows lines that were put in, swapped, or replaced with a hash that fits")
    func inserted() async throws {
        try await AuditHouse.use { house in
            try await house.write(6)
            // After the end, whole in itself.
            try await house.tamper(
                """
                INSERT INTO weir.audit_lines SELECT (l).* FROM (SELECT weir_test.next(x) AS l FROM weir.audit_lines x
                  WHERE sequence = 6) y
                """, preparing: Self.next)
            #expect(try await house.faults() == ["inserted 7"])
            try await house.tamper("DELETE FROM weir.audit_lines WHERE sequence = 7")
            // One in the place of another, sealed anew: its successor does not follow it.
            try await house.tamper(
                """
                WITH changed AS (SELECT weir_test.renamed(x) AS l FROM weir.audit_lines x WHERE sequence = 3)
                UPDATE weir.audit_lines SET who = (l).who, hash = (l).hash FROM changed WHERE sequence = 3
                """)
            #expect(try await house.faults() == ["unlinked 4"])
        }
        try await AuditHouse.use { house in
            try await house.write(6)
            try await house.tamper("UPDATE weir.audit_lines SET sequence = sequence + 100 WHERE sequence IN (2, 5)")
            try await house.tamper(
                "UPDATE weir.audit_lines SET sequence = CASE sequence WHEN 102 THEN 5 ELSE 2 END WHERE sequence > 100")
            #expect(
                Set(try await house.faults().map { String($0.prefix(9)) }).isSuperset(of: ["changed 2", "changed 5"]))
        }
    }

    /// What somebody needs who knows the encoding.
    private static let next = """
        CREATE SCHEMA weir_test;
        CREATE FUNCTION weir_test.next(line weir.audit_lines) RETURNS weir.audit_lines LANGUAGE plpgsql AS $$
        BEGIN
          line.sequence := line.sequence + 1; line.previous_hash := line.hash; line.hash := weir.audit_hash(line);
          RETURN line;
        END $$;
        CREATE FUNCTION weir_test.renamed(line weir.audit_lines) RETURNS weir.audit_lines LANGUAGE plpgsql AS $$
        BEGIN line.who := 'somebody else'; line.hash := weir.audit_hash(line); RETURN line; END $$;
        """

    @Test("shows a head that was changed or removed, and one kept elsewhere shows a chain that was written anew")
    func heads() async throws {
        try await AuditHouse.use { house in
            try await house.write(4)
            let kept = try await house.book.head(of: house.organization)
            let anchor = try #require(AuditAnchor("\(kept.sequence):\(kept.hash)"))
            try await house.write(2)
            #expect(try await house.faults(against: anchor).isEmpty)
            try await house.database.query("UPDATE weir.audit_heads SET sequence = 5")
            #expect(try await house.faults() == ["head 5", "inserted 6"])
            try await house.database.query("UPDATE weir.audit_heads SET sequence = 6, hash = sha256(hash)")
            #expect(try await house.faults() == ["head 6"])
            try await house.database.query("DELETE FROM weir.audit_heads")
            #expect(try await house.faults() == ["head 1"])
            // All of it anew, as if nothing had been.
            try await house.tamper("DELETE FROM weir.audit_lines")
            try await house.write(6)
            #expect(try await house.faults().isEmpty)
            #expect(try await house.faults(against: anchor) == ["anchor 4"])
            try await house.tamper("DELETE FROM weir.audit_lines")
            try await house.database.query("DELETE FROM weir.audit_heads")
            #expect(try await house.faults(against: anchor) == ["anchor 4"])
        }
    }
}

@Suite struct AnchorTests {
    @Test(
        "a head that was kept is a line's number and its hash, and nothing else",
        arguments: [
            "", ":", "4", "x:\(String(repeating: "a", count: 64))", "4:\(String(repeating: "a", count: 63))",
            "4:\(String(repeating: "g", count: 64))", "-1:\(String(repeating: "a", count: 64))",
            "4:\(String(repeating: "a", count: 64)):", "99999999999999999999:\(String(repeating: "a", count: 64))",
        ])
    func none(text: String) { #expect(AuditAnchor(text) == nil) }
}

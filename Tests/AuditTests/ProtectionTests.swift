import Access
import Foundation
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Lines of the audit", .timeLimit(.minutes(10)))
struct ProtectionTests {
    private static let attempts: [String] = [
        "UPDATE weir.audit_lines SET who = 'x'", "DELETE FROM weir.audit_lines", "TRUNCATE weir.audit_lines",
        "INSERT INTO weir.audit_lines SELECT * FROM weir.audit_lines", "UPDATE weir.audit_heads SET sequence = 0",
        "DELETE FROM weir.audit_heads", "TRUNCATE weir.audit_heads",
        "INSERT INTO weir.audit_heads (organization_id) VALUES (gen_random_uuid())",
        "ALTER TABLE weir.audit_lines DISABLE TRIGGER ALL", "DROP TABLE weir.audit_lines",
        "SELECT weir.chain_audit(weir.current_organization(), '{}')",
        "SET session_replication_role = replica",
        #"SELECT weir.append_audit('{"who": "x", "who_kind": "system", "action": "audit.cut"}')"#,
        "CREATE FUNCTION weir.audit_hash(text) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$",
    ]

    @Test("cannot be changed, removed or forged by the application's role", arguments: attempts)
    func application(statement: String) async throws {
        try await AuditHouse.use { house in
            try await house.write(2)
            let error = await #expect(throws: PGError.self) {
                try await house.metadata.application.transaction(organization: house.organization) {
                    try await $0.script(statement)
                }
            }
            #expect(error?.state == "42501", "\(error?.message ?? "")")
            #expect(try await house.faults().isEmpty)
        }
    }

    @Test(
        "cannot be changed or removed by the database's owner without taking the guard away first",
        arguments: [
            "UPDATE weir.audit_lines SET who = 'x'", "DELETE FROM weir.audit_lines", "TRUNCATE weir.audit_lines",
            "SET session_replication_role = replica; DELETE FROM weir.audit_lines WHERE sequence = 1",
        ])
    func owner(statement: String) async throws {
        try await AuditHouse.use { house in
            try await house.write(2)
            let error = await #expect(throws: PGError.self) { try await house.database.script(statement) }
            #expect(error?.state == "42501")
        }
    }

    @Test("go into the chain of the transaction's organization, and nowhere without one")
    func organization() async throws {
        try await AuditHouse.use { house in
            let error = await #expect(throws: PGError.self) {
                try await house.metadata.application.transaction(organization: nil) {
                    _ = try await AuditBook.append(AuditEntry(.system, "a.b"), on: $0)
                }
            }
            #expect(error?.state == "42501")
            // What is done in a transaction that is taken back was not done, and leaves no gap.
            struct Change: Error {}
            await #expect(throws: Change.self) {
                try await house.metadata.application.transaction(organization: house.organization) {
                    _ = try await AuditBook.append(AuditEntry(.system, "a.b"), on: $0)
                    throw Change()
                }
            }
            let place = try await house.book.append(AuditEntry(.system, "a.b"), to: house.organization)
            #expect(place == 1)
        }
    }

    @Test("are written also when whoever did it has hung up")
    func cancelled() async throws {
        try await AuditHouse.use { house in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await house.book.append(AuditEntry(.system, "a.b"), to: house.organization)
            }
            task.cancel()
            let place = try await task.value
            #expect(place == 1)
        }
    }

    @Test("say that runs were removed, of whom and how many")
    func runs() async throws {
        try await AuditHouse.use { house in
            try await house.database.query(
                """
                INSERT INTO weir.runs (run_id, organization_id, kind, environment, source)
                SELECT gen_random_uuid(), \(house.organization), 'clone', 'dev', 'shop' FROM generate_series(1, 3)
                """)
            try await house.database.script(
                """
                SET session_replication_role = replica;
                UPDATE weir.runs SET state = 'SUCCESS', finished_at = now() - interval '9 days';
                """)
            try await house.database.query(
                """
                INSERT INTO weir.environments (organization_id, environment, size, keep_runs_days, keep_logs_days)
                VALUES (\(house.organization), 'dev', 'small', 8, 1)
                ON CONFLICT (organization_id, environment) DO UPDATE SET keep_runs_days = 8, keep_logs_days = 1
                """)
            // As a server does it every hour, of all organizations.
            try await house.metadata.application.withConnection { connection in
                _ = try await connection.query("SELECT weir.forget_runs(100)")
            }
            #expect(try await house.database.number("SELECT count(*) FROM weir.runs") == 0)
            let lines = try await house.database.query(
                "SELECT action, who_kind, before ->> 'runs' AS runs FROM weir.audit_lines")
            #expect(try lines.map { try $0.string("action") } == ["runs.remove"])
            #expect(try lines.first?.string("runs") == "3")
            #expect(try await house.faults().isEmpty)
        }
    }
}

@Suite("Old lines", .timeLimit(.minutes(10)))
struct RetentionTests {
    private func age(_ house: AuditHouse, through sequence: Int64, days: Int) async throws {
        // Sealed anew with their age: as if they had been written then.
        try await house.tamper("SELECT weir_test.age(\(sequence)::bigint, \(days)::int)", preparing: Self.age)
    }

    private static let age = """
        CREATE SCHEMA IF NOT EXISTS weir_test;
        CREATE OR REPLACE FUNCTION weir_test.age(through bigint, days int) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE line weir.audit_lines; before bytea;
        BEGIN
          FOR line IN SELECT * FROM weir.audit_lines ORDER BY sequence LOOP
            IF line.sequence <= through THEN line.at := line.at - make_interval(days => days); END IF;
            line.previous_hash := coalesce(before, line.previous_hash);
            line.hash := weir.audit_hash(line);
            UPDATE weir.audit_lines SET at = line.at, previous_hash = line.previous_hash, hash = line.hash
              WHERE organization_id = line.organization_id AND sequence = line.sequence;
            before := line.hash;
          END LOOP;
          UPDATE weir.audit_heads SET hash = before;
        END $$
        """

    @Test("are cut when they are older than they are kept, and the chain says so and stays whole")
    func cut() async throws {
        try await AuditHouse.use { house in
            try await house.write(6)
            #expect(try await house.book.cut(most: 100) == 0)
            try await age(house, through: 4, days: 800)
            let before = try await house.book.head(of: house.organization)
            #expect(try await house.faults().isEmpty)
            #expect(try await house.book.cut(most: 3) == 3)
            #expect(try await house.book.cut(most: 100) == 1)
            #expect(try await house.book.cut(most: 100) == 0)
            let report = try await house.book.check(house.organization)
            #expect(report.faults.isEmpty)
            // Two that were not old, and two that say what was cut.
            #expect((report.first, report.lines, report.head.sequence) == (5, 4, 8))
            let anchor = try #require(AuditAnchor("\(before.sequence):\(before.hash)"))
            #expect(try await house.faults(against: anchor).isEmpty)
            let gone = try #require(AuditAnchor("2:\(before.hash)"))
            let problem = await #expect(throws: Problem.self) { try await house.faults(against: gone) }
            #expect(problem?.code == .invalidInput)
        }
    }

    @Test("that are removed by hand are missed, also when the head calls them cut")
    func byHand() async throws {
        try await AuditHouse.use { house in
            try await house.write(6)
            try await house.database.query("UPDATE weir.audit_heads SET cut_through = 3")
            // The guard lets them go: the head says that they are cut. The chain does not.
            try await house.database.query("DELETE FROM weir.audit_lines WHERE sequence <= 3")
            #expect(try await house.faults() == ["missing 1–3", "head 3"])
        }
    }

    @Test("of a chain that lacks lines stay as they are, and hold up no other chain")
    func broken() async throws {
        try await AuditHouse.use { house in
            try await house.write(4)
            let other = try await house.metadata.addOrganization("other")
            for _ in 1...2 { try await house.book.append(AuditEntry(.system, "a.b"), to: other) }
            try await house.tamper("DELETE FROM weir.audit_lines WHERE sequence = 2 AND organization_id <> \(other)")
            try await house.tamper("UPDATE weir.audit_lines SET at = at - interval '900 days'")
            // Of the other one all: it then holds the line alone that says so.
            #expect(try await house.book.cut(most: 10) == 2)
            #expect(try await house.book.cut(most: 10) == 0)
            #expect(try await house.book.head(of: other).cutThrough == 2)
            #expect(try await house.faults().contains("missing 2"))
        }
    }

    @Test("are kept as long as an organization says, within bounds")
    func keeping() async throws {
        try await AuditHouse.use { house in
            try await house.write(3)
            try await age(house, through: 1, days: 100)
            #expect(try await house.book.cut(most: 10) == 0)
            for days in [0, 89, 40_000] {
                await #expect(throws: PGError.self) {
                    try await house.metadata.application.transaction(organization: house.organization) {
                        try await AuditBook.keep(days: days, on: $0)
                    }
                }
            }
            try await house.metadata.application.transaction(organization: house.organization) {
                try await AuditBook.keep(days: 90, on: $0)
            }
            #expect(try await house.book.head(of: house.organization).keepDays == 90)
            #expect(try await house.book.cut(most: 10) == 1)
            #expect(try await house.faults().isEmpty)
        }
    }
}

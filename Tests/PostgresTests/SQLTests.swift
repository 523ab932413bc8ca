import Foundation
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("SQL with values", .timeLimit(.minutes(10)))
struct SQLTests {
    private static let injections = [
        "'; DROP TABLE kept; --", "\\'; DROP TABLE kept; --", "$1", "$$; DROP TABLE kept; $$", "\"; --", "/* x */",
        "1 OR 1=1", "%s %d {} \\0 \\x00", "naïve 日本 🐟 e\u{301}", "", " ", "line\r\nbreak\ttab", "NULL", "DEFAULT",
    ]

    @Test("binds what looks like SQL as a value, and gives it back byte for byte")
    func binds() async throws {
        try await TestDatabase.use { database in
            try await database.script("CREATE TABLE kept (id int, word text)")
            let connection = try await database.connect()
            for (id, text) in Self.injections.enumerated() {
                try await connection.query("INSERT INTO kept VALUES (\(id), \(text))")
            }
            let found = try await connection.query("SELECT word FROM kept ORDER BY id").map { try $0.string("word") }
            #expect(found.map { Array($0.utf8) } == Self.injections.map { Array($0.utf8) })
            await connection.close()
        }
    }

    @Test("a role's password is set by its verifier, in which the password is not")
    func verifier() async throws {
        try await TestDatabase.use { database in
            let connection = try await database.connect()
            let role = "verified_\(UUID().uuidString.lowercased().prefix(8))"
            let verifier = try await connection.verifier(of: Secret("swordfish' ü"), for: role).reveal()
            #expect(
                verifier.wholeMatch(of: /SCRAM-SHA-256\$4096:[A-Za-z0-9+\/=]+\$[A-Za-z0-9+\/=]+:[A-Za-z0-9+\/=]+/)
                    != nil)
            #expect(!verifier.contains("swordfish"))
            try await connection.transaction(organization: nil) {
                try await connection.script("CREATE ROLE \(role) LOGIN PASSWORD '\(verifier)'")
                // PostgreSQL keeps it as it is, and so knows it for a verifier.
                let kept = try await connection.query(
                    "SELECT rolpassword FROM pg_authid WHERE rolname = \(String(role))")
                #expect(try kept.first?.string("rolpassword") == verifier)
                try await connection.script("DROP ROLE \(role)")
            }
            await connection.close()
        }
    }

    @Test("tells NULL from empty text")
    func nulls() async throws {
        try await TestDatabase.use { database in
            let row = try #require(
                try await database.query(
                    "SELECT \(nil as String?)::text AS none, \(nil as Int?)::int AS no, \("")::text AS empty"
                )
                .first)
            #expect(try row.optional("none") == nil)
            #expect(try row.optionalInt("no") == nil)
            #expect(try row.optional("empty") == "")
            #expect(throws: PGError.self) { try row.string("none") }
            #expect(throws: PGError.self) { try row.int("empty") }
            #expect(throws: PGError.self) { try row.optional("missing") }
        }
    }

    @Test("refuses text with a NUL rather than cutting it off")
    func refusesNUL() async throws {
        try await TestDatabase.use { database in
            await #expect(throws: PGError.self) { try await database.query("SELECT \("a\0b")::text AS t") }
            await #expect(throws: PGError.self) { try await database.query(SQL(unsafe: "SELECT 1 \0 AS t")) }
        }
    }

    @Test("carries values of every kind there and back")
    func kinds() async throws {
        let uuid = UUID()
        let moment = Date(timeIntervalSince1970: -0.5)
        let bytes = Data((0...255).map { UInt8($0) })
        try await TestDatabase.use { database in
            let row = try #require(
                try await database.query(
                    """
                    SELECT \(Int.min)::bigint AS smallest, \(0.1)::float8 AS tenth,
                      \(Double.infinity)::float8 AS endless,
                      \(true)::bool AS yes, \(uuid)::uuid AS uuid,
                      \(moment)::timestamptz = '1969-12-31 23:59:59.5Z' AS same,
                      \(bytes)::bytea = (SELECT string_agg(set_byte('\\x00', 0, n), '' ORDER BY n)
                        FROM generate_series(0, 255) n) AS all_bytes,
                      \(try JSONValue(["a": [1, 2]]))::jsonb AS json
                    """
                ).first)
            #expect(try row.int("smallest") == Int64.min)
            #expect(try row.double("tenth") == 0.1)
            #expect(try row.double("endless") == .infinity)
            #expect(try row.bool("yes"))
            #expect(try row.id("uuid", RunTag.self) == RunID(uuid))
            #expect(try row.bool("same"))
            #expect(try row.bool("all_bytes"))
            #expect(try row.json("json", as: [String: [Int]].self) == ["a": [1, 2]])
        }
    }

    @Test("carries lists, with NULL in them")
    func lists() async throws {
        try await TestDatabase.use { database in
            let words: [String?] = ["a\"b", "\\", "", nil, "NULL", "{,}", "🐟"]
            let rows = try await database.query(
                "SELECT w FROM unnest(\(PGArray.text(words))::text[]) WITH ORDINALITY t(w, n) ORDER BY n")
            #expect(try rows.map { try $0.optional("w") } == words)
        }
    }

    @Test("numbers the values of pieces that are put together")
    func pieces() async throws {
        try await TestDatabase.use { database in
            let condition: SQL = "n > \(2) AND n < \(5)"
            let sql: SQL = "SELECT sum(n) AS sum FROM generate_series(\(1)::int, \(9)::int) AS t(n) WHERE \(condition)"
            let row = try await database.query(sql + " AND n <> \(4)").first
            #expect(try row?.int("sum") == 3)
        }
    }

    @Test("quotes identifiers whatever they hold")
    func identifiers() async throws {
        try await TestDatabase.use { database in
            for name in ["Mixed", "select", "a\"b", "\"; DROP TABLE x; --", "日本", "a b.c", "\"\u{301}"] {
                let table = SQL.identifier(name)
                try await database.query("CREATE TABLE \(table) (\(table) int)")
                try await database.query("INSERT INTO \(table) (\(table)) VALUES (\(7))")
                let row = try await database.query("SELECT \(table) FROM \(table)").first
                #expect(try row?.int(name) == 7)
            }
        }
    }
}

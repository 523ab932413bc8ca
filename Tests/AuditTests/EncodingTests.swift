import Access
import Crypto
import Foundation
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("The encoding of a line", .timeLimit(.minutes(10)))
struct EncodingTests {
    private static let texts = ["who", "target_kind", "target", "problem", "address", "user_agent", "correlation"]

    /// Texts that try to be other fields, and such as differ in nothing that can be seen.
    private static let hostile: [String?] = [
        nil, "-", "=", "=0:", "a", "a\n", "\na", "1:a", "a\ntarget=1:b", "a\ntarget-\n", "é", "e\u{301}", "日本", "👩‍👩‍👧",
        "null", "NULL", " a", "a ", "A", "\u{200B}a", "=1:a\nproblem-",
    ]

    @Test("is another one for every other set of fields, whatever they hold")
    func injective() async throws {
        try await AuditHouse.use { house in
            let connection = try await house.database.connect()
            var generator = SeededGenerator(seed: 2026)
            var seen: [String: [String?]] = [:]
            for _ in 0..<3000 {
                let values = Self.texts.map { _ in Self.hostile.randomElement(using: &generator) ?? nil }
                let encoded = try await connection.query(
                    """
                    SELECT encode(convert_to(weir.audit_encoding(ROW(\(house.organization)::uuid, 1::bigint,
                      '2026-11-25T00:00:00Z'::timestamptz, NULL::uuid, \(values[0])::text, 'person'::text, NULL::uuid,
                      'a.b'::text, \(values[1])::text, \(values[2])::text, 'done'::text, \(values[3])::text, NULL::jsonb,
                      NULL::jsonb, \(values[4])::text, \(values[5])::text, \(values[6])::text, '\\x00'::bytea,
                      '\\x00'::bytea)::weir.audit_lines), 'UTF8'), 'hex') AS text
                    """
                ).first?.string("text")
                let text = try #require(encoded)
                // Swift calls é and e with an accent the same: compare bytes.
                let bytes = values.map { $0.map { Data($0.utf8).base64EncodedString() } }
                #expect(seen[text] == nil || seen[text] == bytes)
                seen[text] = bytes
            }
            #expect(seen.count > 2900)
            await connection.close()
        }
    }

    @Test("is what docs/audit.md says: written again from there it gives the stored hash")
    func independent() async throws {
        try await AuditHouse.use { house in
            try await house.write(6)
            let rows = try await house.database.query(
                """
                SELECT *, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at_text,
                  encode(previous_hash, 'hex') AS previous_text, encode(hash, 'hex') AS hash_text
                FROM weir.audit_lines ORDER BY sequence
                """)
            for row in rows {
                var text = "weir audit 1\n"
                for (label, column) in [
                    ("organization", "organization_id"), ("sequence", "sequence"), ("at", "at_text"),
                    ("who_id", "who_id"), ("who", "who"), ("who_kind", "who_kind"), ("credential", "credential_id"),
                    ("action", "action"), ("target_kind", "target_kind"), ("target", "target"), ("outcome", "outcome"),
                    ("problem", "problem"), ("before", "before"), ("after", "after"), ("address", "address"),
                    ("user_agent", "user_agent"), ("correlation", "correlation"), ("previous", "previous_text"),
                ] {
                    let value = try row.optional(column)
                    text += label + (value.map { "=\($0.utf8.count):\($0)" } ?? "-") + "\n"
                }
                let hash = SHA256.hash(data: Data(text.utf8)).map {
                    String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
                }.joined()
                let stored = try row.string("hash_text")
                #expect(hash == stored)
            }
            #expect(rows.count == 6)
        }
    }
}

/// SplitMix64: the same numbers in each run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Settings in the audit")
struct DetailTests {
    private func text(_ json: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(try AuditDetail(json: Data(json.utf8))), as: UTF8.self)
    }

    @Test(
        "hold no secret, whatever it is called and however deep it lies",
        arguments: [
            "password", "db_password", "secret_access_key", "access_key_id", "session_token", "token", "api_key",
            "signing_secret", "credentials", "Authorization", "client_secret", "master_key", "private_key",
            "set_cookie",
        ])
    func names(name: String) throws {
        for value in [#""planted""#, #"["planted"]"#, #"{"a": "planted"}"#] {
            let found = try text(#"{"a": [{"\#(name)": \#(value)}], "b": 1}"#)
            #expect(!found.contains("planted"))
            #expect(found.contains("•••"))
        }
    }

    @Test("keep what is no secret", arguments: ["key", "tables", "minutes", "because", "source", "code"])
    func others(name: String) throws {
        #expect(try text(#"{"\#(name)": "kept"}"#).contains("kept"))
    }

    @Test(
        "hide passwords in addresses, of several in one text",
        arguments: [
            "postgresql://u:planted@h/d", "see https://a:planted@b/c and redis://:planted@h", "X+y://u:planted:x@h",
        ])
    func addresses(address: String) throws {
        #expect(!(try text(#"{"note": "\#(address)"}"#).contains("planted")))
    }

    @Test("of more than some kilobytes are told by size and hash")
    func long() throws {
        let found = try text(#"{"note": "\#(String(repeating: "planted", count: 6000))"}"#)
        #expect(!found.contains("planted") && found.contains("too_long_bytes") && found.contains("sha256"))
    }
}

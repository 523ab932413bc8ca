import Foundation
import Kernel
import Postgres
import Roles
import TestHouse
import Testing

@testable import Access

@Suite("Tokens", .timeLimit(.minutes(10)))
struct TokenTests {
    @Test("have a checksum that every typo breaks, and the documented form")
    func checksum() throws {
        for _ in 0..<200 {
            let token = TokenText.make().reveal()
            #expect(token.wholeMatch(of: /weir_token_[0-9A-Za-z]{49}/) != nil)
            #expect(TokenText.isPlausible(token))
            var letters = Array(token)
            let place = Int.random(in: TokenText.prefix.count..<letters.count)
            letters[place] = letters[place] == "a" ? "b" : "a"
            #expect(!TokenText.isPlausible(String(letters)))
            #expect(!TokenText.isPlausible(String(token.dropLast())))
        }
        // The check value of CRC-32 (ISO 3309): the catalogue of parametrised CRC algorithms.
        #expect(TokenText.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    }

    @Test("of the earlier form, and an operator's own text, stay plausible")
    func earlier() {
        #expect(TokenText.isPlausible("weir_token_" + Gate.randomText()))
        #expect(TokenText.isPlausible("local-admin"))
        #expect(throws: Problem.self) { try TokenText.check("weir_token_abc") }
    }

    private func use(_ work: (MetadataDatabase, Gate, TokenBook, Principal) async throws -> Void) async throws {
        try await MetadataDatabase.use { metadata in
            let gate = Gate(pool: metadata.application, time: .system)
            let admin = try await gate.ensureOrganization(slug: "acme", principal: "admin")
            try await work(metadata, gate, TokenBook(pool: metadata.application, time: .system), admin)
        }
    }

    @Test("are narrowed to their scopes, and shrink with their owner's roles")
    func scopes() async throws {
        try await use { metadata, gate, book, admin in
            let made = try await book.issue(
                to: admin.id, of: admin.organization,
                on: Gate.Terms(lifetime: .seconds(60), name: "x", scopes: ["read"]), from: "192.0.2.7")
            #expect(made.entry.prefix == String(made.secret.reveal().prefix(15)))
            #expect(made.entry.scopes == ["read"])
            var holder = try #require(try await gate.redeem(made.secret.reveal(), as: .token, from: "192.0.2.8"))
            #expect(holder.rights.may(.auditRead) && !holder.rights.may(.runsManage))
            let seen = try await book.find(made.entry.id, of: admin.organization)
            #expect(seen.lastUsedFrom == "192.0.2.8" && seen.lastUsedAt != nil)
            // Somebody else owns the organization, so that this one may step down.
            let other = try await gate.ensureOrganization(slug: "acme", principal: "second")
            try await metadata.database.query(
                "INSERT INTO weir.grants (organization_id, principal_id, role) VALUES (\(admin.organization), \(other.id), 'owner') ON CONFLICT DO NOTHING"
            )
            try await metadata.database.query(
                "UPDATE weir.grants SET role = 'viewer' WHERE principal_id = \(admin.id)")
            holder = try #require(try await gate.redeem(made.secret.reveal(), as: .token))
            #expect(!holder.rights.may(.auditRead) && holder.rights.may(.runsRead))
        }
    }

    @Test("that are rotated go on for the grace time, and with none end at once")
    func rotation() async throws {
        try await use { metadata, gate, book, admin in
            let terms = Gate.Terms(lifetime: .seconds(90 * 86_400), name: "x", scopes: ["read"])
            let old = try await book.issue(to: admin.id, of: admin.organization, on: terms, from: nil)
            let new = try await book.rotate(
                old.entry.id, of: admin.organization, grace: .seconds(3600), lifetime: .seconds(86_400), by: admin.id,
                from: nil)
            #expect(new.entry.scopes == ["read"] && new.entry.name == "x")
            #expect(try await gate.redeem(old.secret.reveal(), as: .token) != nil)
            #expect(try await gate.redeem(new.secret.reveal(), as: .token) != nil)
            let left = try await book.find(old.entry.id, of: admin.organization).expiresAt
            #expect(abs(try #require(left).timeIntervalSinceNow - 3600) < 60)
            try await metadata.database.query(
                "UPDATE weir.credentials SET expires_at = now() WHERE credential_id = \(old.entry.id)")
            #expect(try await gate.redeem(old.secret.reveal(), as: .token) == nil)
            _ = try await book.rotate(
                new.entry.id, of: admin.organization, grace: .zero, lifetime: nil, by: admin.id, from: nil)
            #expect(try await gate.redeem(new.secret.reveal(), as: .token) == nil)
        }
    }

    @Test("of another organization are not there")
    func foreign() async throws {
        try await use { _, gate, book, admin in
            let stranger = try await gate.ensureOrganization(slug: "other", principal: "admin")
            let made = try await book.issue(
                to: admin.id, of: admin.organization, on: Gate.Terms(lifetime: nil), from: nil)
            await #expect(throws: Problem.self) { try await book.revoke(made.entry.id, of: stranger.organization) }
            #expect(try await book.all(of: stranger.organization).isEmpty)
            try await book.revoke(made.entry.id, of: admin.organization)
            #expect(try await gate.redeem(made.secret.reveal(), as: .token) == nil)
        }
    }

    @Test("of a service are worth nothing when it is removed, and its name is free")
    func services() async throws {
        try await use { metadata, gate, book, admin in
            let services = ServiceBook(pool: metadata.application, time: .system)
            let etl = try await services.add(
                "etl", grants: [Grant(.engineer, in: "dev")], to: admin.organization, by: admin.id)
            await #expect(throws: Problem.self) {
                try await services.add("etl", grants: [Grant(.viewer)], to: admin.organization, by: admin.id)
            }
            let made = try await book.issue(
                to: etl.id, of: admin.organization, on: Gate.Terms(lifetime: nil), from: nil)
            let holder = try #require(try await gate.redeem(made.secret.reveal(), as: .token))
            #expect(holder.kind == .service && holder.rights.may(.runsManage, in: "dev"))
            #expect(!holder.rights.may(.runsManage, in: "prod"))
            #expect(try await services.find("etl", of: admin.organization).tokens == 1)
            try await services.remove("etl", of: admin.organization)
            #expect(try await gate.redeem(made.secret.reveal(), as: .token) == nil)
            _ = try await services.add("etl", grants: [Grant(.viewer)], to: admin.organization, by: admin.id)
        }
    }
}

import Access
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Credentials", .timeLimit(.minutes(10)))
struct CredentialTests {
    private func use(_ work: (MetadataDatabase, Gate, Principal) async throws -> Void) async throws {
        try await MetadataDatabase.use { metadata in
            let gate = Gate(pool: metadata.application, time: .system)
            try await work(metadata, gate, try await gate.ensureOrganization(slug: "acme", principal: "admin"))
        }
    }

    @Test("of every kind name their holder, to that kind only", arguments: ["token", "code", "session"])
    func redeem(kind: String) async throws {
        let kind = try #require(Gate.CredentialKind(rawValue: kind))
        try await use { _, gate, admin in
            let secret = try await gate.issue(kind, to: admin.id, of: admin.organization).secret
            for other in [Gate.CredentialKind.token, .code, .session] where other != kind {
                #expect(try await gate.redeem(secret.reveal(), as: other) == nil)
            }
            #expect(try await gate.redeem(secret.reveal(), as: kind)?.id == admin.id)
        }
    }

    @Test("that nobody issued open nothing", arguments: ["", "weir_token_", "' OR true --", "\\x00", "weir_token_%"])
    func unknown(secret: String) async throws {
        try await use { _, gate, admin in
            _ = try await gate.issue(.token, to: admin.id, of: admin.organization)
            #expect(try await gate.redeem(secret, as: .token) == nil)
        }
    }

    @Test("are asked for together, each for itself and its kind alone")
    func together() async throws {
        try await use { _, gate, admin in
            let other = try await gate.ensureOrganization(slug: "other", principal: "admin")
            func made(_ kind: Gate.CredentialKind, _ who: Principal) async throws -> String {
                try await gate.issue(kind, to: who.id, of: who.organization).secret.reveal()
            }
            let (token, session) = (try await made(.token, admin), try await made(.session, other))
            func claim(_ secret: String, _ kind: Gate.CredentialKind) -> Gate.Claim {
                Gate.Claim(hash: gate.hash(secret), kind: kind, from: "192.0.2.1")
            }
            let claims = [
                claim(session, .token), claim(token, .token), claim("nobody's", .token), claim(session, .session),
                claim(token, .session), claim(token, .token),
            ]
            let found = try await gate.holders(of: claims)
            #expect(found.map(\.?.principal.slug) == [nil, "acme", nil, "other", nil, "acme"])
            // The local admins of both organizations are one.
            #expect(found.compactMap(\.?.belongsElsewhere) == [true, true, true])
            #expect(try await gate.holders(of: []).isEmpty)
        }
    }

    @Test("are noted as used by many servers at once, in any order, without one waiting for another")
    func notedAtOnce() async throws {
        try await use { metadata, gate, admin in
            var claims: [Gate.Claim] = []
            for _ in 0..<40 {
                let secret = try await gate.issue(.session, to: admin.id, of: admin.organization).secret.reveal()
                claims.append(Gate.Claim(hash: gate.hash(secret), kind: .session, from: nil))
            }
            for _ in 0..<5 {
                try await metadata.database.query(
                    "UPDATE weir.credentials SET last_used_at = now() - interval '1 hour'")
                let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<8 {
                        let order = claims.shuffled()
                        group.addTask { try await gate.holders(of: order).count { $0 != nil } }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(counts == Array(repeating: 40, count: 8))
                let noted = try await metadata.database.number(
                    "SELECT count(*) FROM weir.credentials WHERE last_used_at > now() - interval '1 minute'")
                #expect(noted == 40)
            }
        }
    }

    @Test("of one-time sign-in are used up by one of many who try at once")
    func onceOnly() async throws {
        try await use { _, gate, admin in
            let code = try await gate.issue(.code, to: admin.id, of: admin.organization).secret.reveal()
            let holders = try await withThrowingTaskGroup(of: Principal?.self) { group in
                for _ in 0..<8 { group.addTask { try await gate.redeem(code, as: .code) } }
                return try await group.reduce(into: [Principal]()) { if let holder = $1 { $0.append(holder) } }
            }
            #expect(holders.map(\.id) == [admin.id])
            #expect(try await gate.redeem(code, as: .code) == nil)
        }
    }

    @Test("of a session end when it is signed out, which only its own organization can do")
    func revoked() async throws {
        try await use { _, gate, admin in
            let stranger = try await gate.ensureOrganization(slug: "other", principal: "admin")
            let session = try await gate.issue(.session, to: admin.id, of: admin.organization).secret.reveal()
            let token = try await gate.issue(.token, to: admin.id, of: admin.organization).secret.reveal()
            try await gate.revoke(session: session, of: stranger.organization)
            #expect(try await gate.redeem(session, as: .session)?.id == admin.id)
            try await gate.revoke(session: session, of: admin.organization)
            try await gate.revoke(session: token, of: admin.organization)
            #expect(try await gate.redeem(session, as: .session) == nil)
            #expect(try await gate.redeem(token, as: .token)?.id == admin.id)
        }
    }

    @Test("run out, but for tokens, and are removed some time after")
    func expiry() async throws {
        try await use { metadata, gate, admin in
            let code = try await gate.issue(.code, to: admin.id, of: admin.organization).secret.reveal()
            let session = try await gate.issue(.session, to: admin.id, of: admin.organization).secret.reveal()
            let token = try await gate.issue(.token, to: admin.id, of: admin.organization).secret.reveal()
            let hours = try await metadata.database.query(
                """
                SELECT kind, round(extract(epoch FROM expires_at - now()) / 60) AS minutes
                FROM weir.credentials ORDER BY kind
                """
            )
            #expect(try hours.map { try $0.optionalInt("minutes") } == [15, 720, nil])
            try await metadata.database.query(
                "UPDATE weir.credentials SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL")
            #expect(try await gate.redeem(code, as: .code) == nil)
            #expect(try await gate.redeem(session, as: .session) == nil)
            #expect(try await gate.redeem(token, as: .token)?.id == admin.id)
            try await metadata.database.query(
                "UPDATE weir.credentials SET last_used_at = NULL, expires_at = expires_at - interval '2 days'")
            _ = try await gate.redeem(token, as: .token)
            #expect(try await metadata.database.number("SELECT count(*) FROM weir.credentials") == 1)
        }
    }

    @Test("are stored as hashes, and a known one is not registered twice")
    func stored() async throws {
        try await use { metadata, gate, admin in
            for _ in 0..<2 {
                try await gate.register(Secret("local-admin"), as: .token, of: admin.id, in: admin.organization)
            }
            #expect(try await gate.redeem("local-admin", as: .token)?.id == admin.id)
            let rows = try await metadata.database.query(
                """
                SELECT octet_length(hash) AS bytes, position('local-admin'::bytea in hash) AS found
                FROM weir.credentials
                """
            )
            #expect(rows.count == 1)
            #expect(try rows.map { try $0.int("bytes") } == [32])
            #expect(try rows.map { try $0.int("found") } == [0])
        }
    }

    @Test("are long and never the same")
    func random() {
        let texts = (0..<100).map { _ in Gate.randomText() }
        #expect(Set(texts).count == 100)
        #expect(texts.allSatisfy { $0.count == 43 && !$0.contains("=") && !$0.contains("/") && !$0.contains("+") })
    }

    @Test("belong to one organization of a slug, however many make it at once")
    func organizations() async throws {
        try await use { metadata, gate, admin in
            let made = try await withThrowingTaskGroup(of: Principal.self) { group in
                for slug in ["acme", "new", "acme", "new", "new", "new"] {
                    group.addTask { try await gate.ensureOrganization(slug: slug, principal: "admin") }
                }
                return try await group.reduce(into: Set<Principal>()) { $0.insert($1) }
            }
            #expect(made.count == 2)
            #expect(made.contains(admin))
            #expect(try await metadata.database.number("SELECT count(*) FROM weir.organizations") == 2)
        }
    }
}

import Kernel
import Postgres
import TestHouse
import Testing

@testable import Access

@Suite("Accounts", .timeLimit(.minutes(10)))
struct AccountTests {
    private struct Scene {
        let metadata: MetadataDatabase
        let gate: Gate
        let book: AccountBook
        let admin: Principal
        /// A person in the organization.
        let ana: PrincipalID
    }

    private func use(role: String = "engineer", _ work: (Scene) async throws -> Void) async throws {
        try await MetadataDatabase.use { metadata in
            let gate = Gate(pool: metadata.application, time: .system)
            let admin = try await gate.ensureOrganization(slug: "acme", principal: "admin")
            let ana = TimeSource.system.makeID(PrincipalTag.self)
            let person = TimeSource.system.makeID(PersonTag.self)
            try await metadata.database.query(
                "INSERT INTO weir.people (person_id, email, name) VALUES (\(person), 'ana@acme.example', 'Ana')")
            try await metadata.database.query(
                """
                INSERT INTO weir.principals (principal_id, organization_id, name, kind, person_id, email, display)
                VALUES (\(ana), \(admin.organization), 'ana@acme.example', 'person', \(person), 'ana@acme.example', 'Ana')
                """)
            try await metadata.database.query(
                "INSERT INTO weir.grants (organization_id, principal_id, role) VALUES (\(admin.organization), \(ana), \(role))"
            )
            try await work(
                Scene(
                    metadata: metadata, gate: gate, book: AccountBook(pool: metadata.application), admin: admin,
                    ana: ana))
        }
    }

    @Test("have sessions, of which one, or all but one, can be ended")
    func sessions() async throws {
        try await use { scene in
            let organization = scene.admin.organization
            var made: [(secret: Secret<String>, id: CredentialID)] = []
            for _ in 0..<3 {
                made.append(try await scene.gate.issue(.session, to: scene.ana, of: organization))
            }
            #expect(try await scene.book.sessions(of: scene.ana, in: organization).count == 3)
            #expect(try await scene.book.endSessions(of: scene.admin.id, in: organization, only: made[0].id) == 0)
            #expect(try await scene.book.endSessions(of: scene.ana, in: organization, only: made[0].id) == 1)
            #expect(try await scene.gate.redeem(made[0].secret.reveal(), as: .session) == nil)
            #expect(try await scene.book.endSessions(of: scene.ana, in: organization, except: made[1].id) == 1)
            #expect(try await scene.gate.redeem(made[1].secret.reveal(), as: .session)?.id == scene.ana)
        }
    }

    @Test("agree to a version of a document once, and to the next one anew")
    func consent() async throws {
        try await use { scene in
            let organization = scene.admin.organization
            for _ in 0..<2 {
                try await scene.book.agree(
                    scene.ana, of: organization, to: "https://a.example", version: "1", browser: "x", from: "192.0.2.7")
            }
            #expect(
                try await scene.book.hasAgreed(scene.ana, of: organization, to: "https://a.example", version: "1"))
            #expect(
                try await !scene.book.hasAgreed(scene.ana, of: organization, to: "https://a.example", version: "2"))
            #expect(try await scene.metadata.database.number("SELECT count(*) FROM weir.consents") == 1)
        }
    }

    @Test("are exported with all that is known, without secrets, and to no other organization")
    func export() async throws {
        try await use { scene in
            let token = try await TokenBook(pool: scene.metadata.application, time: .system).issue(
                to: scene.ana, of: scene.admin.organization, on: Gate.Terms(lifetime: nil, name: "export me"),
                from: nil)
            let text = try #require(try await scene.book.export(scene.ana, of: scene.admin.organization))
            for word in ["ana@acme.example", "Ana", "acme", "engineer", "export me", "memberships", "consents"] {
                #expect(text.contains(word))
            }
            #expect(!text.contains(token.secret.reveal()))
            let stranger = try await scene.gate.ensureOrganization(slug: "other", principal: "admin")
            #expect(try await scene.book.export(scene.ana, of: stranger.organization) == nil)
        }
    }

    @Test("that are erased leave no address behind, and keep the ids of what they did")
    func erase() async throws {
        try await use { scene in
            let organization = scene.admin.organization
            let token = try await scene.gate.issue(.token, to: scene.ana, of: organization).secret
            let database = scene.metadata.database
            for (target, of) in [("ana@acme.example", scene.ana), ("joana@acme.example", scene.ana)] {
                try await database.query(
                    """
                    INSERT INTO weir.subscriptions (subscription_id, organization_id, principal_id, channel, target, events)
                    VALUES (gen_random_uuid(), \(organization), \(of), 'email', \(target), '{failure}')
                    """)
            }
            try await database.query(
                """
                INSERT INTO weir.notices (notice_id, organization_id, key, event, title, body) VALUES
                  (gen_random_uuid(), \(organization), 'k', 'test', 'A test by ANA@acme.example.', '{"by": "ana@acme.example", "to": "joana@acme.example"}')
                """)
            try await scene.book.erase(scene.ana, of: organization)
            #expect(try await scene.gate.redeem(token.reveal(), as: .token) == nil)
            let row = try #require(
                try await database.query("SELECT * FROM weir.principals WHERE principal_id = \(scene.ana)").first)
            #expect(try row.string("name").hasPrefix("erased person "))
            #expect(try row.string("state") == "deactivated")
            let notice = try #require(try await database.query("SELECT title, body FROM weir.notices").first)
            #expect(try notice.string("title") == "A test by erased person.")
            #expect(try notice.string("body").contains("joana@acme.example"))
            #expect(try !notice.string("body").contains("\"ana@"))
            #expect(try await database.number("SELECT count(*) FROM weir.subscriptions") == 0)
            #expect(try await database.number("SELECT count(*) FROM weir.people") == 0)
        }
    }

    @Test("of the only owner stay, and nothing of them is changed")
    func lastOwner() async throws {
        try await use(role: "owner") { scene in
            try await scene.metadata.database.query(
                "DELETE FROM weir.grants WHERE principal_id = \(scene.admin.id)")
            let problem = await #expect(throws: Problem.self) {
                try await scene.book.erase(scene.ana, of: scene.admin.organization)
            }
            #expect(problem?.code == .conflict && problem?.detail == "You are the only owner of acme.")
            #expect(try await scene.metadata.database.number("SELECT count(*) FROM weir.people") == 1)
        }
    }

    @Test("are erased from every table of tenants but the audit: none lacks the right")
    func reach() async throws {
        try await use { scene in
            let lacking = try await scene.metadata.database.query(
                """
                SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'audit%'
                  AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype) AND NOT a.attisdropped
                  AND EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = c.oid AND o.attname = 'organization_id')
                  AND NOT (has_column_privilege('weir_dispatch', c.oid, a.attnum, 'UPDATE')
                    AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid
                      AND 'weir_dispatch'::regrole = ANY (p.polroles) AND p.polcmd = '*'))
                """
            ).map { try $0.string("relname") }
            #expect(lacking == [])
        }
    }
}

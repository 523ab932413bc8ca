import Access
import Foundation
import Kernel
import Postgres
import Roles
import TestHouse
import Testing

/// Two organizations of one house, and books of them.
struct People {
    let metadata: MetadataDatabase
    let gate: Gate
    let organizations: OrganizationBook
    let members: MemberBook
    let admin: Principal

    static func use(_ work: (People) async throws -> Void) async throws {
        try await MetadataDatabase.use { metadata in
            let gate = Gate(pool: metadata.application, time: .system)
            try await work(
                People(
                    metadata: metadata, gate: gate,
                    organizations: OrganizationBook(pool: metadata.application, time: .system),
                    members: MemberBook(pool: metadata.application, time: .system),
                    admin: try await gate.ensureOrganization(slug: "acme", principal: "admin")))
        }
    }

    /// Somebody who was invited and has joined.
    func join(_ email: String, as grant: Grant, in place: Principal? = nil) async throws -> Principal {
        let home = place ?? admin
        let member = try await members.invite(email, as: grant, by: home.id, of: home.organization)
        let link = try await link(for: member.id, in: home)
        let joined = try #require(try await members.accept(gate.hash(link), display: nil, guest: nil))
        return try await session(of: joined.principal, in: joined.organization)
    }

    func link(for member: PrincipalID, in home: Principal) async throws -> String {
        try await gate.issue(
            .code, to: member, of: home.organization,
            on: Gate.Terms(
                lifetime: MemberBook.invitationLifetime, name: MemberBook.invitation, createdBy: home.id)
        ).secret.reveal()
    }

    /// Who a new session of a principal says that it is.
    func session(of principal: PrincipalID, in organization: OrganizationID) async throws -> Principal {
        let secret = try await gate.issue(.session, to: principal, of: organization).secret.reveal()
        return try #require(try await gate.redeem(secret, as: .session))
    }

    func found(_ slug: String, by founder: Principal) async throws -> Principal {
        let made = try await organizations.found(
            slug: slug, name: slug, keeping: .init(runs: 90, logs: 9, data: 7), by: founder.id,
            of: founder.organization)
        let all = try await organizations.belongings(of: founder.id, in: founder.organization)
        return try #require(all.first { $0.principal.organization == made }?.principal)
    }
}

@Suite("Organizations", .timeLimit(.minutes(10)))
struct OrganizationTests {
    @Test("are founded with three environments and their founder as owner, once for each slug")
    func founded() async throws {
        try await People.use { house in
            let owner = try await house.found("globex", by: house.admin)
            #expect(owner.rights.grants == [Grant(.owner)])
            #expect(owner.kind == .local)
            let made = try await house.organizations.read(owner.organization)
            #expect(made.environments.map(\.name) == ["dev", "stage", "prod"])
            #expect(made.environments.allSatisfy { $0.retention == .init(runs: 90, logs: 9, data: 7) })
            #expect(made.environments.allSatisfy { $0.settledAt == nil })
            let problem = await #expect(throws: Problem.self) {
                try await house.found("globex", by: house.admin)
            }
            #expect(problem?.code == .conflict)
            #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.organizations") == 2)
        }
    }

    @Test("are their founder's by who that is, and nobody else's of the same name")
    func belonging() async throws {
        try await People.use { house in
            let ana = try await house.join("ana@acme.example", as: Grant(.viewer))
            let globex = try await house.found("globex", by: ana)
            #expect(globex.person != nil)
            let seen = try await house.organizations.belongings(of: globex.id, in: globex.organization)
            #expect(seen.map(\.principal.slug) == ["acme", "globex"])
            #expect(seen.map(\.principal.rights.grants) == [[Grant(.viewer)], [Grant(.owner)]])
            // The address of an invitation proves nothing: whoever sends it has the link too.
            let evil = try await house.found("evil", by: house.admin)
            let impostor = try await house.join("ana@acme.example", as: Grant(.viewer), in: evil)
            let reached = try await house.organizations.belongings(of: impostor.id, in: impostor.organization)
            #expect(reached.map(\.principal.slug) == ["evil"])
            // Nor can anybody ask for a principal of another organization.
            #expect(try await house.organizations.belongings(of: ana.id, in: evil.organization).isEmpty)
        }
    }

    @Test("of a service are not founded")
    func services() async throws {
        try await People.use { house in
            let robot = TimeSource.system.makeID(PrincipalTag.self)
            try await house.metadata.database.query(
                """
                INSERT INTO weir.principals (principal_id, organization_id, name, kind)
                VALUES (\(robot), \(house.admin.organization), 'robot', 'service')
                """)
            await #expect(throws: PGError.self) {
                _ = try await house.organizations.found(
                    slug: "theirs", name: "theirs", keeping: .init(runs: 1, logs: 1, data: 1), by: robot,
                    of: house.admin.organization)
            }
            #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.organizations") == 1)
        }
    }

    @Test(
        "that are closed hold their jobs back, whoever resumes the key or opens a window on it, and let them go again")
    func held() async throws {
        try await People.use { house in
            let id = house.admin.organization
            let key = "organization/\(id)"
            func pause() async throws -> String? {
                try await house.metadata.database.query("SELECT paused_because FROM weir.limits WHERE key = \(key)")
                    .first?
                    .optional("paused_because")
            }
            try await house.organizations.suspend(id, because: "the invoice is open")
            #expect(try await pause() == "the organization is suspended: the invoice is open")
            for attempt: SQL in [
                "UPDATE weir.limits SET paused_until = NULL, paused_because = NULL WHERE key = \(key)",
                """
                INSERT INTO weir.limits (key, organization_id, paused_until, paused_because)
                VALUES (\(key), \(id), now() + interval '1 s', 'a window') ON CONFLICT (key)
                DO UPDATE SET paused_until = excluded.paused_until, paused_because = excluded.paused_because
                """,
            ] {
                try await house.metadata.application.transaction(organization: id) { _ = try await $0.query(attempt) }
                #expect(try await pause() == "the organization is suspended: the invoice is open")
            }
            try await house.organizations.delete(id)
            #expect(try await pause() == "the organization is being deleted")
            try await house.organizations.restore(id)
            #expect(try await pause() == nil)
            let open = try await house.metadata.database.number(
                "SELECT count(*) FROM weir.limits WHERE paused_until IS NOT NULL")
            #expect(open == 0)
        }
    }

    @Test("change their state in one way only")
    func states() async throws {
        try await People.use { house in
            let id = house.admin.organization
            func refused(_ work: () async throws -> Void) async {
                let problem = await #expect(throws: Problem.self) { try await work() }
                #expect(problem?.code == .conflict)
            }
            await refused { try await house.organizations.resume(id) }
            await refused { try await house.organizations.restore(id) }
            try await house.organizations.suspend(id, because: "x")
            await refused { try await house.organizations.suspend(id, because: "x") }
            let secret = try await house.gate.issue(.token, to: house.admin.id, of: id).secret.reveal()
            #expect(try await house.gate.redeem(secret, as: .token)?.closed == .suspended(because: "x"))
            try await house.organizations.delete(id)
            await refused { try await house.organizations.delete(id) }
            await refused { try await house.organizations.resume(id) }
            let left = try #require(try await house.organizations.read(id).deleteAfter).timeIntervalSinceNow
            #expect((29.9...30.1).contains(left / 86_400))
            #expect(
                try await house.metadata.application.withConnection {
                    try await $0.query("SELECT * FROM weir.organizations_to_remove()")
                }.isEmpty)
        }
    }

    @Test("fire no schedule while they are closed")
    func schedules() async throws {
        try await People.use { house in
            let id = house.admin.organization
            try await house.metadata.database.query(
                """
                INSERT INTO weir.schedules (schedule_id, organization_id, name, environment, source, trigger, anchor, next_at,
                  look_at, created_by)
                VALUES (gen_random_uuid(), \(id), 'nightly', 'dev', 'shop', '{}', now(), now(), now() - interval '1 hour', 'x')
                """)
            func due() async throws -> Int {
                try await house.metadata.application.withConnection {
                    try await $0.query("SELECT * FROM weir.due_schedules(10)").count
                }
            }
            #expect(try await due() == 1)
            try await house.organizations.suspend(id, because: "x")
            #expect(try await due() == 0)
            #expect(try await house.metadata.database.number("SELECT weir.schedules_late()::bigint") == 0)
            try await house.organizations.resume(id)
            #expect(try await due() == 1)
        }
    }

    @Test("keep runs and logs for as long as each environment says")
    func retention() async throws {
        try await People.use { house in
            let id = house.admin.organization
            try await house.organizations.set(
                "prod", size: "large", keepingRuns: 10, logs: 2, data: nil, monthlyBudget: 99.5, of: id)
            for (environment, age) in [("dev", 20), ("prod", 20), ("prod", 5), ("prod", 1)] {
                try await house.metadata.database.query(
                    """
                    WITH run AS (
                      INSERT INTO weir.runs (run_id, organization_id, kind, environment, source, state, finished_at)
                      VALUES (gen_random_uuid(), \(id), 'clone', \(environment), \(String(age)), 'SUCCESS',
                        now() - make_interval(days => \(age)::int)) RETURNING run_id)
                    INSERT INTO weir.log_lines (organization_id, run_id, job_kind, level, text)
                    SELECT \(id), run_id, 'load', 'info', 'x' FROM run
                    """)
            }
            for touched in [2, 0] as [Int64] {
                let row = try await house.metadata.application.withConnection {
                    try await $0.query("SELECT weir.forget_runs(100) AS touched").first
                }
                #expect(try row?.int("touched") == touched)
            }
            let left = try await house.metadata.database.query(
                """
                SELECT environment || ' ' || source || CASE WHEN EXISTS (SELECT FROM weir.log_lines l WHERE l.run_id = r.run_id)
                  THEN ' with log' ELSE '' END AS what FROM weir.runs r ORDER BY 1
                """)
            #expect(try left.map { try $0.string("what") } == ["dev 20 with log", "prod 1 with log", "prod 5"])
            let prod = try #require(try await house.organizations.read(id).environments.last)
            #expect(prod.monthlyBudget == 99.5 && prod.settledAt != nil)
        }
    }

    @Test("keep data for as long as each environment says, or as the setting until somebody says it")
    func dataRetention() async throws {
        try await People.use { house in
            let id = house.admin.organization
            func kept() async throws -> [Int] {
                try await house.organizations.read(id).environments.map(\.retention.data)
            }
            func setProd(data: Int?) async throws {
                try await house.organizations.set(
                    "prod", size: "small", keepingRuns: 10, logs: 2, data: data, monthlyBudget: nil, of: id)
            }
            #expect(try await kept() == [30, 30, 30])
            try await setProd(data: 5)
            #expect(try await kept() == [30, 30, 5])
            // Whoever does not say it leaves it as it is.
            try await setProd(data: nil)
            try await house.organizations.setDefault(.init(runs: 90, logs: 9, data: 60), of: id)
            #expect(try await kept() == [60, 60, 5])
            for impossible in [0, 36_501] {
                await #expect(throws: PGError.self) { try await setProd(data: impossible) }
            }
        }
    }
}

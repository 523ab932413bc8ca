import Access
import Kernel
import Postgres
import Roles
import TestHouse
import Testing

@Suite("Members", .timeLimit(.minutes(10)))
struct MemberTests {
    private func conflict(_ work: () async throws -> Void) async {
        let problem = await #expect(throws: Problem.self) { try await work() }
        #expect(problem?.code == .conflict)
    }

    @Test("join by a link that works once, with the role of the invitation")
    func join() async throws {
        try await People.use { house in
            let id = house.admin.organization
            let invited = try await house.members.invite(
                "ana@acme.example", as: Grant(.engineer, in: "dev"), by: house.admin.id, of: id)
            #expect(invited.state == .invited && invited.invitedBy == "admin")
            let link = try await house.link(for: invited.id, in: house.admin)
            let seen = try #require(try await house.members.invitation(house.gate.hash(link)))
            #expect(seen.organization == "acme" && seen.roles == [Grant(.engineer, in: "dev")])
            let holders = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await house.members.accept(house.gate.hash(link), display: "Ana", guest: nil) != nil
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(holders == 1)
            #expect(try await house.members.invitation(house.gate.hash(link)) == nil)
            let ana = try await house.session(of: invited.id, in: id)
            #expect(ana.display == "Ana" && ana.rights.grants == [Grant(.engineer, in: "dev")])
        }
    }

    @Test("are not let in by a link that is too old, was replaced, or is no invitation's")
    func links() async throws {
        try await People.use { house in
            let id = house.admin.organization
            func invite() async throws -> String {
                let member = try await house.members.invite(
                    "ana@acme.example", as: Grant(.viewer), by: house.admin.id, of: id)
                return try await house.link(for: member.id, in: house.admin)
            }
            let first = try await invite()
            let second = try await invite()
            #expect(try await house.members.accept(house.gate.hash(first), display: nil, guest: nil) == nil)
            try await house.metadata.database.query("UPDATE weir.credentials SET expires_at = now()")
            #expect(try await house.members.accept(house.gate.hash(second), display: nil, guest: nil) == nil)
            let code = try await house.gate.issue(.code, to: house.admin.id, of: id).secret.reveal()
            #expect(try await house.members.invitation(house.gate.hash(code)) == nil)
            #expect(try await house.members.accept(house.gate.hash(code), display: nil, guest: nil) == nil)
            // It was not used up by that.
            #expect(try await house.gate.redeem(code, as: .code)?.id == house.admin.id)
        }
    }

    @Test("who are signed in elsewhere join as the same person, and only once")
    func guests() async throws {
        try await People.use { house in
            let ana = try await house.join("ana@acme.example", as: Grant(.viewer))
            let globex = try await house.found("globex", by: house.admin)
            func link(_ email: String) async throws -> String {
                let member = try await house.members.invite(
                    email, as: Grant(.admin), by: globex.id, of: globex.organization)
                return try await house.link(for: member.id, in: globex)
            }
            let first = try await link("ana@globex.example")
            let joined = try #require(
                try await house.members.accept(house.gate.hash(first), display: nil, guest: ana.id))
            let all = try await house.organizations.belongings(of: joined.principal, in: joined.organization)
            #expect(all.map(\.principal.slug) == ["acme", "globex"])
            let second = try await link("other@globex.example")
            await conflict { _ = try await house.members.accept(house.gate.hash(second), display: nil, guest: ana.id) }
            // That was refused, not used up.
            #expect(try await house.members.invitation(house.gate.hash(second)) != nil)
            // Somebody whom other organizations know gets no link from this one.
            await conflict { _ = try await link("ana@globex.example") }
        }
    }

    @Test("get roles and lose them, but for those that a rule gives")
    func roles() async throws {
        try await People.use { house in
            let id = house.admin.organization
            let ana = try await house.join("ana@acme.example", as: Grant(.viewer))
            let more = try await house.members.grant(
                Grant(.analyst, in: "dev"), to: "ANA@acme.example", by: house.admin.id, of: id)
            #expect(Set(more.roles.map(\.grant)) == [Grant(.viewer), Grant(.analyst, in: "dev")])
            #expect(try await house.session(of: ana.id, in: id).rights.may(.dataRead, in: "dev"))
            let less = try await house.members.revoke(Grant(.analyst, in: "dev"), from: ana.id.description, of: id)
            #expect(less.roles.map(\.grant) == [Grant(.viewer)])
            let missing = await #expect(throws: Problem.self) {
                try await house.members.revoke(Grant(.admin), from: ana.name, of: id)
            }
            #expect(missing?.code == .notFound)
            try await house.metadata.database.query(
                "UPDATE weir.grants SET origin = 'group:x' WHERE principal_id = \(ana.id)")
            await conflict { _ = try await house.members.revoke(Grant(.viewer), from: ana.name, of: id) }
        }
    }

    @Test("who are deactivated have sessions, tokens and links that are worthless at once, also when they are back")
    func deactivated() async throws {
        try await People.use { house in
            let id = house.admin.organization
            let ana = try await house.join("ana@acme.example", as: Grant(.viewer))
            let secrets = try await [
                (Gate.CredentialKind.session, house.gate.issue(.session, to: ana.id, of: id).secret.reveal()),
                (.token, house.gate.issue(.token, to: ana.id, of: id).secret.reveal()),
                (.code, house.gate.issue(.code, to: ana.id, of: id).secret.reveal()),
            ]
            _ = try await house.members.deactivate(ana.name, of: id)
            for (kind, secret) in secrets { #expect(try await house.gate.redeem(secret, as: kind) == nil) }
            #expect(try await house.members.activate(ana.name, of: id).state == .active)
            for (kind, secret) in secrets { #expect(try await house.gate.redeem(secret, as: kind) == nil) }
            _ = try await house.session(of: ana.id, in: id)
        }
    }

    @Test("leave what they made to whoever removes them, and get no more e-mail")
    func removed() async throws {
        try await People.use { house in
            let id = house.admin.organization
            let ana = try await house.join("ana@acme.example", as: Grant(.engineer))
            for (channel, target) in [("email", "Ana@acme.example"), ("webhook", "https://hooks.acme.example")] {
                try await house.metadata.database.query(
                    """
                    INSERT INTO weir.subscriptions (subscription_id, organization_id, principal_id, channel, target, events)
                    VALUES (gen_random_uuid(), \(id), \(ana.id), \(channel), \(target), '{late}')
                    """)
            }
            try await house.members.remove(ana.name, by: house.admin.id, of: id)
            #expect(try await house.members.all(of: id).map(\.name) == ["admin"])
            let left = try await house.metadata.database.query("SELECT channel, principal_id FROM weir.subscriptions")
            #expect(try left.map { try $0.string("channel") } == ["webhook"])
            #expect(try left.first?.id("principal_id") == house.admin.id)
        }
    }

    @Test("always have an owner among them: two who remove each other at once do not both succeed")
    func lastOwner() async throws {
        try await People.use { house in
            let id = house.admin.organization
            for round in 0..<5 {
                let ana = try await house.join("ana\(round)@acme.example", as: Grant(.owner))
                let ben = try await house.join("ben\(round)@acme.example", as: Grant(.owner))
                let others = try await house.members.all(of: id).filter {
                    ![ana.id, ben.id].contains($0.id) && $0.roles.contains { $0.role == .owner }
                }
                for other in others { _ = try await house.members.revoke(Grant(.owner), from: other.name, of: id) }
                let problems = await withTaskGroup(of: Problem?.self) { group in
                    group.addTask {
                        await Self.problem { try await house.members.remove(ben.name, by: ana.id, of: id) }
                    }
                    group.addTask { await Self.problem { _ = try await house.members.deactivate(ana.name, of: id) } }
                    return await group.reduce(into: [Problem?]()) { $0.append($1) }
                }
                #expect(problems.compactMap(\.self).map(\.code) == [.conflict])
                let owners = try await house.members.all(of: id).filter {
                    $0.state == .active && $0.roles.contains { $0.role == .owner }
                }
                #expect(owners.count == 1)
                await conflict { _ = try await house.members.revoke(Grant(.owner), from: owners[0].name, of: id) }
            }
        }
    }

    private static func problem(_ work: () async throws -> Void) async -> Problem? {
        do {
            try await work()
            return nil
        } catch {
            return Problem(wrapping: error)
        }
    }

    @Test("of the local admin cannot be shut out")
    func local() async throws {
        try await People.use { house in
            let id = house.admin.organization
            _ = try await house.join("ana@acme.example", as: Grant(.owner))
            await conflict { _ = try await house.members.deactivate("admin", of: id) }
            await conflict { try await house.members.remove("admin", by: house.admin.id, of: id) }
        }
    }

    @Test("of another organization are not found")
    func foreign() async throws {
        try await People.use { house in
            let globex = try await house.found("globex", by: house.admin)
            let ana = try await house.join("ana@acme.example", as: Grant(.viewer))
            for name in [ana.name, ana.id.description] {
                let problem = await #expect(throws: Problem.self) {
                    try await house.members.deactivate(name, of: globex.organization)
                }
                #expect(problem?.code == .notFound)
            }
        }
    }
}

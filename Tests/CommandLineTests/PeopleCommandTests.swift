import Roles
import Testing
import Wire
import WireSamples

@testable import CommandLine

@Suite(.serialized) struct PeopleCommandTests {
    @Test("organizations, environments, members and access are asked and changed in the API's words")
    func requests() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            for arguments in [
                ["organizations"], ["organizations", "create", "globex", "--name", "Globex Ltd"],
                ["organizations", "show", "acme"], ["organizations", "rename", "acme", "Acme Ltd"],
                ["organizations", "suspend", "acme", "--because", "the bill"], ["organizations", "resume", "acme"],
                ["organizations", "delete", "acme", "--confirm", "acme"], ["organizations", "restore", "acme"],
                ["environments", "set", "dev", "--size", "medium", "--keep-logs", "14d", "--organization", "acme"],
                ["environments", "set", "dev", "--monthly-budget", "none", "--organization", "acme", "--json"],
                ["environments", "set", "dev", "--keep-data", "90d", "--organization", "acme"],
                ["members", "--organization", "acme"],
                ["members", "invite", "ana@acme.example", "--role", "engineer", "--environment", "dev"],
                ["members", "grant", "ana@acme.example", "--role", "viewer"],
                ["members", "revoke", "ana@acme.example", "--role", "viewer", "--environment", "prod"],
                ["members", "deactivate", "ana@acme.example"], ["members", "activate", "ana@acme.example"],
                ["members", "remove", "ana@acme.example"], ["access"],
                ["access", "explain", "ana@acme.example", "runs.manage", "--environment", "dev"],
            ] {
                #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 0, "\(arguments)")
            }
            #expect(await weir("access", "explain", "ana@acme.example", "secrets.manage", "--data", folder) == 1)
        }
        let environment = #"PUT /api/v1/organizations/acme/environments/dev {"keep_"#
        #expect(
            recorder.take() == [
                "GET /api/v1/organizations",
                #"POST /api/v1/organizations {"name":"Globex Ltd","slug":"globex"}"#, "GET /api/v1/organizations/acme",
                #"PUT /api/v1/organizations/acme {"name":"Acme Ltd"}"#,
                #"POST /api/v1/organizations/acme/suspend {"because":"the bill"}"#,
                "POST /api/v1/organizations/acme/resume", "DELETE /api/v1/organizations/acme",
                "GET /api/v1/organizations/acme", "POST /api/v1/organizations/acme/restore",
                "GET /api/v1/organizations/acme",
                environment + #"logs_days":14,"keep_runs_days":400,"monthly_budget":250.5,"size":"medium"}"#,
                "GET /api/v1/organizations/acme",
                environment + #"logs_days":30,"keep_runs_days":400,"size":"small"}"#,
                "GET /api/v1/organizations/acme",
                environment
                    + #"data_days":90,"keep_logs_days":30,"keep_runs_days":400,"monthly_budget":250.5,"size":"small"}"#,
                "GET /api/v1/members?organization=acme",
                #"POST /api/v1/members {"email":"ana@acme.example","environment":"dev","role":"engineer"}"#,
                #"POST /api/v1/members/ana%40acme.example/grant {"role":"viewer"}"#,
                #"POST /api/v1/members/ana%40acme.example/revoke {"environment":"prod","role":"viewer"}"#,
                "POST /api/v1/members/ana%40acme.example/deactivate",
                "POST /api/v1/members/ana%40acme.example/activate", "DELETE /api/v1/members/ana%40acme.example",
                "GET /api/v1/access/roles",
                "GET /api/v1/access/explain?member=ana%40acme.example&permission=runs.manage&environment=dev",
                "GET /api/v1/access/explain?member=ana%40acme.example&permission=secrets.manage",
            ])
    }

    @Test(
        "wrong usage exits with 2 and asks nothing",
        arguments: [
            ["organizations", "suspend", "acme"], ["organizations", "delete", "acme"],
            ["organizations", "delete", "acme", "--confirm", "globex"], ["environments", "set"],
            ["environments", "set", "dev", "--keep-runs", "36h"],
            ["environments", "set", "dev", "--keep-data", "36h"],
            ["environments", "set", "dev", "--monthly-budget", "much"], ["members", "invite", "a@b.example"],
            ["members", "grant", "a@b.example", "--role", "king"], ["access", "explain", "ana"],
        ])
    func usage(arguments: [String]) async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 2)
        }
        #expect(recorder.take().isEmpty)
    }

    @Test("organizations and members for people")
    func texts() throws {
        let organizations = OrganizationText(style: .plain)
        var deleted = WireSamples.organization
        (deleted.state, deleted.stateReason) = ("deleting", nil)
        try expectGolden(
            organizations.text(of: [WireSamples.belonging]) + "\n" + organizations.text(of: WireSamples.organization)
                + "\n" + organizations.text(of: deleted), "organizations.txt")
        var local = WireSamples.member
        (local.name, local.kind, local.roles, local.lastSeenAt) = ("admin", "local", [], nil)
        var mailed = WireSamples.invitation
        (mailed.isMailed, mailed.mailProblem) = (true, nil)
        let members = MemberText(style: .plain)
        try expectGolden(
            members.text(of: [WireSamples.member, local]) + "\n" + members.text(of: WireSamples.invitation) + "\n"
                + members.text(of: mailed), "members.txt")
    }

    @Test("the permission table for people has every permission and role")
    func table() throws {
        let text = AccessText(style: .plain).text(of: RoleView.all)
        try expectGolden(text, "access.txt")
        for permission in Permission.allCases { #expect(text.contains(permission.rawValue)) }
    }
}

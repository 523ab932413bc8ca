import Testing
import Wire
import WireSamples

@testable import CommandLine

@Suite(.serialized) struct AuditCommandTests {
    @Test("the audit is asked in the API's words")
    func requests() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            for arguments in [
                ["audit"],
                [
                    "audit", "list", "--who", "Ana S", "--action", "schedules", "--outcome", "refused", "--from",
                    "2026-11-01", "--limit", "1", "--house",
                ],
                ["audit", "show", "12"], ["audit", "export", "--format", "csv", "--text", "a&b"], ["audit", "verify"],
                ["audit", "head", "--json"], ["audit", "keep", "365"],
            ] {
                #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 0, "\(arguments)")
            }
        }
        #expect(
            recorder.take() == [
                "GET /api/v1/audit?limit=50",
                "GET /api/v1/audit?limit=1&who=Ana%20S&action=schedules&outcome=refused&from=2026-11-01&chain=house",
                "GET /api/v1/audit/lines/12", "GET /api/v1/audit/export?format=csv&text=a%26b",
                "GET /api/v1/audit/verification", "GET /api/v1/audit/head",
                #"PUT /api/v1/audit/retention {"keep_days":365}"#,
            ])
    }

    @Test("a chain that is not whole ends with 1")
    func notWhole() async throws {
        try await withServer(LiveHouse(), Recorder()) { folder in
            let arguments = ["audit", "verify", "--since-head", WireSamples.auditHead.head, "--data", folder]
            #expect(await WeirCommandLine.run(arguments) == 1)
        }
    }

    @Test(
        "wrong usage exits with 2 and asks nothing",
        arguments: [
            ["audit", "list", "--limit", "0"], ["audit", "list", "--outcome", "maybe"], ["audit", "show"],
            ["audit", "show", "x"], ["audit", "keep", "89"], ["audit", "export", "--format", "xml"],
        ])
    func usage(arguments: [String]) async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 2)
        }
        #expect(recorder.take().isEmpty)
    }

    @Test("lines for people: a list, one with what changed, and how a check went")
    func texts() throws {
        let text = AuditText(style: .plain)
        var done = WireSamples.auditLine
        (done.sequence, done.outcome, done.problem, done.targetKind, done.target) = (11, "done", nil, nil, nil)
        done.who = "mallory\u{1B}[2J"
        try expectGolden(text.text(of: [WireSamples.auditLine, done]), "audit.txt")
        try expectGolden(text.whole(WireSamples.auditLine), "audit-line.txt")
        try expectGolden(text.text(of: WireSamples.auditVerification), "audit-verify.txt")
        #expect(text.text(of: []) == "The audit has no line like that.\n")
        var whole = WireSamples.auditVerification
        (whole.faults, whole.isWhole, whole.first) = ([], true, 1)
        #expect(text.text(of: whole) == "Whole: 10 lines verified up to \(whole.head).\n")
    }
}

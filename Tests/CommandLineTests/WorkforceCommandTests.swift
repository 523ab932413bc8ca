import Testing
import Wire
import WireSamples

@testable import CommandLine

@Suite(.serialized) struct WorkforceCommandTests {
    @Test("workers, limits and windows are asked and changed in the API's words")
    func requests() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            for arguments in [
                ["workers"], ["limits"], ["limits", "set", "source/dev/shop", "--most", "1", "--every", "30s"],
                ["limits", "set", "organization", "--none"],
                ["limits", "pause", "warehouse/dev", "--for", "2h", "--because", "moving"],
                ["limits", "pause", "warehouse/dev", "--json"], ["limits", "resume", "warehouse/dev"], ["windows"],
                [
                    "windows", "set", "weekend", "--key", "warehouse/dev", "--cron", "0 2 * * 6", "--time-zone",
                    "Europe/Berlin", "--for", "4h", "--because", "upgrades",
                ], ["windows", "delete", "weekend"],
            ] {
                #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 0, "\(arguments)")
            }
        }
        #expect(
            recorder.take() == [
                "GET /api/v1/workers", "GET /api/v1/limits",
                #"PUT /api/v1/limits {"key":"source/dev/shop","most":1,"seconds_between_starts":30}"#,
                #"PUT /api/v1/limits {"key":"organization"}"#,
                #"POST /api/v1/limits/pause {"because":"moving","key":"warehouse/dev","minutes":120}"#,
                #"POST /api/v1/limits/pause {"key":"warehouse/dev"}"#,
                #"POST /api/v1/limits/resume {"key":"warehouse/dev"}"#, "GET /api/v1/maintenance-windows",
                #"PUT /api/v1/maintenance-windows/weekend {"because":"upgrades","expression":"0 2 * * 6","#
                    + #""key":"warehouse/dev","minutes":240,"time_zone":"Europe/Berlin"}"#,
                "DELETE /api/v1/maintenance-windows/weekend",
            ])
    }

    @Test(
        "wrong usage exits with 2 and asks nothing",
        arguments: [
            ["limits", "set"], ["limits", "set", "organization"], ["limits", "set", "organization", "--every", "30"],
            ["limits", "set", "organization", "--none", "--most", "1"], ["limits", "resume"],
            ["limits", "set", "organization", "--most", "-1"], ["limits", "pause", "organization", "--for", "90s"],
            ["windows", "set", "w", "--key", "organization", "--cron", "0 2 * * 6"],
            ["windows", "set", "w", "--key", "organization", "--for", "4h"], ["windows", "delete"],
        ])
    func usage(arguments: [String]) async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 2)
        }
        #expect(recorder.take().isEmpty)
    }

    @Test("workers for people: who is alive, what they take and do")
    func workers() throws {
        var idle = WireSamples.worker
        (idle.name, idle.jobs, idle.kinds, idle.isLimited, idle.isAlive) = ("attic/7", [], [], false, false)
        try expectGolden(WorkerText(style: .plain).text(of: [WireSamples.worker, idle]), "workers.txt")
        #expect(WorkerText(style: .plain).text(of: []).contains("weir work"))
    }

    @Test("limits and windows for people")
    func holds() throws {
        var open = WireSamples.limit
        (open.key, open.most, open.pausedUntil, open.secondsBetweenStarts) = ("organization", nil, nil, nil)
        var stopped = WireSamples.limit
        (stopped.key, stopped.pausedUntil, stopped.secondsBetweenStarts) = ("warehouse/prod", "further notice", 0.5)
        try expectGolden(LimitText(style: .plain).text(of: [WireSamples.limit, open, stopped]), "limits.txt")
        #expect(LimitText(style: .plain).text(of: []).contains("weir limits set"))
        var closed = WireSamples.window
        (closed.name, closed.openUntil, closed.because) = ("night", nil, nil)
        try expectGolden(WindowText(style: .plain).text(of: [WireSamples.window, closed]), "windows.txt")
        #expect(WindowText(style: .plain).text(of: []).contains("weir windows set"))
    }
}

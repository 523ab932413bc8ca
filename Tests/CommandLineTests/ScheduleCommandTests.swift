import ArgumentParser
import Kernel
import Testing
import Wire
import WireSamples

@testable import CommandLine

@Suite(.serialized) struct ScheduleCommandTests {
    @Test("each trigger is sent in its own words")
    func triggers() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            for trigger in [
                ["--every", "6h"], ["--cron", "0 6 * * 1-5", "--time-zone", "Europe/Berlin"],
                ["--on-file", "landing/shop"], ["--after", "crm"],
            ] {
                #expect(await WeirCommandLine.run(["schedules", "preview"] + trigger + ["--data", folder]) == 0)
            }
        }
        #expect(
            recorder.take() == [
                #"POST /api/v1/schedules/preview {"kind":"every","minutes":360}"#,
                #"POST /api/v1/schedules/preview "#
                    + #"{"expression":"0 6 * * 1-5","kind":"cron","time_zone":"Europe/Berlin"}"#,
                #"POST /api/v1/schedules/preview {"kind":"file","location":"landing/shop"}"#,
                #"POST /api/v1/schedules/preview {"kind":"after","source":"crm"}"#,
            ])
    }

    @Test("a schedule is made with all that its options say; what the API refuses exits with 1")
    func set() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(
                await weir(
                    "schedules", "set", "nightly", "--source", "shop", "--every", "2d", "--environment", "prod",
                    "--tables", "a, crm.b", "--views", "--catch-up", "all", "--data", folder) == 0)
            #expect(
                await weir(
                    "schedules", "set", "nightly", "--source", "shop", "--cron", "0 0 30 2 *", "--data", folder) == 1)
        }
        #expect(
            recorder.take() == [
                #"PUT /api/v1/schedules/nightly {"catch_up":"all","environment":"prod","source":"shop","#
                    + #""tables":["a","crm.b"],"trigger":{"kind":"every","minutes":2880},"views":true}"#,
                #"PUT /api/v1/schedules/nightly {"source":"shop","trigger":{"expression":"0 0 30 2 *","kind":"cron"}}"#,
            ])
    }

    @Test("a schedule is listed, shown, paused, resumed, run, filled in backwards and deleted")
    func control() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            for arguments in [
                [], ["--json"], ["show", "nightly"], ["pause", "nightly", "--because", "stocktaking"],
                ["resume", "nightly", "--json"], ["run", "nightly"], ["run", "nightly", "--follow"],
                ["backfill", "nightly", "--from", "2026-11-01", "--through", "2026-11-03"], ["delete", "nightly"],
            ] {
                #expect(await WeirCommandLine.run(["schedules"] + arguments + ["--data", folder]) == 0, "\(arguments)")
            }
            #expect(await weir("schedules", "show", "a/b", "--data", folder) == 1)
            #expect(await weir("schedules", "delete", "other", "--data", folder) == 1)
        }
        #expect(
            recorder.take() == [
                "GET /api/v1/schedules", "GET /api/v1/schedules", "GET /api/v1/schedules/nightly",
                #"POST /api/v1/schedules/nightly/pause {"because":"stocktaking"}"#,
                "POST /api/v1/schedules/nightly/resume", "POST /api/v1/schedules/nightly/run",
                "POST /api/v1/schedules/nightly/run", "GET /api/v1/runs/\(WireSamples.run)/events",
                #"POST /api/v1/schedules/nightly/backfill {"from":"2026-11-01","through":"2026-11-03"}"#,
                "DELETE /api/v1/schedules/nightly", "GET /api/v1/schedules/a%2Fb", "DELETE /api/v1/schedules/other",
            ])
    }

    @Test(
        "wrong usage exits with 2 and asks nothing",
        arguments: [
            ["set", "n", "--source", "s"], ["set", "n", "--every", "6h"], ["set", "--source", "s", "--every", "6h"],
            ["preview"], ["preview", "--every", "6h", "--after", "a"], ["preview", "--every", "90s"],
            ["preview", "--every", "6"], ["preview", "--every", "6h", "--time-zone", "UTC"],
            ["set", "n", "--source", "s", "--every", "6h", "--tables", ","], ["show"], ["backfill", "n"],
            ["backfill", "n", "--from", "2026-11-02", "--through", "2026-11-01"],
            ["backfill", "n", "--from", "1.11.2026", "--through", "2026-11-01"],
        ])
    func usage(arguments: [String]) async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await WeirCommandLine.run(["schedules"] + arguments + ["--data", folder]) == 2)
        }
        #expect(recorder.take().isEmpty)
    }

    @Test("a bucket's access key comes from the environment, for buckets only and never by half")
    func credentials() throws {
        let environment = [
            "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
        ]
        let bucket = try TriggerOptions.parse(["--on-file", "s3://lake/landing"])
        let key = try #require(try bucket.credentials(from: environment))
        #expect(key.accessKeyID == "id" && key.secretAccessKey == "secret" && key.sessionToken == "token")
        #expect(try bucket.credentials(from: [:]) == nil)
        #expect(throws: Problem.self) { try bucket.credentials(from: ["AWS_ACCESS_KEY_ID": "id"]) }
        #expect(throws: Problem.self) { try bucket.credentials(from: ["AWS_SECRET_ACCESS_KEY": "secret"]) }
        #expect(try TriggerOptions.parse(["--on-file", "landing"]).credentials(from: environment) == nil)
    }

    @Test("lengths of time are a whole number and a unit")
    func spans() {
        #expect(
            ["90s", "15m", "6h", "2d"].map { (try? TimeSpan(typed: $0))?.seconds } == [90, 900, 21_600, 172_800])
        for text in ["", "6", "h", "0h", "-1h", "1.5h", "6 h", "6H", "99999999999999999999d", "4000d"] {
            #expect(throws: ValidationError.self, "\(text)") { try TimeSpan(typed: text) }
        }
        #expect([90, 900, 21_600, 172_800].map(TimeSpan.words) == ["90 s", "15 min", "6 h", "2 d"])
    }

    @Test("schedules for people: a list, one, and what to do when there are none")
    func rendering() throws {
        let text = ScheduleText(style: .plain)
        var busy = WireSamples.schedule
        (busy.name, busy.isPaused, busy.problem) = ("busy", false, nil)
        var failing = WireSamples.schedule
        (failing.name, failing.isPaused) = ("failing", false)
        var new = WireSamples.schedule
        (new.name, new.isPaused, new.problem, new.waiting, new.tables, new.next) = ("new", false, nil, nil, [], [])
        (new.lastRunState, new.lastRunID, new.lastFiredAt) = (nil, nil, nil)
        try expectGolden(text.text(of: [WireSamples.schedule, busy, failing, new]), "schedules.txt")
        try expectGolden(text.text(of: WireSamples.schedule) + "\n" + text.text(of: new), "schedule.txt")
        #expect(text.text(of: []).contains("weir schedules set NAME"))
    }

    @Test("a backfill says what it has begun and what was there")
    func backfill() {
        let text = { (ids: [String], there: Int) in
            ScheduleText(style: .plain).text(of: BackfillAccepted(runIDs: ids, alreadyThere: there), list: "weir runs")
        }
        #expect(text(["a"], 0) == "1 run has begun.\nSee them with: weir runs\n")
        #expect(text(["a", "b"], 2) == "2 runs have begun. 2 times had a run already.\nSee them with: weir runs\n")
        #expect(text([], 1) == "Nothing is to be done. 1 time had a run already.\n")
        #expect(text([], 0) == "The schedule has no time in these days.\n")
    }
}

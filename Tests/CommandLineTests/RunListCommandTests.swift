import ArgumentParser
import Testing
import Wire

@testable import CommandLine

@Suite(.serialized) struct RunListCommandTests {
    private let other = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8aff"

    @Test("a list of runs asks for what its options say, and a page says how to get the next")
    func list() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await weir("runs", "--data", folder) == 0)
            #expect(
                await weir(
                    "runs", "--state", "retryable, FAILED", "--source", "shop", "--kind", "clone", "--environment",
                    "prod", "--schedule", "nightly", "--search", "a&b ü", "--limit", "1", "--before", "x", "--json",
                    "--data", folder) == 0)
        }
        #expect(
            recorder.take() == [
                "GET /api/v1/runs?limit=20",
                "GET /api/v1/runs?limit=1&before=x&state=RETRYABLE%2CFAILED&kind=clone&source=shop&environment=prod"
                    + "&schedule=nightly&search=a%26b%20%C3%BC",
            ])
    }

    @Test("the command for the next page is the same list from there on, as a shell takes it")
    func nextPage() throws {
        let command = try #require(
            try ShowRunsCommand.parseAsRoot(["--state", "FAILED", "--search", "it's", "--before", "a"])
                as? ShowRunsCommand)
        #expect(
            command.choice.command(before: "b", command.answers)
                == "weir runs --state FAILED --search 'it'\\''s' --before b")
    }

    @Test("several runs are changed in one request; one that cannot be makes the exit status 1")
    func several() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await weir("runs", "retry", Sample.id, Sample.id, "--data", folder) == 0)
            #expect(await weir("runs", "cancel", Sample.id, other, "--note", "no", "--data", folder) == 1)
            #expect(await weir("runs", "resolve", other, Sample.id, "--note", "done", "--json", "--data", folder) == 1)
        }
        #expect(
            recorder.take() == [
                #"POST /api/v1/runs/actions {"action":"retry","run_ids":["\#(Sample.id)","\#(Sample.id)"]}"#,
                #"POST /api/v1/runs/actions {"action":"cancel","note":"no","run_ids":["\#(Sample.id)","\#(other)"]}"#,
                #"POST /api/v1/runs/actions {"action":"resolve","note":"done","run_ids":["\#(other)","\#(Sample.id)"]}"#,
            ])
    }

    @Test(
        "wrong usage exits with 2 and asks nothing",
        arguments: [
            ["--state", "BROKEN"], ["--state", ","], ["--limit", "501"], [Sample.id, "--source", "shop"], ["retry"],
            ["retry", Sample.id, "1"], ["retry", Sample.id, Sample.id, "--from", "load"], ["watch"],
        ])
    func usage(arguments: [String]) async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await WeirCommandLine.run(["runs"] + arguments + ["--data", folder]) == 2)
        }
        #expect(recorder.take().isEmpty)
    }

    @Test("what became of several runs is a line for each")
    func outcomes() throws {
        let text = OutcomesText(style: .plain).text(of: [
            BulkOutcome(runID: Sample.id, state: .pending, problem: nil),
            BulkOutcome(runID: other, state: nil, problem: Sample.denied),
        ])
        try expectGolden(text, "runs-changed.txt")
    }

    @Test("on a narrow terminal a run's id stays whole, to be copied", arguments: [100, 80, 60])
    func narrow(width: Int) {
        let text = RunText(style: Style(width: width, hasColor: false, hasUnicode: true)).text(of: [Sample.success.run])
        #expect(text.contains(Sample.id) && text.contains("…"))
    }

    @Test("a run of a schedule says which, and what a person noted")
    func origin() throws {
        var detail = Sample.success
        detail.run.schedule = "nightly"
        detail.run.scheduledFor = "2026-11-24T05:00:00.000Z"
        detail.run.note = "by hand\n"
        try expectGolden(RunText(style: .plain).text(of: detail, dashboard: nil), "run-scheduled.txt")
    }
}

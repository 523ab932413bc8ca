import Foundation
import Testing
import Wire

@testable import CommandLine

@Suite struct RenderingTests {
    private let terminal = Style(width: 100, hasColor: false, hasUnicode: true)

    @Test("receipts of a run that went well")
    func receipts() throws {
        let text = ReceiptsText(style: .plain).text(
            of: Sample.success, dashboard: "http://127.0.0.1:8080/dashboards/chinook")
        try expectGolden(text, "receipts-success.txt")
    }

    @Test("receipts of a run that failed name what is not equal and why")
    func failedReceipts() throws {
        try expectGolden(ReceiptsText(style: .plain).text(of: Sample.failure, dashboard: nil), "receipts-failed.txt")
        var narrow = terminal
        narrow.width = 48
        let text = ReceiptsText(style: narrow).text(of: Sample.failure, dashboard: nil)
        try expectGolden(text, "receipts-failed-narrow.txt")
    }

    @Test("the JSON of a run that went well has every key and no problem; a failed one has problems and nulls")
    func json() throws {
        let success = CloneResult(detail: Sample.success, dashboard: "http://h/dashboards/chinook")
        try expectGolden(String(decoding: WireJSON.encode(success), as: UTF8.self) + "\n", "clone-success.json")
        let failure = CloneResult(detail: Sample.failure, dashboard: nil)
        try expectGolden(String(decoding: WireJSON.encode(failure), as: UTF8.self) + "\n", "clone-failed.json")
    }

    @Test("only a success whose streams are all verified is verified")
    func verified() {
        #expect(CloneResult.isVerified(Sample.success))
        #expect(!CloneResult.isVerified(Sample.failure))
        var unequal = Sample.success
        unequal.streams[0].verified = false
        #expect(!CloneResult.isVerified(unequal))
    }

    @Test("progress has a line per job that never fills the terminal", arguments: [100, 80, 60, 40, 24, 12, 5])
    func progress(width: Int) throws {
        var style = terminal
        style.width = width
        let lines = ProgressLines(style: style, rates: Sample.rates).lines(of: Sample.underway)
        #expect(lines.count == Sample.underway.jobs.count)
        #expect(lines.allSatisfy { $0.columns < width })
        if width >= 40 { try expectGolden(lines.map { $0 + "\n" }.joined(), "progress-\(width).txt") }
    }

    @Test("progress in colour is as wide as without")
    func color() {
        var style = terminal
        style.hasColor = true
        let colored = ProgressLines(style: style).lines(of: Sample.underway)
        let plain = ProgressLines(style: terminal).lines(of: Sample.underway)
        #expect(colored != plain)
        #expect(colored.map { $0.replacing(/\x{1B}\[[0-9]*m/, with: "") } == plain)
    }

    @Test("without a terminal each job is one plain line")
    func plainProgress() throws {
        let lines = ProgressLines(style: .plain, rates: Sample.rates)
        let text = Sample.underway.jobs.map { lines.plain($0) + "\n" }.joined()
        try expectGolden(text, "progress-plain.txt")
    }

    @Test("a running job shows how much of what is done, how fast, and how long the rest takes")
    func rateAndRest() {
        let shown = { (progress: ProgressView, rates: [String: RateMeter.Rate], style: Style) in
            ProgressLines(style: style, rates: rates).lines(
                of: Sample.run(.running, [Sample.job("load", .running, progress)]))
        }
        let rows = ProgressView(
            done: 1_234_000, total: 3_400_000, unit: "rows", rows: 1_234_000, perSecond: 310_000.4, secondsLeft: 6.99)
        let text = "1.2 M of 3.4 M rows · 310,000 rows/s · 7 s left"
        #expect(shown(rows, [:], terminal) == ["load  █████░░░░░░░░░░░  \(text)"])
        var ascii = terminal
        ascii.hasUnicode = false
        #expect(
            shown(rows, ["job-load": RateMeter.Rate(done: 280_000, rows: 280_000)], ascii)
                == ["load  #####-----------  1.2 M of 3.4 M rows, 310,000 rows/s, 7 s left"])
        let untold = ProgressView(done: 2, total: 8, unit: "models")
        #expect(
            shown(untold, ["job-load": RateMeter.Rate(done: 0.5)], terminal)
                == ["load  ████░░░░░░░░░░░░  2 of 8 models · 0.5 models/s · 12 s left"], "what was seen of it")
        #expect(
            shown(untold, ["job-load": RateMeter.Rate(done: 0)], terminal) == ["load  ████░░░░░░░░░░░░  2 of 8 models"])
        let dashboard = ProgressView(done: 0, total: 1, unit: "dashboards", perSecond: .infinity, secondsLeft: .nan)
        #expect(shown(dashboard, [:], terminal) == ["load  ░░░░░░░░░░░░░░░░  0 of 1 dashboard"])
        let open = ProgressView(done: 5, total: nil, unit: "steps", perSecond: 0.42)
        #expect(shown(open, [:], terminal) == ["load  running  5 steps · 0.4 steps/s"])
        let done = Sample.job("load", .success, rows)
        #expect(ProgressLines(style: .plain).plain(done) == "load: done, 1.2 M of 3.4 M rows")
    }

    @Test("amounts, rates and the time that is left read well")
    func passing() {
        #expect(
            [999_999, 1_000_000, 999_949_999, 3_400_000_000].map(Figures.short) == [
                "999,999", "1.0 M", "999.9 M", "3.4 G",
            ])
        #expect([0.04, 0.42, 9.96, 310_000.4, .nan].map(Figures.rate) == [nil, "0.4", "10", "310,000", nil])
        #expect(
            [0, 6.2, 125, 12_000, 187_200, .infinity, -1].map(Figures.remaining)
                == ["0 s", "7 s", "2 min 5 s", "3 h 20 min", "2 d 4 h", nil, nil])
    }

    @Test("a query's answer is aligned, whole in a pipe, and cut to a terminal")
    func table() throws {
        try expectGolden(QueryText(style: .plain).text(of: Self.answer), "query-pipe.txt")
        try expectGolden(QueryText(style: terminal).text(of: Self.answer), "query-terminal.txt")
        var narrow = terminal
        narrow.width = 32
        let text = QueryText(style: narrow).text(of: Self.answer)
        #expect(text.split(separator: "\n").dropLast(2).allSatisfy { $0.description.columns <= 32 })
        try expectGolden(text, "query-narrow.txt")
    }

    @Test("a value can neither break a line nor steer the terminal")
    func controls() {
        #expect("a\nb\u{1B}[31m\u{9B}x\t\u{7}".withoutControls == "a\\nb\\x1b[31m\\x9bx\\t\\x07")
    }

    @Test("wide characters count two columns")
    func widths() {
        #expect("日本".columns == 4 && "é".columns == 1 && "😀".columns == 2 && "e\u{301}".columns == 1)
        #expect("日本語".cut(to: 5) == "日本…" && "日本語".cut(to: 4) == "日…" && "abc".cut(to: 3) == "abc")
    }

    @Test("figures read well")
    func figures() {
        #expect(Figures.grouped(-1_234_567) == "-1,234,567" && Figures.grouped(999) == "999")
        #expect(Figures.bytes(999) == "999 B" && Figures.bytes(45_249_000) == "45.2 MB")
        #expect(
            Figures.seconds(0.04) == "0.0 s" && Figures.seconds(59.9) == "59.9 s" && Figures.seconds(125) == "2 min 5 s"
        )
        #expect(Figures.count(1, "row") == "1 row" && Figures.count(0, "row") == "0 rows")
    }

    @Test("the rate of a job comes from what was seen of it")
    func rate() {
        var meter = RateMeter()
        for (seconds, rows) in [(0.0, Int64(1000)), (1, 3000), (4, 9000)] {
            let job = Sample.job("extract", .running, ProgressView(done: 1, total: 2, unit: "tables", rows: rows))
            meter.see(Sample.run(.running, [job]), at: seconds)
        }
        #expect(meter.rates == ["job-extract": RateMeter.Rate(done: 0, rows: 2000)])
        // Another attempt begins anew: what was seen of the one before says nothing of it.
        let again = Sample.job("extract", .running, ProgressView(done: 0, total: 2, unit: "tables", rows: 5))
        meter.see(Sample.run(.running, [again]), at: 5)
        #expect(meter.rates == [:])
    }

    @Test("a health report says what to do where it is not well")
    func health() throws {
        let report = HealthReport(
            version: "0.1.0",
            parts: [
                PartHealth(name: "metadata", healthy: true, detail: "PostgreSQL 15.18 answers."),
                PartHealth(
                    name: "query engine", healthy: false, detail: "It does not answer.", hint: "Look at its log."),
            ])
        try expectGolden(HealthText(style: .plain).text(of: report, at: "http://127.0.0.1:8080"), "status.txt")
    }

    @Test("a list of runs and one run")
    func runs() throws {
        let text = RunText(style: .plain)
        try expectGolden(text.text(of: [Sample.success.run, Sample.failure.run]), "runs.txt")
        try expectGolden(text.text(of: Sample.failure, dashboard: nil), "run.txt")
        #expect(text.text(of: []) == "There are no runs yet. Begin with: weir clone URL\n")
    }

    private static let answer = QueryTable(
        columns: [
            QueryColumn(name: "id", type: "INTEGER"), QueryColumn(name: "name", type: "VARCHAR"),
            QueryColumn(name: "total", type: "DECIMAL(10,2)"), QueryColumn(name: "tags", type: "INTEGER[]"),
        ],
        rows: [
            [.integer(1), .text("Größe 日本"), .text("2328.60"), .text("[1, 2]")],
            [.integer(1_000_000), .null, .null, .text("")],
            [.integer(2), .text(String(repeating: "long ", count: 40) + "\nend"), .number(0.5), .null],
        ], truncated: true, seconds: 0.1)
}

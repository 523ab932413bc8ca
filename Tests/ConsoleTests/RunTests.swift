import Testing
import Wire

@testable import Console

@Suite struct RunTests {
    @Test func `a run is cancelled, retried and resolved from its page, which comes again`() async throws {
        let browser = try Browser()
        let page = try await browser.get("/runs/\(Shop.failedID)").body
        #expect(page.contains("action=\"/runs/\(Shop.failedID)/retry\""))
        #expect(!page.contains("/cancel\""))
        for (path, form) in [
            ("cancel", "note="), ("retry", "from="), ("retry", "from=load"), ("resolve", "note=by+hand"),
        ] {
            let answer = try await browser.post("/runs/\(Shop.failedID)/\(path)", form)
            #expect(answer.status == 303)
            #expect(answer["Location"] == "/runs/\(Shop.failedID)")
        }
        let changes = ["cancel", "retry", "retry", "resolve"].map { "\($0) \(Shop.failedID)" }
        #expect(browser.operations.asked == zip(changes, ["-", "-", "load", "by hand"]).map { "\($0) \($1)" })
    }

    @Test func `events carry pieces of the page, log lines with their sequence, and an end`() async throws {
        let answer = try await Browser().get("/runs/\(Shop.runningID)/events?after=5")
        #expect(answer["Content-Type"] == "text/event-stream; charset=utf-8")
        #expect(answer.body.hasPrefix("event: run\ndata: <header class=\"head\" id=\"run-head\">"))
        #expect(answer.body.contains("\nid: 140\nevent: log\ndata: <li class=\"info\" data-sequence=\"140\">"))
        #expect(answer.body.hasSuffix("event: over\ndata: over\n\n"))
    }

    @Test func `a browser that lost the line goes on after the last log line it has`() async throws {
        let browser = try Browser()
        let answer = try await browser.get("/runs/\(Shop.runningID)/events?after=5", ["Last-Event-ID": "90"])
        #expect(browser.operations.asked == ["events after 90"])
        #expect(!answer.body.contains("data-sequence=\"90\""))
        #expect(answer.body.contains("data-sequence=\"100\""))
    }

    @Test func `a page of a run that goes on reloads itself where scripts are off, one that is over does not`()
        async throws
    {
        let browser = try Browser()
        let running = try await browser.get("/runs/\(Shop.runningID)").body
        #expect(running.contains("<noscript><meta http-equiv=\"refresh\""))
        #expect(running.contains("data-events=\"/runs/\(Shop.runningID)/events?after=5\""))
        let done = try await browser.get("/runs/\(Shop.doneID)").body
        #expect(!done.contains("http-equiv=\"refresh\""))
        #expect(!done.contains("data-events"))
        #expect(done.contains("href=\"/dashboards/shop\""))
    }

    @Test func `the pages of a long log hold every line once, the newest first`() async throws {
        let browser = try Browser()
        var path: String? = "/runs/\(Shop.longID)"
        var pages: [[Int]] = []
        while let address = path, pages.count < 5 {
            let body = try await browser.get(address).body
            pages.append(body.matches(of: /data-sequence="(\d+)"/).compactMap { Int($0.1) })
            #expect(body.contains(">Newest lines</a>") == (pages.count > 1))
            path = body.firstMatch(of: /id="log-earlier" href="([^"#]+)#log-title"/).map { String($0.1) }
        }
        #expect(pages.map(\.count) == [500, 500, 200])
        #expect(pages.reversed().flatMap { $0 } == Array(1...1200))
    }

    @Test func `beside earlier lines a run that goes on is not followed`() async throws {
        let body = try await Browser().get("/runs/\(Shop.runningID)?before=4").body
        #expect(!body.contains("data-events"))
        #expect(!body.contains("http-equiv=\"refresh\""))
        #expect(body.contains("<a href=\"/runs/\(Shop.runningID)#log-title\">Newest lines</a>"))
    }

    @Test func `a stream that fails is no end of the run`() async throws {
        let events = AsyncThrowingStream<RunEvent, any Error> { queue in
            queue.yield(.run(ShopRuns.running(step: ShopRuns.lastStep)))
            queue.finish(throwing: FixtureOperations.Broken())
        }
        let console = try Fixtures.console(FixtureOperations())
        var pieces: [String] = []
        var stream = RunEventStream(pages: console.pages, time: console.time)
        stream.heartbeats = .every(.seconds(3600))
        try await stream.write(events) { pieces.append($0) }
        #expect(pieces.count == 1)
    }

    @Test func `a run that is not there is a 404 in words`() async throws {
        for id in ["nonsense", "0b9d7a10-5f3e-4c56-9a57-1f2f6f3cffff"] {
            let answer = try await Browser().get("/runs/\(id)")
            #expect(answer.status == 404)
            #expect(answer.body.contains("There is no such run."))
        }
    }

    @Test(arguments: [
        ("http://h:1/dashboards/shop?environment=prod", "/dashboards/shop?environment=prod" as String?),
        ("/dashboards/shop", "/dashboards/shop"), ("javascript:alert(1)", nil), ("https://h//evil.test/x", nil),
    ])
    func `a link to a dashboard stays on this console`(address: String, path: String?) {
        #expect(RunLive.path(of: address) == path)
    }
}

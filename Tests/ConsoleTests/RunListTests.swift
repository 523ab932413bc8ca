import Testing
import Wire

@testable import Console

@Suite struct RunListTests {
    @Test func `the address names the filter, and the page says what is in force and leads out of it`() async throws {
        let browser = try Browser()
        let path =
            "/runs?state=failed&state=pending&source=billing&environment=stage&kind=clone&schedule=nightly&search=x+y"
        let body = try await browser.get(path).body
        let filter = try #require(browser.operations.runFilters.last)
        #expect(
            filter
                == RunFilter(
                    limit: 50, states: [.failed, .retryable, .pending], kind: "clone", source: "billing",
                    environment: "stage", schedule: "nightly", search: "x y"))
        let rest = "source=billing&amp;environment=stage&amp;kind=clone&amp;schedule=nightly&amp;search=x%20y"
        #expect(body.contains("href=\"/runs?state=pending&amp;\(rest)\" aria-label=\"Without State: Failed\""))
        #expect(body.contains("Without Schedule: nightly"))
        #expect(body.contains("<a href=\"/runs\">Clear all</a>"))
        #expect(body.contains("<details class=\"more\" open>"))
        #expect(body.contains("No run is like that"))
        #expect(!body.contains("Nothing has run yet"))
    }

    @Test(arguments: ["state=moon", "environment=moon", "kind=moon"])
    func `a filter that cannot be is refused in words`(query: String) async throws {
        let answer = try await Browser().get("/runs?\(query)")
        #expect(answer.status == 400)
        #expect(answer.body.contains("There is no such"))
    }

    @Test func `older runs are behind a link that keeps the filter`() async throws {
        let browser = try Browser(FixtureOperations(.busy))
        let first = try await browser.get("/runs?state=success").body
        let older = try #require(first.firstMatch(of: /href="([^"]+)" rel="next"/)).1.replacing("&amp;", with: "&")
        #expect(older == "/runs?state=success&before=50")
        #expect(!first.contains("Newest runs"))
        let second = try await browser.get(String(older)).body
        #expect(browser.operations.runFilters.last?.before == "50")
        #expect(second.contains("href=\"/runs?state=success\">Newest runs</a>"))
        let ids = [first, second].map { Set($0.matches(of: /name="run" value="([^"]+)"/).map { String($0.1) }) }
        #expect(ids.map(\.count) == [50, 20])
        #expect(ids[0].isDisjoint(with: ids[1]))
        let third = try await browser.get("/runs?before=900").body
        #expect(third.contains("No older runs"))
    }

    @Test func `messages are left out unless they are asked for`() async throws {
        let browser = try Browser()
        #expect(try await !browser.get("/runs").body.contains("Message about"))
        let messages = try await browser.get("/runs?kind=notify").body
        #expect(messages.contains("Message about billing"))
        #expect(!messages.contains("Clone of"))
    }

    @Test func `a run that a schedule made says so and leads to it`() async throws {
        let browser = try Browser()
        #expect(try await browser.get("/runs").body.contains("by <a href=\"/schedules/nightly\">nightly</a>"))
        let run = try await browser.get("/runs/\(ShopHistory.fannedID)").body
        #expect(run.contains("<a href=\"/schedules/nightly\">nightly</a>"))
        #expect(run.contains("4bf92f3577b34da6a3ce929d0e0e2000"))
        let byHand = try await browser.get("/runs/\(Shop.doneID)").body
        #expect(byHand.contains("href=\"/schedules/new?pipeline=dev%2Fshop\""))
    }

    @Test func `the chosen runs are changed together, and each one's outcome is told`() async throws {
        let browser = try Browser()
        let form = "action=retry&run=\(Shop.failedID)&run=\(Shop.doneID)&note=&query=source%3Dbilling"
        let answer = try await browser.post("/runs/actions", form)
        #expect(answer.status == 200)
        #expect(browser.operations.asked == ["retry \(Shop.failedID) \(Shop.doneID) -"])
        #expect(answer.body.contains("1 run was taken up again, 1 could not be."))
        #expect(answer.body.contains("<a href=\"/runs/\(Shop.failedID)\">Clone of billing</a>"))
        #expect(answer.body.contains("The run was a success: there is nothing to take up."))
        #expect(browser.operations.runFilters.allSatisfy { $0.source == "billing" })
        try Golden.expect(answer.body, "runs-outcome")
    }

    @Test(arguments: [
        ("action=retry", "No run is chosen."), ("run=a&action=burn", "It is not said what is to be done."),
        ("run=\(Shop.failedID)&action=resolve&note=+", "To resolve runs, say how."),
    ])
    func `a change that lacks something does nothing and keeps what was chosen`(
        form: String, sentence: String
    ) async throws {
        let browser = try Browser()
        let answer = try await browser.post("/runs/actions", form)
        #expect(answer.status == 400)
        #expect(answer.body.contains(sentence))
        #expect(browser.operations.asked.isEmpty)
        let isKept = answer.body.contains(/value="[^"]+1a03" form="bulk" aria-label="[^"]+" checked>/)
        #expect(isKept == form.contains(Shop.failedID))
    }

    @Test func `a script gets the list alone, and is told to ask again while runs go on`() async throws {
        let browser = try Browser()
        let piece = try await browser.get("/runs", ["HX-Request": "true"]).body
        #expect(piece.hasPrefix("<div id=\"run-list\" class=\"run-list\" data-refresh=\"5\">"))
        let over = try await browser.get("/runs?state=success", ["HX-Request": "true"]).body
        #expect(over.hasPrefix("<div id=\"run-list\" class=\"run-list\">"))
    }

    @Test func `names that look like markup stay text wherever a list shows them`() async throws {
        let browser = try Browser()
        let hostile = ShopHistory.hostile.encodedForAddress
        for path in ["/runs", "/runs?search=\(hostile)&source=\(hostile)&schedule=\(hostile)"] {
            let body = try await browser.get(path).body
            #expect(body.contains("&lt;script&gt;alert(1)"))
            #expect(!body.contains("<script>alert"))
            #expect(!body.contains("\" x='"))
        }
    }

    @Test func `a run that is retried from another page leads back to it, and to no other site`() async throws {
        let browser = try Browser()
        let back = try await browser.post("/runs/\(Shop.failedID)/retry", "next=%2Fnotifications%3Fstate%3Ddead")
        #expect(back["Location"] == "/notifications?state=dead")
        let evil = try await browser.post("/runs/\(Shop.failedID)/retry", "next=%2F%2Fevil.test")
        #expect(evil["Location"] == "/runs/\(Shop.failedID)")
    }
}

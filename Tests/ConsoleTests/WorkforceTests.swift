import Testing
import Wire

@testable import Console

@Suite struct WorkforceTests {
    @Test(arguments: [
        "workers": "/workers", "window-new": "/workers/windows/new", "window-edit": "/workers/windows/weekend/edit",
        "window-delete": "/workers/windows/weekend/delete",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        #expect(!answer.body.contains("<script>alert"))
        try Golden.expect(answer.body, name)
    }

    @Test func `without a worker the page says how to start one`() async throws {
        let body = try await Browser(FixtureOperations(.empty)).get("/workers").body
        #expect(body.contains("No worker is running"))
        #expect(body.contains("<code>weir work</code>"))
        #expect(body.contains("No limit is set, and none is in use"))
        try Golden.expect(body, "workers-empty")
    }

    @Test func `a limit is set, taken away, paused and resumed`() async throws {
        let browser = try Browser()
        for (path, form) in [
            ("", "key=source%2Fdev%2Fshop&most=2&seconds=0.5"), ("", "key=organization&most=&seconds="),
            ("/pause", "key=warehouse%2Fprod&minutes=30&because=moving+house"), ("/pause", "key=organization&minutes="),
            ("/resume", "key=organization"),
        ] {
            let answer = try await browser.post("/workers/limits\(path)", form)
            #expect(answer.status == 303)
            #expect(answer["Location"] == "/workers#limits")
        }
        #expect(
            browser.operations.asked
                == [
                    "limit source/dev/shop 2 0.5", "limit organization - -", "pause warehouse/prod 30 moving house",
                    "pause organization - -", "resume organization",
                ])
    }

    @Test(arguments: [
        ("", "key=source%2Fdev%2Flong_ago&most=0"), ("", "key=source%2Fdev%2Flong_ago&most=two"),
        ("", "key=source%2Fdev%2Flong_ago&seconds=inf"), ("", "key=&most=1"),
        ("/pause", "key=source%2Fdev%2Flong_ago&minutes=-5"), ("/resume", ""),
    ])
    func `a limit that cannot be is refused, and its form kept`(path: String, form: String) async throws {
        let browser = try Browser()
        let answer = try await browser.post("/workers/limits\(path)", form)
        #expect(answer.status == 400)
        #expect(answer.body.contains("role=\"alert\""))
        #expect(
            answer.body.contains("<option value=\"source/dev/long_ago\" selected>Source long_ago in dev")
                == form.contains("long_ago"))
        #expect(browser.operations.asked.isEmpty)
    }

    @Test func `a window is made, changed and deleted`() async throws {
        let browser = try Browser()
        let form = "key=warehouse%2Fdev&expression=0+2+*+*+6&timeZone=Europe%2FBerlin&minutes=240&because="
        #expect(try await browser.post("/workers/windows", "name=sunday&\(form)")["Location"] == "/workers#windows")
        #expect(try await browser.post("/workers/windows/weekend", form)["Location"] == "/workers#windows")
        #expect(try await browser.post("/workers/windows/weekend/delete")["Location"] == "/workers#windows")
        #expect(
            browser.operations.asked
                == [
                    "window sunday warehouse/dev 0 2 * * 6 Europe/Berlin 240",
                    "window weekend warehouse/dev 0 2 * * 6 Europe/Berlin 240", "delete window weekend",
                ])
        #expect(try await browser.get("/workers/windows/nothing/edit").status == 404)
    }

    @Test(arguments: [
        ("name=weekend", 409, "There is a window weekend already."), ("name=", 400, "Try weekend."),
        ("expression=", 400, "when the window opens"), ("expression=0+0+30+2+*", 400, "never fires"),
        ("minutes=", 400, "how long the window stays open"), ("minutes=x", 400, "is no whole number"),
    ])
    func `a window that cannot be is shown again with what was typed`(
        change: String, status: Int, sentence: String
    ) async throws {
        let browser = try Browser()
        let form = "\(change)&name=sunday&key=organization&expression=0+2+*+*+6&minutes=240&because=kept+reason"
        let answer = try await browser.post("/workers/windows", form)
        #expect(answer.status == status)
        #expect(answer.body.contains(sentence))
        #expect(answer.body.contains("value=\"kept reason\""))
        #expect(browser.operations.asked.isEmpty)
    }

    @Test(arguments: [
        ("organization", "All jobs"), ("source/dev/a/b", "Source a/b in dev"), ("warehouse/prod", "Warehouse prod"),
        ("source/dev", "source/dev"), ("", ""),
    ])
    func `keys of limits have names`(key: String, label: String) { #expect(LimitKey.label(key) == label) }
}

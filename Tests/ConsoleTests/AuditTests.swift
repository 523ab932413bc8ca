import Testing
import Wire

@testable import Console

@Suite struct AuditTests {
    @Test(arguments: [
        "audit": "/audit", "audit-filtered": "/audit?who=ana&outcome=refused&before=10",
        "audit-line": "/audit/lines/12", "audit-line-hostile": "/audit/lines/10",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        #expect(!answer.body.contains("<script>alert"))
        try Golden.expect(answer.body, name)
    }

    @Test func `where nothing was done, and where nothing matches, the page says so`() async throws {
        #expect(try await Browser(FixtureOperations(.empty)).get("/audit").body.contains("Nothing was done yet"))
        #expect(try await Browser().get("/audit?text=nobody").body.contains("No line is like that"))
    }

    @Test func `what is searched for is asked, and stays in the form and in the pages' addresses`() async throws {
        let browser = try Browser()
        let body = try await browser.get("/audit?text=a%26b&who=ana&action=schedules&outcome=done").body
        #expect(browser.operations.asked == ["audit organization ana schedules done a&b before -"])
        #expect(body.contains("name=\"text\" value=\"a&amp;b\""))
        #expect(body.contains("/audit?text=a%26b&amp;who=ana&amp;action=schedules&amp;outcome=done&amp;before=10"))
    }

    @Test func `a moment that is none is told above the form that holds it`() async throws {
        let answer = try await Browser().get("/audit?from=never")
        #expect(answer.status == 400)
        #expect(answer.body.contains("never is no moment."))
        #expect(answer.body.contains("name=\"from\" value=\"never\""))
    }

    @Test func `a check says how many lines it has seen, or what is wrong`() async throws {
        let whole = try await Browser().post("/audit/verify", "who=ana").body
        #expect(whole.contains("Verified just now: 10 lines"))
        let broken = try await Browser(FixtureOperations(.unwell)).post("/audit/verify").body
        #expect(broken.contains("The audit is not whole."))
        #expect(broken.contains("Lines 7 to 8 were removed."))
        #expect(try await Browser().get("/audit/verify").status == 404)
    }

    @Test func `an export is a file of what is chosen`() async throws {
        let browser = try Browser()
        let answer = try await browser.post("/audit/export", "format=csv&who=ana")
        #expect(answer["Content-Disposition"] == "attachment; filename=\"audit.csv\"")
        #expect(answer["Content-Type"] == "text/csv; charset=utf-8")
        #expect(answer.body == "line\n")
        #expect(browser.operations.asked == ["export csv ana"])
        #expect(try await browser.post("/audit/export", "format=exe").status == 400)
    }

    @Test(arguments: ["/audit/lines/0", "/audit/lines/x", "/audit/lines/99"])
    func `a line that is none is not found`(path: String) async throws {
        #expect(try await Browser().get(path).status == 404)
    }
}

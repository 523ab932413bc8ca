import Testing
import Wire

@testable import Console

@Suite struct NewSourceTests {
    private let piece = ["HX-Request": "true"]

    @Test func `testing a connection lists its streams, views not chosen and refusals with their reason`() async throws
    {
        let answer = try await Browser().post("/sources/test", "address=postgresql%3A%2F%2Freader%40db%2Fshop", piece)
        #expect(answer.status == 200)
        try Golden.expect(answer.body, "source-streams")
    }

    @Test func `a password typed apart goes into the address and never back into the page`() async throws {
        let browser = try Browser()
        let form = "address=postgresql%3A%2F%2Freader%40db%2Fshop&password=a%40b%2F+c&source=shop&environment=stage"
        let answer = try await browser.post("/sources/test", form)
        #expect(browser.operations.tested.first == "postgresql://reader:a%40b%2F%20c@db/shop")
        #expect(answer.body.contains("value=\"postgresql://reader@db/shop\""))
        #expect(answer.body.contains("<option value=\"stage\" selected>"))
        #expect(!answer.body.contains("a@b"))
        #expect(!answer.body.contains("a%40b"))
    }

    @Test func `a source that does not answer is one sentence and a hint, and the form is kept`() async throws {
        let form = "address=postgresql%3A%2F%2Freader%3Ahunter2%40nowhere%2Fshop&source=shop"
        let answer = try await Browser().post("/sources/test", form)
        #expect(answer.status == 502)
        #expect(answer.body.contains("Nothing answers at nowhere:5432."))
        #expect(answer.body.contains("value=\"postgresql://reader@nowhere/shop\""))
        #expect(!answer.body.contains("hunter2"))
        let fragment = try await Browser().post("/sources/test", form, piece)
        #expect(fragment.status == 502)
        #expect(fragment.body.hasPrefix("<div class=\"note bad\""))
    }

    @Test func `cloning asks for the chosen tables and leads to the run`() async throws {
        let browser = try Browser()
        let form = "address=postgresql%3A%2F%2Fr%40db%2Fshop&listed=yes&table=public.orders&table=public.customers"
        let answer = try await browser.post("/clones", form, piece)
        #expect(answer.status == 204)
        #expect(answer["HX-Redirect"] == "/runs/\(Shop.runningID)")
        let request = try #require(browser.operations.clones.first)
        #expect(request.tables == ["public.orders", "public.customers"])
        #expect(request.environment == "dev")
    }

    @Test func `cloning without a test clones all tables`() async throws {
        let browser = try Browser()
        _ = try await browser.post("/clones", "address=postgresql%3A%2F%2Fr%40db%2Fshop")
        #expect(try #require(browser.operations.clones.first).tables == nil)
    }

    @Test(arguments: [
        "address=", "address=postgresql%3A%2F%2Fh%2Fd&listed=yes", "address=postgresql%3A%2F%2Fh%2Fd&source=My+Shop",
        "address=postgresql%3A%2F%2Fh%2Fd&environment=moon",
    ])
    func `a form that lacks something is refused before anything starts`(form: String) async throws {
        let browser = try Browser()
        let answer = try await browser.post("/clones", form)
        #expect(answer.status == 400)
        #expect(answer.body.contains("role=\"alert\""))
        #expect(browser.operations.clones.isEmpty)
    }

    @Test(arguments: [
        ("postgresql://u:p@h:1/d", "postgresql://u@h:1/d"), ("postgresql://u:p@ss/w@h/d", "postgresql://u@h/d"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://h/d?password=x&sslmode=require", "postgresql://h/d?sslmode=require"),
        ("u:p@h/d", "u@h/d"), ("", ""),
    ])
    func `an address is shown without its password`(address: String, shown: String) {
        #expect(ConnectionAddress(address).withoutPassword == shown)
    }
}

import HTTPTypes
import Kernel
import NIOCore
import Testing
import Wire

@testable import Console

@Suite("Pages at once") struct AtOnceTests {
    private let changes = ChangeCounts()
    private let origin = RequestOrigin(address: nil, isSecure: false, authority: "weir.test:8080")

    private static let fragment: [String: String] = ["HX-Request": "true"]

    @Test(
        "they are what the routes answer, byte for byte",
        arguments: [
            ("/runs", "/runs", [:]), ("/runs", "/runs", fragment), ("/runs?state=failed", "/runs", [:]),
            ("/dashboards", "/dashboards", [:]), ("/dashboards/shop?from=2026-11-20", "/dashboards/{name}", [:]),
            ("/dashboards/shop/charts/by_status/data", "/dashboards/{name}/charts/{chart}/data", [:]),
        ])
    func same(path: String, route: String, fields: [String: String]) async throws {
        let browser = try Browser(changes: changes)
        var head = Browser.head(.get, path)
        for (name, value) in fields { head.headerFields[try #require(HTTPField.Name(name))] = value }
        #expect(browser.console.answerAtOnce(head, from: origin) == nil)
        let made = try await browser.get(path, fields)
        let ready = try #require(browser.console.answerAtOnce(head, from: origin))
        #expect(String(buffer: ready.body) == made.body)
        var expected = made.headers
        expected[.contentLength] = nil
        #expect(ready.fields == expected)
        #expect(ready.route == route)
        #expect(made.status == 200)
    }

    @Test("a page and its piece are told apart")
    func pieces() async throws {
        let browser = try Browser(changes: changes)
        _ = try await browser.get("/runs")
        var head = Browser.head(.get, "/runs")
        head.headerFields.set("HX-Request", "true")
        #expect(browser.console.answerAtOnce(head, from: origin) == nil)
    }

    @Test("nothing is given to those whom the console does not know by heart, nor after a change")
    func refused() async throws {
        let browser = try Browser(changes: changes)
        _ = try await browser.get("/runs")
        let console = browser.console
        #expect(console.answerAtOnce(Browser.head(.get, "/runs"), from: origin) != nil)
        #expect(console.answerAtOnce(Browser.head(.get, "/runs", signedIn: false), from: origin) == nil)
        #expect(console.answerAtOnce(Browser.head(.head, "/runs"), from: origin) == nil)
        #expect(console.answerAtOnce(Browser.head(.post, "/runs"), from: origin) == nil)
        // Over TLS the cookie has another name, which nobody can plant.
        let secure = RequestOrigin(address: nil, isSecure: true, authority: "weir.test")
        #expect(console.answerAtOnce(Browser.head(.get, "/runs"), from: secure) == nil)
        var stranger = Browser.head(.get, "/runs", signedIn: false)
        stranger.headerFields[.cookie] = "weir_session=of-nobody"
        #expect(console.answerAtOnce(stranger, from: origin) == nil)
        changes.note(in: FixtureOperations.caller.organization)
        #expect(console.answerAtOnce(Browser.head(.get, "/runs"), from: origin) == nil)
    }

    @Test("without changes to go by, nothing is ready")
    func none() async throws {
        let browser = try Browser()
        _ = try await browser.get("/runs")
        #expect(browser.console.answerAtOnce(Browser.head(.get, "/runs"), from: origin) == nil)
    }
}

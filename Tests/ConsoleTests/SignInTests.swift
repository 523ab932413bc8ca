import HTTPTypes
import Testing

@testable import Console

@Suite struct SignInTests {
    @Test func `the sign-in page says which command gives a link`() async throws {
        let answer = try await Browser().get("/sign-in", signedIn: false)
        #expect(answer.status == 200)
        try Golden.expect(answer.body, "sign-in")
    }

    @Test func `opening a link does not use it up and does not repeat its code`() async throws {
        let answer = try await Browser().get("/sign-in/good-code", signedIn: false)
        #expect(answer.status == 200)
        #expect(answer["Set-Cookie"] == nil)
        #expect(!answer.body.contains("good-code"))
        try Golden.expect(answer.body, "sign-in-confirm")
    }

    @Test func `the button opens a session in a cookie that scripts cannot read`() async throws {
        let answer = try await Browser().post("/sign-in/good-code", signedIn: false)
        #expect(answer.status == 303)
        #expect(answer["Location"] == "/")
        let parts = Set(try #require(answer["Set-Cookie"]).split(separator: "; ").map(String.init))
        #expect(parts == ["weir_session=fixture-session", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"])
    }

    @Test(arguments: [
        "/", "/runs/\(Shop.doneID)", "/tables/RAW/a%20b?environment=prod", "/query?sql=SELECT+1%3B",
        "/tables?a=%2F%2Fb",
    ])
    func `a page that was wanted before signing in comes after it`(path: String) async throws {
        let browser = try Browser()
        let wanted = try await browser.get(path, signedIn: false)
        #expect(wanted["Location"] == "/sign-in")
        let cookie = try #require(wanted["Set-Cookie"]).split(separator: "; ").map(String.init)
        #expect(Set(cookie.dropFirst()) == ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=900"])
        let answer = try await browser.post("/sign-in/good-code", "", ["Cookie": cookie[0]], signedIn: false)
        #expect(answer.status == 303)
        #expect(answer["Location"] == path)
        let cookies = answer.headers[values: .setCookie]
        #expect(cookies.contains { $0.hasPrefix("weir_session=fixture-session; ") })
        #expect(cookies.contains { $0.hasPrefix("weir_next=; ") && $0.contains("Max-Age=0") })
    }

    @Test(arguments: [
        "https://evil.test/", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/runs//evil.test",
        "/..//evil.test",
        "evil.test", "javascript:alert(1)", "", " /runs", "/\tevil", "/runs\r\nSet-Cookie: a=b", "/\0", "/rüns",
        "/\u{7f}",
        "/\u{200b}", "%2F%2Fevil.test", "/" + String(repeating: "a", count: 2000),
    ])
    func `a cookie that leads elsewhere leads home`(path: String) async throws {
        let answer = try await Browser().post(
            "/sign-in/good-code", "", ["Cookie": "weir_next=\(path.encodedForAddress)"], signedIn: false)
        #expect(answer.status == 303)
        #expect(answer["Location"] == "/")
    }

    @Test(arguments: ["//evil.test", "//runs", "/runs//", "/runs/\\evil.test", "http://evil.test/runs"])
    func `an address that may lead elsewhere is not remembered`(path: String) async throws {
        #expect(try await Browser().get(path, signedIn: false)["Set-Cookie"] == nil)
    }

    @Test func `what only scripts ask for is not remembered`() async throws {
        let browser = try Browser()
        let data = "/dashboards/shop/charts/revenue/data"
        for fields in [["Accept": "application/json"], ["HX-Request": "true"], ["Accept": "text/event-stream"]] {
            #expect(try await browser.get(data, fields, signedIn: false)["Set-Cookie"] == nil)
        }
    }

    @Test func `a link that is too old keeps the page for the next one`() async throws {
        let answer = try await Browser().post("/sign-in/stale", "", ["Cookie": "weir_next=%2Fruns"], signedIn: false)
        #expect(answer.status == 401)
        #expect(answer["Set-Cookie"] == nil)
    }

    @Test func `a header alone makes no connection secure`() async throws {
        let answer = try await Browser().post(
            "/sign-in/good-code", "", ["X-Forwarded-Proto": "https"], signedIn: false)
        #expect(try !#require(answer["Set-Cookie"]).contains("; Secure"))
    }

    @Test func `a link that was used or is too old gets a page with 401`() async throws {
        let answer = try await Browser().post("/sign-in/stale", signedIn: false)
        #expect(answer.status == 401)
        #expect(answer["Set-Cookie"] == nil)
        try Golden.expect(answer.body, "sign-in-expired")
    }

    @Test func `signing out ends the session on both sides`() async throws {
        let browser = try Browser()
        let answer = try await browser.post("/sign-out")
        #expect(answer.status == 303)
        #expect(try #require(answer["Set-Cookie"]).contains("Max-Age=0"))
        #expect(try await browser.get("/").status == 303)
    }
}

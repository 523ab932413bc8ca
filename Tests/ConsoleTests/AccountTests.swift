import Testing
import Wire
import WireSamples

@testable import Console

@Suite struct AccountTests {
    @Test(arguments: [
        "tokens": "/tokens", "token-new": "/tokens/new?service=nightly-etl", "account": "/account",
        "token-revoke": "/tokens/\(WireSamples.token.tokenID)/revoke",
        "service-remove": "/services/nightly-etl/remove", "device": "/device",
        "device-confirm": "/device?code=\(WireSamples.userCode)",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        #expect(!answer.body.contains("<script>alert"))
        #expect(!answer.body.contains(WireSamples.tokenText))
        try Golden.expect(answer.body, name)
    }

    @Test func `a token is on the page that makes it, and on no other`() async throws {
        let browser = try Browser()
        let made = try await browser.post("/tokens", "name=x&scope=chosen&permission=runs.read&days=30")
        #expect(made.status == 201)
        #expect(made.body.contains(WireSamples.tokenText))
        #expect(made["Cache-Control"] == "no-store")
        try Golden.expect(made.body, "token-made")
        let rotated = try await browser.post("/tokens/\(WireSamples.token.tokenID)/rotate", "grace=24")
        #expect(rotated.body.contains(WireSamples.tokenText) && rotated.body.contains("goes on for 24 hours"))
    }

    @Test func `a form that cannot be is shown again with what was typed`() async throws {
        let browser = try Browser()
        let token = try await browser.post("/tokens", "name=kept+name&scope=chosen&days=30")
        #expect(token.status == 400)
        #expect(token.body.contains("value=\"kept name\""))
        #expect(token.body.contains("A token without scopes can do nothing."))
        let service = try await browser.post("/services", "name=taken&role=viewer&environment=")
        #expect(service.status == 409)
        #expect(service.body.contains("value=\"taken\""))
        let erasure = try await browser.post("/account/erase", "confirm=somebody")
        #expect(erasure.status == 400)
        #expect(erasure.body.contains("The name does not match."))
    }

    @Test func `a command line is answered once, and a code that is none is asked for again`() async throws {
        let browser = try Browser()
        let form = "code=\(WireSamples.userCode)&scopes=read&days=30&answer="
        #expect(try await browser.post("/device", form + "approve").body.contains("It is let in"))
        #expect(try await browser.post("/device", form + "deny").body.contains("It is denied"))
        let unknown = try await browser.get("/device?code=XXXX-XXXX")
        #expect(unknown.status == 404)
        #expect(unknown.body.contains("No sign-in waits with this code."))
        let foreign = try await browser.post("/device", form + "approve", ["Sec-Fetch-Site": "cross-site"])
        #expect(foreign.status == 403)
    }

    @Test func `an account that is erased is signed out`() async throws {
        let answer = try await Browser().post("/account/erase", "confirm=ana%40acme.example")
        #expect(answer.status == 200)
        #expect(answer.body.contains("Your account is erased"))
        #expect(answer["Set-Cookie"]?.contains("Max-Age=0") == true)
    }

    @Test(arguments: [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
            "Edge on Windows"
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
            "Safari on iPhone"
        ),
        ("curl/8.1", "curl/8.1"),
    ])
    func `browsers are called by their own names`(agent: String, name: String) {
        #expect(SessionRow.name(of: agent) == name)
    }
}

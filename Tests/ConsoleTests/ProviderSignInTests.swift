import HTTPTypes
import Testing

@testable import Console

@Suite struct ProviderSignInTests {
    @Test func `the way to a provider leaves a cookie that scripts cannot read, for ten minutes`()
        async throws
    {
        let answer = try await Browser().get("/sign-in/with/acme", signedIn: false)
        #expect(answer.status == 303)
        #expect(answer["Location"] == "https://login.acme.example/authorize?state=s")
        let parts = Set(try #require(answer["Set-Cookie"]).split(separator: "; ").map(String.init))
        #expect(parts == ["weir_sign_in=fixture-seed", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"])
    }

    @Test func `an unknown issuer is told on the sign-in page`() async throws {
        let answer = try await Browser().get("/sign-in/with/other", signedIn: false)
        #expect(answer.status == 404)
        #expect(answer["Set-Cookie"] == nil)
        #expect(answer.body.contains("There is no issuer other.") && answer.body.contains("Sign in to Weirhouse"))
    }

    @Test(arguments: ["cross-site", "same-site"])
    func `another site's page signs nobody in, but leads to a page that asks`(site: String) async throws {
        let answer = try await Browser().get("/sign-in/with/acme", ["Sec-Fetch-Site": site], signedIn: false)
        #expect(answer.status == 200)
        #expect(answer["Set-Cookie"] == nil)
        #expect(answer.body.contains(#"href="/sign-in/with/acme""#) && !answer.body.contains("<strong></strong>"))
        let own = try await Browser().get("/sign-in/with/acme", ["Sec-Fetch-Site": "same-origin"], signedIn: false)
        #expect(own.status == 303)
    }

    @Test func `the way back opens a session and forgets the seed`() async throws {
        let answer = try await Browser().get(
            "/sign-in/callback/acme?state=s&code=good-code", ["Cookie": "weir_sign_in=fixture-seed"], signedIn: false)
        #expect(answer.status == 303)
        #expect(answer["Location"] == "/runs")
        let cookies = answer.headers[values: .setCookie]
        #expect(cookies.contains { $0.hasPrefix("weir_session=fixture-session; ") })
        #expect(cookies.contains { $0.hasPrefix("weir_sign_in=; ") && $0.contains("Max-Age=0") })
    }

    @Test(arguments: [
        "state=s&code=good-code", "state=other&code=good-code", "state=s&code=bad", "code=good-code", "",
        "error=access_denied",
    ])
    func `an answer that is not believed opens nothing`(query: String) async throws {
        // The first has everything but the cookie.
        let fields = query == "state=s&code=good-code" ? [:] : ["Cookie": "weir_sign_in=fixture-seed"]
        let answer = try await Browser().get("/sign-in/callback/acme?\(query)", fields, signedIn: false)
        #expect(answer.status == 401)
        #expect(!answer.headers[values: .setCookie].contains { $0.hasPrefix("weir_session=") })
        #expect(answer.body.contains("This answer belongs to another sign-in."))
    }

    @Test func `an address leads to links, since a form may lead to no other site`() async throws {
        let answer = try await Browser().post("/sign-in/email", "email=a%2Bb%40acme.example", signedIn: false)
        #expect(answer.status == 200)
        #expect(answer.body.contains(#"href="/sign-in/with/acme?email=a%2Bb%40acme.example""#))
        #expect(try #require(answer["Content-Security-Policy"]).contains("form-action 'self'"))
    }

    @Test func `a provider's word is answered as the standard says`() async throws {
        let browser = try Browser()
        #expect(
            try await browser.post("/sign-in/backchannel/acme", "logout_token=good-token", signedIn: false).status
                == 200)
        let refused = try await browser.post("/sign-in/backchannel/acme", "logout_token=x", signedIn: false)
        #expect(refused.status == 400)
        #expect(refused["Cache-Control"] == "no-store")
        #expect(refused.body.contains(#""error":"invalid_request""#))
    }
}

import Testing

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

    @Test func `behind https the cookie is for https only`() async throws {
        let answer = try await Browser().post(
            "/sign-in/good-code", "", ["X-Forwarded-Proto": "https"], signedIn: false)
        #expect(try #require(answer["Set-Cookie"]).contains("; Secure"))
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

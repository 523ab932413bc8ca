import Kernel
import Testing
import Wire

@Suite struct DoorkeeperTests {
    @Test(arguments: ["/", "/sign-in", "/no/such/page", "/runs/nonsense", "/tables?environment=moon"])
    func `every answer is strict with the browser`(path: String) async throws {
        let answer = try await Browser().get(path)
        let policy = try #require(answer["Content-Security-Policy"])
        #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'"))
        #expect(!policy.contains("unsafe"))
        #expect(answer["X-Content-Type-Options"] == "nosniff")
        #expect(answer["Referrer-Policy"] == "same-origin")
        #expect(answer["Cache-Control"] == "no-store")
    }

    @Test(arguments: [
        ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"], ["Origin": "https://evil.test"],
        ["Origin": "null"], ["Origin": "http://weir.test:9999"], ["Origin": "https://weir.test:8080"],
        ["Origin": "http://weir.test:8080", "Sec-Fetch-Site": "cross-site"],
    ])
    func `a post from another site is refused and does nothing`(fields: [String: String]) async throws {
        let browser = try Browser()
        let answer = try await browser.post("/clones", "address=postgresql%3A%2F%2Fh%2Fd", fields)
        #expect(answer.status == 403)
        #expect(browser.operations.clones.isEmpty)
    }

    @Test(arguments: [["Sec-Fetch-Site": "same-origin"], ["Origin": "http://weir.test:8080"]])
    func `a post of our own goes through`(fields: [String: String]) async throws {
        let browser = try Browser()
        let answer = try await browser.post("/clones", "address=postgresql%3A%2F%2Fh%2Fd", fields)
        #expect(answer.status == 303)
        #expect(answer["Location"] == "/runs/\(Shop.runningID)")
    }

    @Test func `a post that does not say where it is from is refused`() async throws {
        let browser = try Browser()
        let answer = try await browser.post("/clones", "address=postgresql%3A%2F%2Fh%2Fd", saysWhere: false)
        #expect(answer.status == 403)
        #expect(browser.operations.clones.isEmpty)
    }

    @Test(arguments: [("https", true), ("http", false)])
    func `behind TLS only its own origin may post, and cookies are bound to the host`(
        scheme: String, isTaken: Bool
    ) async throws {
        let browser = try Browser()
        let origin = RequestOrigin(address: nil, isSecure: true, authority: "weir.test:8080")
        try await RequestOrigin.$current.withValue(origin) {
            let answer = try await browser.post(
                "/sign-in/\(FixtureOperations.goodCode)", "", ["Origin": "\(scheme)://weir.test:8080"], signedIn: false)
            #expect(answer.status == (isTaken ? 303 : 403))
            let cookie = answer["Set-Cookie"]
            #expect(cookie?.hasPrefix("__Host-weir_session=") ?? false == isTaken)
            #expect(cookie?.contains("; Secure") ?? false == isTaken)
            // A cookie without the prefix may be somebody else's.
            #expect(try await browser.get("/runs").status == 303)
        }
    }

    @Test func `whoever tries too many codes has to wait, and a right one that is known gets in`() async throws {
        let browser = try Browser()
        var statuses: [Int] = []
        for number in 0..<21 {
            statuses.append(try await browser.post("/sign-in/wrong-\(number)", signedIn: false).status)
        }
        #expect(statuses == Array(repeating: 401, count: 20) + [429])
        let waiting = try await browser.post("/sign-in/wrong-again", signedIn: false)
        #expect(waiting["Retry-After"].flatMap { Int($0) } ?? 0 >= 1)
        browser.attempts.expect(FixtureOperations.goodCode)
        #expect(try await browser.post("/sign-in/\(FixtureOperations.goodCode)", signedIn: false).status == 303)
    }

    @Test func `people who are not signed in are led to the sign-in page`() async throws {
        let browser = try Browser()
        let page = try await browser.get("/runs", signedIn: false)
        #expect(page.status == 303)
        #expect(page["Location"] == "/sign-in")
        let script = try await browser.get(
            "/dashboards/shop/charts/revenue/data", ["Accept": "application/json"], signedIn: false)
        #expect(script.status == 401)
        #expect(script["Content-Type"] == "application/problem+json")
        let piece = try await browser.post("/query", "sql=select+1", ["HX-Request": "true"], signedIn: false)
        #expect(piece.status == 401)
        #expect(piece["HX-Redirect"] == "/sign-in")
    }

    @Test func `a value from a source never becomes markup`() async throws {
        let body = try await Browser().get("/tables/MARTS/fct_orders").body
        #expect(body.contains("Bo &lt;b&gt;Li&lt;/b&gt;"))
        #expect(!body.contains("<b>Li"))
    }

    @Test func `a quote with a combining mark stays inside its attribute`() async throws {
        let body = try await Browser().get("/tables?filter=%22%CC%81%20autofocus%20x%3D%22").body
        #expect(body.contains("value=\"&quot;\u{301} autofocus x=&quot;\""))
    }

    @Test func `an unknown error is observed under its route and never shown`() async throws {
        let browser = try Browser()
        let answer = try await browser.post("/sign-in/broken", signedIn: false)
        #expect(answer.status == 500)
        #expect(answer.body.contains("Something unexpected happened inside Weirhouse."))
        #expect(!answer.body.contains("Broken"))
        #expect(browser.observed.failures == ["/sign-in/{code}"])
    }

    @Test func `paths of the API are left to the API`() async throws {
        let answer = try await Browser().get("/api/v1/no-such-thing")
        #expect(answer.status == 404)
        #expect(answer.body.isEmpty)
    }
}

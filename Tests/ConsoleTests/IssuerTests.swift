import Testing
import Wire

@testable import Console

@Suite struct IssuerTests {
    @Test(arguments: [
        "issuers": "/issuers", "issuer-new": "/issuers/new", "issuer-change": "/issuers/acme/change",
        "issuer-remove": "/issuers/acme/remove",
        "sign-in-rule-remove": "/sign-in-rules/0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a07/remove",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        try Golden.expect(answer.body, name)
    }

    @Test func `where there is none the page says what it is for`() async throws {
        let body = try await Browser(FixtureOperations(.empty)).get("/issuers").body
        #expect(body.contains("Nobody signs in through a provider yet") && !body.contains("New rule"))
        try Golden.expect(body, "issuers-empty")
    }

    @Test func `a new issuer is sent as it was typed, and its secret comes back in no page`() async throws {
        let browser = try Browser()
        let form =
            "name=okta&issuer=https%3A%2F%2Fokta.example%2F&client=w&secret=+s%26t&label=Okta"
            + "&domains=a.example%2C+b.example&groups=roles"
        #expect(try await browser.post("/issuers", form)["Location"] == "/issuers")
        #expect(browser.operations.asked == ["issuer okta https://okta.example/ w  s&t Okta a.example,b.example roles"])
        // What was typed stays, but for the secret.
        let refused = try await browser.post("/issuers", form.replacing("okta.example", with: "nowhere.example"))
        #expect(refused.status == 502)
        #expect(refused.body.contains("https://nowhere.example/") && refused.body.contains("a.example, b.example"))
        #expect(!refused.body.contains("s&amp;t") && !refused.body.contains("s&t"))
    }

    @Test func `a new issuer does not take the place of another`() async throws {
        let browser = try Browser()
        let form = "name=acme&issuer=https%3A%2F%2Fother.example&client=w"
        let answer = try await browser.post("/issuers", form)
        #expect(answer.status == 409 && answer.body.contains("There is an issuer of this name already."))
        #expect(try await browser.post("/issuers", form + "&known=yes").status == 303)
        #expect(browser.operations.asked.count == 1)
    }

    @Test func `rules are sent as they were typed, and stay when they are refused`() async throws {
        let browser = try Browser()
        let form = "issuer=acme&kind=claim&claim=team&value=data&role=engineer&environment=prod"
        #expect(try await browser.post("/sign-in-rules", form)["Location"] == "/issuers#rules")
        #expect(browser.operations.asked == ["rule acme claim team data engineer prod"])
        let refused = try await browser.post("/sign-in-rules", "issuer=acme&kind=claim&value=data&role=analyst")
        #expect(refused.status == 400 && refused.body.contains("Which claim it is, is missing."))
        #expect(refused.body.contains(#"<option value="analyst" selected>"#))
    }

    @Test func `a provider that is tested says what it answers`() async throws {
        let browser = try Browser()
        #expect(try await browser.post("/issuers/acme/test", "").body.contains("It answers, with 2 keys and sign-out."))
        #expect(try await browser.post("/issuers/other/test", "").status == 404)
        for path in ["/issuers/other/change", "/issuers/other/remove", "/sign-in-rules/other/remove"] {
            #expect(try await browser.get(path).status == 404)
        }
    }
}

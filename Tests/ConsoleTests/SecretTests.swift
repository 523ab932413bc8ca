import Testing
import Wire

@testable import Console

@Suite struct SecretTests {
    private static func address(_ name: String, _ action: String) -> String {
        "/secrets/\(name.replacing("/", with: "%2F"))/\(action)"
    }

    @Test(arguments: [
        "secrets": "/secrets", "secret-replace-source": address(ShopSecrets.source, "replace"),
        "secret-replace-bucket": address(ShopSecrets.bucket, "replace"),
        "secret-replace-webhook": address(ShopSecrets.webhook, "replace"),
        "secret-revoke": address(ShopSecrets.source, "revoke"),
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        #expect(!answer.body.contains("<script>alert"))
        #expect(answer["Cache-Control"] == "no-store")
        try Golden.expect(answer.body, name)
    }

    @Test func `where there are none the page says what brings them, and where they would be kept`() async throws {
        try Golden.expect(try await Browser(FixtureOperations(.empty)).get("/secrets").body, "secrets-empty")
        let unwell = try await Browser(FixtureOperations(.unwell)).get("/secrets").body
        #expect(unwell.contains("OpenBao is sealed, or not ready."))
        #expect(unwell.contains("2 secrets still in the metadata database"))
    }

    @Test func `what Weirhouse has made for itself can be neither replaced nor revoked`() async throws {
        let browser = try Browser()
        let body = try await browser.get("/secrets").body
        #expect(!body.contains(Self.address(ShopSecrets.key, "")))
        #expect(try await browser.get(Self.address(ShopSecrets.key, "replace")).status == 403)
        #expect(try await browser.get(Self.address("no/such", "replace")).status == 404)
        #expect(try await browser.get(Self.address("no/such", "revoke")).status == 404)
    }

    @Test func `a new value is sent as its kind wants it`() async throws {
        let browser = try Browser()
        for (name, form) in [
            (ShopSecrets.source, "password=+a%26b%3D+&value="),
            (ShopSecrets.source, "value=postgresql%3A%2F%2Fu%40h%2Fd"),
            (ShopSecrets.bucket, "key=AKIA&value=s%2Fx"), (ShopSecrets.webhook, "value=whsec_abc"),
        ] {
            let answer = try await browser.post(Self.address(name, "replace"), form)
            #expect(answer["Location"] == "/secrets")
        }
        #expect(
            browser.operations.asked == [
                "replace \(ShopSecrets.source) -  a&b= ", "replace \(ShopSecrets.source) postgresql://u@h/d -",
                #"replace \#(ShopSecrets.bucket) {"access_key_id":"AKIA","secret_access_key":"s/x"} -"#,
                "replace \(ShopSecrets.webhook) whsec_abc -",
            ])
    }

    @Test(arguments: [
        (ShopSecrets.source, "password=wrong", 422, "The source refused the password."),
        (ShopSecrets.source, "password=kept.one&value=kept.two", 400, "Both a password and an address are given."),
        (ShopSecrets.source, "", 400, "The new value is missing."),
        (ShopSecrets.bucket, "value=kept.one", 400, "The new value is missing."),
        (ShopSecrets.webhook, "value=", 400, "The new value is missing."),
    ])
    func `a value that is refused is not in the page that says why`(
        name: String, form: String, status: Int, sentence: String
    ) async throws {
        let browser = try Browser()
        let answer = try await browser.post(Self.address(name, "replace"), form)
        #expect(answer.status == status)
        #expect(answer.body.contains(sentence))
        #expect(!answer.body.contains("kept.") && !answer.body.contains("\"wrong\""))
        #expect(browser.operations.asked.isEmpty)
    }

    @Test func `before a secret is revoked the page says what stops, and then it is gone`() async throws {
        let browser = try Browser()
        let page = try await browser.get(Self.address(ShopSecrets.source, "revoke")).body
        #expect(page.contains("Its runs fail until it gets an address again."))
        #expect(browser.operations.asked.isEmpty)
        #expect(try await browser.post(Self.address(ShopSecrets.source, "revoke"))["Location"] == "/secrets")
        #expect(browser.operations.asked == ["revoke \(ShopSecrets.source)"])
    }
}

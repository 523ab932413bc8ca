import Foundation
import Kernel
import Outbound
import Testing

@testable import OpenID

@Suite("What a provider says of itself")
struct DiscoveryTests {
    private let identifier = "https://login.acme.example"

    private func read(_ text: String, of issuer: String? = nil) throws -> ProviderMetadata {
        try ProviderMetadata(Data(text.utf8), of: issuer ?? identifier)
    }

    @Test(
        "is taken only if it is about the issuer, to the letter",
        arguments: [
            "https://login.acme.example/", "https://Login.acme.example", "https://evil.example", "", "{tenantid}",
        ])
    func issuer(own: String) throws {
        #expect(throws: Problem.self) { try read(TestIssuer.document(of: identifier, own: own)) }
        #expect(try read(TestIssuer.document(of: identifier)).issuer == identifier)
    }

    @Test("may be Entra ID's template only at the addresses for many tenants")
    func template() throws {
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0"
        for many in ["common", "organizations", "consumers"] {
            let issuer = "https://login.microsoftonline.com/\(many)/v2.0"
            #expect(try read(TestIssuer.document(of: issuer, own: template), of: issuer).isForManyTenants)
        }
        let one = "https://login.microsoftonline.com/8d3e4b5c-1111-4222-8333-9f0a1b2c3d4e/v2.0"
        #expect(throws: Problem.self) { try read(TestIssuer.document(of: one, own: template), of: one) }
        #expect(try !read(TestIssuer.document(of: one), of: one).isForManyTenants)
    }

    @Test("is refused without endpoints, or with endpoints that are not secure")
    func endpoints() throws {
        let document = TestIssuer.document(of: identifier)
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            #expect(throws: Problem.self) { try read(document.replacing("\"\(name)\"", with: "\"x_\(name)\"")) }
        }
        for address in ["http://login.acme.example/token", "file:///etc/passwd", "ftp://x/", "https://u:p@x/", "token"]
        {
            #expect(throws: Problem.self) {
                try read(document.replacing("https://login.acme.example/token", with: address))
            }
        }
        _ = try read(document.replacing("https://login.acme.example/token", with: "http://127.0.0.1:8/token"))
        for text in ["", "[]", "null", "<html>", #"{"issuer": 1}"#] { #expect(throws: Problem.self) { try read(text) } }
    }

    @Test(
        "is asked for below the issuer's address",
        arguments: [
            ("https://a.example", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/t/v2.0", "https://a.example/t/v2.0/.well-known/openid-configuration"),
        ])
    func place(issuer: String, address: String) throws {
        #expect(try ProviderMetadata.address(of: issuer).address.text == address)
    }

    @Test("An issuer is an https address without query and fragment; http is for this machine")
    func identifiers() throws {
        func check(_ identifier: String) throws { try Issuer(name: "a", identifier: identifier, clientID: "c").check() }
        for good in ["https://a.example", "https://a.example/x/", "http://localhost:8080", "http://127.0.0.1:1"] {
            try check(good)
        }
        for bad in [
            "http://a.example", "https://a.example?x=1", "https://a.example#x", "a.example", "",
            "http://127.0.0.1.a.example",
            "http://localhost.a.example", "https://u@a.example",
        ] {
            #expect(throws: Problem.self, "\(bad)") { try check(bad) }
        }
    }
}

@Suite("The way to a provider and back")
struct RoundTripTests {
    @Test("carries a PKCE challenge as RFC 7636, appendix B, computes it")
    func challenge() {
        let secrets = SignInSecrets(
            state: "s", nonce: "n", verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        #expect(secrets.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }

    @Test("has state, nonce and verifier of one seed, and none tells of another")
    func seed() {
        let (one, same) = (SignInSecrets(seed: Secret("seed")), SignInSecrets(seed: Secret("seed")))
        #expect(one == same && one != SignInSecrets(seed: Secret("other")))
        #expect(Set([one.state, one.nonce, one.verifier]).count == 3)
        #expect([one.state, one.nonce, one.verifier].allSatisfy { $0.count == 43 })
    }

    @Test("carries all that is needed, encoded")
    func address() throws {
        let test = try TestIssuer { $0.hostedDomain = "acme.example" }
        let request = AuthorizationRequest(
            issuer: test.issuer, metadata: test.metadata, secrets: SignInSecrets(state: "s", nonce: "n", verifier: "v"),
            redirect: "https://weir.example/sign-in/callback", loginHint: "a+b@acme.example")
        let parts = try #require(URLComponents(string: request.address))
        let query = Dictionary(uniqueKeysWithValues: (parts.queryItems ?? []).map { ($0.name, $0.value ?? "") })
        #expect(parts.path == "/authorize")
        #expect(
            query == [
                "response_type": "code", "client_id": "weirhouse",
                "redirect_uri": "https://weir.example/sign-in/callback",
                "scope": "openid email profile", "state": "s", "nonce": "n", "code_challenge_method": "S256",
                "code_challenge": request.secrets.challenge, "hd": "acme.example", "login_hint": "a+b@acme.example",
            ])
        #expect(request.address.contains("login_hint=a%2Bb%40acme.example"))
    }

    @Test("An answer is taken from the provider that was asked")
    func answers() throws {
        let test = try TestIssuer()
        let naming = try TestIssuer(metadata: #", "authorization_response_iss_parameter_supported": true"#).metadata
        func code(
            _ metadata: ProviderMetadata, _ issuer: String?, code: String? = "c", error: String? = nil
        ) throws -> String {
            try AuthorizationAnswer(state: "s", code: code, error: error, issuer: issuer).code(from: metadata)
        }
        #expect(try code(test.metadata, nil) == "c")
        #expect(try code(naming, "https://login.acme.example") == "c")
        #expect(throws: Problem.self) { try code(naming, nil) }
        #expect(throws: Problem.self) { try code(test.metadata, "https://evil.example") }
        #expect(throws: Problem.self) { try code(test.metadata, nil, code: nil) }
        #expect(throws: Problem.self) { try code(test.metadata, nil, code: "") }
        do {
            _ = try code(test.metadata, nil, error: "<script>server_error")
            Issue.record("an error was taken for an answer")
        } catch let problem as Problem {
            #expect(problem.detail == "The provider refused the sign-in: scriptserver_error.")
        }
    }

    @Test("A client proves itself as it is set up", arguments: Issuer.Authentication.allCases)
    func authentication(way: Issuer.Authentication) throws {
        let test = try TestIssuer {
            $0.clientID = "weir house"
            $0.clientSecret = way == .none ? nil : Secret("p:ss+w/rd")
            $0.authentication = way
        }
        let request = TokenRequest(
            issuer: test.issuer, metadata: test.metadata, code: "a&b", verifier: "v", redirect: "https://w.example/cb"
        ).request
        let form = String(decoding: request.body, as: UTF8.self)
        #expect(form.contains("code=a%26b") && form.contains("code_verifier=v"))
        let basic = Data("weir%20house:p%3Ass%2Bw%2Frd".utf8).base64EncodedString()
        #expect(request.headers["Authorization"] == (way == .basic ? "Basic \(basic)" : nil))
        #expect(form.contains("client_secret=p%3Ass%2Bw%2Frd") == (way == .post))
        #expect(form.contains("client_id=weir%20house") == (way != .basic))
    }

    @Test("Signing out at the provider keeps what its address has already")
    func endSession() throws {
        let test = try TestIssuer()
        let address = EndSession.address(of: test.issuer, test.metadata, after: "https://w.example/sign-in")
        #expect(
            address
                == "https://login.acme.example/out?x=1&client_id=weirhouse&post_logout_redirect_uri=https%3A%2F%2Fw.example%2Fsign-in"
        )
    }
}

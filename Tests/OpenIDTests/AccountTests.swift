import Foundation
import Testing

@testable import OpenID

@Suite("Who somebody is")
struct AccountTests {
    private func account(
        _ claims: [String: JSONTree], info: [String: JSONTree]? = nil, manyTenants: Bool = false,
        identifier: String = "https://login.acme.example", configure: (inout Issuer) -> Void = { _ in }
    ) -> Account {
        var issuer = Issuer(name: "acme", identifier: identifier, clientID: "weirhouse")
        configure(&issuer)
        let token = IDToken(issuer: identifier, subject: "alice", session: nil, claims: .object(claims))
        return Account(token, userInfo: info.map { .object($0) }, issuer: issuer, isForManyTenants: manyTenants)
    }

    private let mail = ["email": JSONTree.text("Alice@Acme.example")]

    @Test("an address counts if it is verified, and in no other way")
    func verified() {
        #expect(account(mail.merging(["email_verified": .bool(true)]) { $1 }).email == "alice@acme.example")
        for odd: JSONTree in [.bool(false), .text("true"), .number(1), .null] {
            #expect(account(mail.merging(["email_verified": odd]) { $1 }).email == nil)
        }
        #expect(account(mail).email == nil)
    }

    @Test("an address counts if the issuer is trusted for its domain, but never where anybody's tenant speaks")
    func trusted() {
        let trusting: (inout Issuer) -> Void = { $0.trustedDomains = ["acme.example"] }
        #expect(account(mail, configure: trusting).domain == "acme.example")
        #expect(account(["email": .text("a@sub.acme.example")], configure: trusting).email == nil)
        #expect(account(["email": .text("a@evil.example")], configure: trusting).email == nil)
        #expect(account(mail, manyTenants: true, configure: trusting).email == nil)
    }

    @Test("Google's word counts for its own domain and for the hosted one")
    func google() {
        func email(_ address: String, _ hosted: String?) -> String? {
            var claims: [String: JSONTree] = ["email": .text(address), "email_verified": .bool(true)]
            claims["hd"] = hosted.map { .text($0) }
            return account(claims, identifier: "https://accounts.google.com").email
        }
        #expect(email("a@acme.example", "acme.example") != nil)
        #expect(email("a@gmail.com", nil) != nil)
        #expect(email("a@acme.example", nil) == nil)
        #expect(email("a@acme.example", "evil.example") == nil)
    }

    @Test(
        "an address that can be read in two ways is none",
        arguments: [
            "a@b@acme.example", "\"a@b\"@acme.example", "@acme.example", "a@", "a", "a b@acme.example",
            "a@acme.example\n",
            "a@acme.example,b@evil.example", "<a@acme.example>", "a@acme..example", "ä@acme.example", "a@аcme.example",
        ])
    func odd(address: String) {
        #expect(account(["email": .text(address), "email_verified": .bool(true)]).email == nil)
    }

    @Test("userinfo adds what the token lacks, and never half of an address")
    func userInfo() {
        let info: [String: JSONTree] = [
            "sub": .text("alice"), "email": .text("a@acme.example"), "email_verified": .bool(true),
            "groups": .list([.text("data")]), "name": .text("Alice"),
        ]
        let added = account([:], info: info)
        #expect(added.email == "a@acme.example" && added.groups == ["data"] && added.name == "Alice")
        #expect(account(["email_verified": .bool(true)], info: ["email": .text("a@acme.example")]).email == nil)
        #expect(account(["email": .text("b@evil.example")], info: info).email == nil)
        #expect(account(["groups": .list([.text("other")])], info: info).groups == ["other"])
    }

    @Test("a rule matches a domain, a claim's value or a group")
    func rules() {
        let alice = account(
            [
                "email": .text("a@acme.example"), "email_verified": .bool(true), "hd": .text("acme.example"),
                "roles": .list([.text("x"), .text("y")]), "groups": .text("data"), "vip": .bool(true),
            ])
        #expect(SignInRule(kind: .domain, value: "Acme.example").matches(alice))
        #expect(!SignInRule(kind: .domain, value: "example").matches(alice))
        #expect(!SignInRule(kind: .domain, value: "acme.example").matches(account(mail)))
        #expect(SignInRule(kind: .claim, claim: "hd", value: "acme.example").matches(alice))
        #expect(SignInRule(kind: .claim, claim: "roles", value: "y").matches(alice))
        #expect(SignInRule(kind: .claim, claim: "vip", value: "true").matches(alice))
        #expect(!SignInRule(kind: .claim, claim: "roles", value: "z").matches(alice))
        #expect(!SignInRule(kind: .claim, claim: "none", value: "").matches(alice))
        #expect(SignInRule(kind: .group, value: "data").matches(alice))
        #expect(!SignInRule(kind: .group, value: "Data").matches(alice))
    }
}

@Suite("A logout token")
struct LogoutTokenTests {
    private let events: [String: Any] = ["http://schemas.openid.net/event/backchannel-logout": [String: Any]()]

    private func fault(_ changes: [String: Any?], header: [String: Any] = [:]) throws -> TokenFault? {
        let test = try TestIssuer()
        let own: [String: Any?] = ["nonce": nil as Any?, "jti": "1", "sid": "s", "events": events]
        let token = try test.token(own.merging(changes) { $1 }, header: header)
        let key = try test.key(.rs256)
        do throws(TokenFault) {
            _ = try LogoutTokenRules(issuer: test.issuer, metadata: test.metadata).check(
                token, signedWith: key, at: noon)
            return nil
        } catch { return error }
    }

    @Test("is believed as the standard describes it")
    func good() throws {
        #expect(try fault([:]) == nil)
        #expect(try fault([:], header: ["typ": "logout+jwt"]) == nil)
        #expect(try fault(["sub": nil as Any?]) == nil)
        #expect(try fault(["sid": nil as Any?]) == nil)
    }

    @Test("is refused with a nonce, without its event, id or anybody to sign out, or too old")
    func bad() throws {
        #expect(try fault(["nonce": "n"]) == .noLogout)
        #expect(try fault(["events": nil as Any?]) == .noLogout)
        #expect(try fault(["events": ["http://schemas.openid.net/event/backchannel-logout": true]]) == .noLogout)
        #expect(try fault(["events": [String: Any]()]) == .noLogout)
        #expect(try fault(["jti": nil as Any?]) == .noLogout)
        #expect(try fault(["jti": ""]) == .noLogout)
        #expect(try fault(["sub": nil as Any?, "sid": nil as Any?]) == .noLogout)
        #expect(try fault(["exp": Int(noon.timeIntervalSince1970) - 61]) == .expired)
        #expect(try fault(["aud": "other"]) == .audience)
        #expect(try fault(["iss": "https://evil.example"]) == .issuer)
        #expect(try fault([:], header: ["typ": "at+jwt"]) == .type("at+jwt"))
    }
}

import Foundation
import Kernel
import Testing

@testable import OpenID

@Suite("An ID token is believed")
struct IDTokenTests {
    @Test("if it is signed by a key of its kind", arguments: SigningAlgorithm.allCases)
    func signed(algorithm: SigningAlgorithm) throws {
        let test = try TestIssuer()
        #expect(try test.fault([:], algorithm) == nil)
        for other in SigningAlgorithm.allCases where other != algorithm {
            let fits = try test.key(other).fits(algorithm)
            // An RSA key is for both RS256 and PS256, unless it says otherwise.
            #expect(fits == (Set([algorithm, other]) == [.rs256, .ps256]))
            if !fits { #expect(try test.fault([:], algorithm, key: test.key(other)) == .unknownKey) }
        }
        #expect(try test.fault([:], algorithm, key: test.key(algorithm, #", "alg": "RS512""#)) == .unknownKey)
        #expect(try test.fault([:], algorithm, key: TestIssuer().key(algorithm)) == .signature)
    }

    @Test("only with an algorithm that is allowed for the issuer")
    func allowed() throws {
        let test = try TestIssuer { $0.algorithms = [.es256] }
        #expect(try test.fault() == .algorithm("RS256"))
        #expect(try test.fault([:], .es256) == nil)
    }

    @Test(
        "only from its issuer, to the letter",
        arguments: [
            "https://login.acme.example/", "https://LOGIN.acme.example", "http://login.acme.example",
            "https://evil.example", "",
        ])
    func issuer(other: String) throws {
        #expect(try TestIssuer().fault(["iss": other]) == .issuer)
    }

    @Test("only if it is for this application and no other")
    func audience() throws {
        let test = try TestIssuer()
        for audience: Any in ["other", ["other"], ["weirhouse", "other"], [], "", 1, ["weirhouse", 1]] {
            #expect(try test.fault(["aud": audience]) == .audience)
        }
        #expect(try test.fault(["aud": nil as Any?]) == .audience)
        #expect(try test.fault(["aud": ["weirhouse"]]) == nil)
        #expect(try test.fault(["azp": "weirhouse"]) == nil)
        #expect(try test.fault(["azp": "other"]) == .audience)
        #expect(try test.fault(["azp": 1]) == .audience)
    }

    @Test("only in its time, with a minute for clocks that differ")
    func times() throws {
        let test = try TestIssuer()
        let now = noon.timeIntervalSince1970
        #expect(try test.fault(["exp": now - 59]) == nil)
        #expect(try test.fault(["exp": now - 60]) == .expired)
        #expect(try test.fault(["iat": now + 60]) == nil)
        #expect(try test.fault(["iat": now + 61]) == .notYetValid)
        #expect(try test.fault(["nbf": now + 60]) == nil)
        #expect(try test.fault(["nbf": now + 61]) == .notYetValid)
        for claim in ["exp", "iat", "nbf"] {
            for odd: Any in ["tomorrow", -1, 1e300, [1], true] {
                #expect(try test.fault([claim: odd]) == .malformed, "\(claim) \(odd)")
            }
        }
        #expect(try test.fault(["exp": nil as Any?]) == .malformed)
        #expect(try test.fault(["iat": nil as Any?]) == .malformed)
    }

    @Test("only with the nonce of this sign-in")
    func nonce() throws {
        let test = try TestIssuer()
        #expect(try test.fault(["nonce": "m"]) == .nonce)
        #expect(try test.fault(["nonce": nil as Any?]) == .nonce)
        let empty = IDTokenRules(issuer: test.issuer, metadata: test.metadata, nonce: "", accessToken: nil)
        #expect(throws: TokenFault.nonce) {
            try empty.check(test.token(["nonce": ""]), signedWith: test.key(.rs256), at: noon)
        }
    }

    @Test("only if it says who it is")
    func subject() throws {
        let test = try TestIssuer()
        #expect(try test.fault(["sub": nil as Any?]) == .subject)
        for odd: Any in ["", 1, String(repeating: "x", count: 256), "a\nb"] {
            #expect(try test.fault(["sub": odd]) == .subject)
        }
    }

    @Test("only if it belongs to the access token, where it says so", arguments: SigningAlgorithm.allCases)
    func accessToken(algorithm: SigningAlgorithm) throws {
        let test = try TestIssuer()
        func fault(_ hash: Any?, _ access: String?) throws -> TokenFault? {
            let rules = IDTokenRules(issuer: test.issuer, metadata: test.metadata, nonce: "n", accessToken: access)
            let (token, key) = (try test.token(["at_hash": hash], algorithm), try test.key(algorithm))
            do throws(TokenFault) { _ = try rules.check(token, signedWith: key, at: noon) } catch { return error }
            return nil
        }
        let hash = algorithm.halfHash(of: "access")
        #expect(try fault(hash, "access") == nil)
        #expect(try fault(nil, "access") == nil)
        #expect(try fault(hash, "other") == .accessTokenHash)
        #expect(try fault(hash, nil) == .accessTokenHash)
        #expect(try fault(1, "access") == .accessTokenHash)
    }

    @Test("only if it is an ID token")
    func type() throws {
        let test = try TestIssuer()
        for type in ["JWT", "jwt", "application/jwt"] { #expect(try test.fault(header: ["typ": type]) == nil) }
        #expect(try test.fault(header: ["typ": "at+jwt"]) == .type("at+jwt"))
        #expect(try test.fault(header: ["typ": "logout+jwt"]) == .type("logout+jwt"))
    }

    @Test("of Google only if it is of the hosted domain that the issuer is set up for")
    func hostedDomain() throws {
        let test = try TestIssuer { $0.hostedDomain = "acme.example" }
        #expect(try test.fault(["hd": "acme.example"]) == nil)
        #expect(try test.fault(["hd": "evil.example"]) == .tenant)
        #expect(try test.fault() == .tenant)
    }

    @Test("of Entra ID's many tenants only if its issuer is that of its tenant, and of the tenants that are allowed")
    func tenants() throws {
        let (tenant, other) = ("8d3e4b5c-1111-4222-8333-9f0a1b2c3d4e", "0d3e4b5c-1111-4222-8333-9f0a1b2c3d4e")
        let common = "https://login.microsoftonline.com/common/v2.0"
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0"
        var test = try TestIssuer()
        test.issuer.identifier = common
        test.metadata = try ProviderMetadata(Data(TestIssuer.document(of: common, own: template).utf8), of: common)
        let own = template.replacing("{tenantid}", with: tenant)
        #expect(try test.fault(["iss": own, "tid": tenant]) == nil)
        #expect(try test.fault(["iss": own, "tid": other]) == .issuer)
        #expect(try test.fault(["iss": template, "tid": "{tenantid}"]) == .tenant)
        #expect(try test.fault(["iss": own]) == .tenant)
        #expect(try test.fault(["iss": common, "tid": "common"]) == .tenant)
        let foreign = try test.key(.rs256, #", "issuer": "https://login.microsoftonline.com/\#(other)/v2.0""#)
        #expect(try test.fault(["iss": own, "tid": tenant], key: foreign) == .issuer)
        let shared = try test.key(.rs256, #", "issuer": "\#(template)""#)
        #expect(try test.fault(["iss": own, "tid": tenant], key: shared) == nil)
        test.issuer.tenants = [tenant]
        #expect(try test.fault(["iss": own, "tid": tenant]) == nil)
        #expect(
            try test.fault(["iss": template.replacing("{tenantid}", with: other), "tid": other]) == .tenant)
    }
}

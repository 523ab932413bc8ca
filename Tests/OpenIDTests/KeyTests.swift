import Foundation
import Testing

@testable import OpenID

@Suite("Keys of an issuer")
struct KeyTests {
    private func key(_ text: String) throws -> VerificationKey? { VerificationKey(try JSONTree(Data(text.utf8))) }

    @Test("verify the examples of the standards")
    func vectors() throws {
        // RFC 7515, appendix A.3: ES256. Its claims are no sign-in, but its signature is what counts here.
        let p256 = try #require(
            try key(
                """
                {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                 "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
                """))
        let token = try SignedToken(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        )
        #expect(p256.verifies(token))
        #expect(token.claims["iss"] == .text("joe"))
    }

    @Test(
        "for encryption, of unknown kinds, symmetric or weak are none",
        arguments: [
            #"{"kty": "oct", "k": "c2VjcmV0"}"#, #"{"kty": "RSA", "n": "AQAB", "e": "AQAB"}"#, #"{"kty": "new"}"#, "{}",
            "[]",
            #"{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}"#,
            #"{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}"#, #"{"kty": "OKP", "crv": "X25519", "x": "AA"}"#,
        ])
    func none(text: String) throws {
        #expect(try key(text) == nil)
    }

    @Test("are for what they say")
    func use() throws {
        let test = try TestIssuer()
        for algorithm in SigningAlgorithm.allCases {
            #expect(try key(test.jwk(algorithm)) != nil)
            #expect(try key(test.jwk(algorithm, #", "use": "sig", "key_ops": ["verify"]"#)) != nil)
            #expect(try key(test.jwk(algorithm, #", "use": "enc""#)) == nil)
            #expect(try key(test.jwk(algorithm, #", "key_ops": ["encrypt"]"#)) == nil)
        }
        // A point that is not on the curve.
        #expect(
            try key(test.jwk(.es256).replacing(#""y": ""#, with: #""y": "A"#)) == nil)
    }

    @Test("are found by their id, and without one only if there is no choice")
    func found() throws {
        let test = try TestIssuer()
        let (one, two) = (try test.key(.rs256, #", "kid": "1""#), try test.key(.rs256, #", "kid": "2""#))
        let set = KeySet(keys: [one, two, try test.key(.es256, #", "kid": "1""#)])
        #expect(try set.key(for: test.token(header: ["kid": "2"]))?.id == "2")
        #expect(try set.key(for: test.token(header: ["kid": "3"])) == nil)
        #expect(try set.key(for: test.token()) == nil)
        #expect(try set.key(for: test.token([:], .es256)) != nil)
        #expect(try KeySet(keys: [one, one]).key(for: test.token(header: ["kid": "1"])) == nil)
    }

    @Test("are read again for an unknown one, but not more often than every half minute")
    func cache() throws {
        let test = try TestIssuer()
        var cache = KeyCache()
        let known = try test.token(header: ["kid": "1"])
        let unknown = try test.token(header: ["kid": "2"])
        #expect(word(cache.step(for: known, at: noon)) == "fetch")
        cache.keep(KeySet(keys: [try test.key(.rs256, #", "kid": "1""#)]), at: noon)
        #expect(word(cache.step(for: known, at: noon)) == "use")
        // At once the first time, and then not again for a while.
        let one = KeySet(keys: [try test.key(.rs256, #", "kid": "1""#)])
        #expect(word(cache.step(for: unknown, at: noon)) == "fetch")
        cache.keep(one, at: noon)
        #expect(word(cache.step(for: unknown, at: noon)) == "refuse unknownKey")
        #expect(word(cache.step(for: unknown, at: noon.addingTimeInterval(29))) == "refuse unknownKey")
        #expect(word(cache.step(for: unknown, at: noon.addingTimeInterval(30))) == "fetch")
        #expect(word(cache.step(for: known, at: noon.addingTimeInterval(599))) == "use")
        #expect(word(cache.step(for: known, at: noon.addingTimeInterval(600))) == "fetch")
        #expect(word(cache.step(for: known, at: noon.addingTimeInterval(-1))) == "fetch")
        // Taken back: after it is read again the old one is worth nothing.
        cache.keep(KeySet(keys: [try test.key(.rs256, #", "kid": "2""#)]), at: noon.addingTimeInterval(600))
        #expect(word(cache.step(for: unknown, at: noon.addingTimeInterval(601))) == "use")
        #expect(word(cache.step(for: known, at: noon.addingTimeInterval(601))) == "fetch")
        cache.keep(KeySet(keys: [try test.key(.rs256, #", "kid": "2""#)]), at: noon.addingTimeInterval(601))
        #expect(word(cache.step(for: known, at: noon.addingTimeInterval(602))) == "refuse unknownKey")
    }

    @Test("without an id are read again when the signature is wrong")
    func anonymous() throws {
        let (test, other) = (try TestIssuer(), try TestIssuer())
        var cache = KeyCache()
        cache.keep(KeySet(keys: [try test.key(.rs256)]), at: noon)
        #expect(word(cache.step(for: try test.token(), at: noon)) == "use")
        #expect(word(cache.step(for: try other.token(), at: noon)) == "fetch")
        cache.keep(KeySet(keys: [try test.key(.rs256)]), at: noon)
        #expect(word(cache.step(for: try other.token(), at: noon)) == "refuse signature")
    }

    private func word(_ step: KeyCache.Step) -> String {
        switch step {
        case .use: "use"
        case .fetch: "fetch"
        case .refuse(let fault): "refuse \(fault)"
        }
    }
}

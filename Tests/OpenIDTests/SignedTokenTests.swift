import Foundation
import Testing

@testable import OpenID

@Suite("A token that came from outside")
struct SignedTokenTests {
    private func fault(_ text: String) -> TokenFault? {
        do { _ = try SignedToken(text) } catch { return error }
        return nil
    }

    private func text(header: String, claims: String = "{}", signature: String = "c2ln") -> String {
        "\(Base64URL.encode(Data(header.utf8))).\(Base64URL.encode(Data(claims.utf8))).\(signature)"
    }

    @Test(
        "is refused unsigned, symmetric, or with an unknown algorithm",
        arguments: [
            "none", "None", "NONE", "HS256", "HS384", "HS512", "RS1", "rs256", "ES256K", "", "RSA-OAEP",
        ])
    func algorithm(name: String) {
        #expect(fault(text(header: #"{"alg": "\#(name)"}"#)) == .algorithm(name))
        #expect(fault(text(header: #"{"alg": "\#(name)"}"#, signature: "")) == .algorithm(name))
    }

    @Test("is refused with an extension that it calls critical")
    func critical() {
        #expect(fault(text(header: #"{"alg": "RS256", "crit": ["exp"], "exp": 1}"#)) == .critical)
        #expect(fault(text(header: #"{"alg": "RS256", "crit": []}"#)) == .critical)
        #expect(fault(text(header: #"{"alg": "RS256", "b64": false}"#)) == .critical)
    }

    @Test(
        "is refused in any other form",
        arguments: [
            "", ".", "..", "a.b.c", "e30.e30.c2ln", "e30.e30", "e30.e30.e30.e30.e30",
        ])
    func malformed(token: String) {
        #expect(fault(token) == .malformed || fault(token) == .algorithm(""))
    }

    @Test("is refused with a member twice, with other JSON than an object, without a signature")
    func strict() {
        #expect(fault(text(header: #"{"alg": "RS256", "alg": "none"}"#)) == .malformed)
        #expect(fault(text(header: #"{"alg": "RS256"}"#, claims: #"{"sub": "a", "sub": "b"}"#)) == .malformed)
        #expect(fault(text(header: #"{"alg": "RS256"}"#, claims: #"{"sub": "a", "s\u0075b": "b"}"#)) == .malformed)
        #expect(fault(text(header: #"["RS256"]"#)) == .malformed)
        #expect(fault(text(header: #"{"alg": "RS256", "kid": 1}"#)) == .malformed)
        #expect(fault(text(header: #"{"alg": "RS256"}"#, claims: "[]")) == .malformed)
        #expect(fault(text(header: #"{"alg": "RS256"}"#, signature: "")) == .malformed)
        #expect(fault(text(header: #"{"alg": "RS256"}"#, signature: "c2ln=")) == .malformed)
        #expect(fault(text(header: #"{"alg": "RS256"}"#)) == nil)
        #expect(
            fault(text(header: #"{"alg": "RS256"}"#, claims: "{}" + String(repeating: " ", count: 40_000))) == .tooLong)
    }

    @Test("is never the cause of a crash, whatever its bytes", arguments: 0..<8)
    func fuzzed(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let whole = text(
            header: #"{"alg": "RS256", "kid": "a\u00e9\ud83d\ude00"}"#,
            claims: #"{"exp": 1.5e3, "aud": [null, true, {"x": []}]}"#)
        for _ in 0..<20_000 {
            var bytes = Array(whole.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &random), at: place)
                default: bytes.remove(at: place)
                }
            }
            _ = fault(String(decoding: bytes, as: UTF8.self))
            let decoded = whole.split(separator: ".").prefix(2).compactMap { Base64URL.decode($0) }.joined()
            var json = Array(decoded)
            json[Int.random(in: 0..<json.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            if let tree = try? JSONTree(json.suffix(json.count / 2)) { #expect(tree == tree) }
        }
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("JSON from outside")
struct JSONTreeTests {
    @Test(
        "is read as Foundation reads it",
        arguments: [
            "{}", "[]", " {\"a\" : [1, -0.5e+3, true, false, null, \"\\u00e9\\ud83d\\ude00\\n\\\\\"]} ", "0", "\"x\"",
            "1E2",
        ])
    func agrees(text: String) throws {
        let theirs = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        #expect(try JSONTree(Data(text.utf8)) == Self.tree(theirs))
    }

    private static func tree(_ value: Any) -> JSONTree {
        switch value {
        case let text as String: .text(text)
        case let list as [Any]: .list(list.map(tree))
        case let members as [String: Any]: .object(members.mapValues(tree))
        case let number as NSNumber:
            isBool(number) ? .bool(number.boolValue) : .number(number.doubleValue)
        default: .null
        }
    }

    private static func isBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

    @Test(
        "is refused where it breaks RFC 8259, is too deep or repeats a name",
        arguments: [
            "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "01", "+1", ".5", "1.", "1e", "-", "tru", "nul", "\"",
            "\"\\x\"",
            "\"\u{1}\"", "\"\\ud800\"", "\"\\ude00\"", "\"\\ud800\\u0041\"", "\"\\u12g4\"", "1 2", "[1] x", "1e999",
            "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "NaN", "'x'", "\u{FEFF}{}",
        ])
    func refused(text: String) {
        #expect(throws: JSONFault.self) { try JSONTree(Data(text.utf8)) }
    }

    @Test("is read to sixteen levels and no deeper")
    func depth() throws {
        func nested(_ levels: Int) -> Data {
            Data((String(repeating: "[", count: levels) + String(repeating: "]", count: levels)).utf8)
        }
        _ = try JSONTree(nested(16))
        #expect(throws: JSONFault.self) { try JSONTree(nested(17)) }
        #expect(throws: JSONFault.self) { try JSONTree(nested(100_000)) }
        #expect(throws: JSONFault.self) { try JSONTree([0x22, 0xFF, 0x22]) }
    }
}

@Suite("base64url")
struct Base64URLTests {
    @Test("gives back what went in")
    func roundTrip() {
        for count in 0..<100 {
            let bytes = Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ count) })
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
    }

    @Test(
        "has one spelling for each value", arguments: ["A", "AB", "AAB", "AA==", "A A", "+/AA", "AAAAA", "é", "AA\n"])
    func strict(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }
}

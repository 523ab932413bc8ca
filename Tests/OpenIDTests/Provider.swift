import Crypto
import CryptoExtras
import Foundation
import Kernel
import Outbound
import Testing

@testable import OpenID

/// The moment of all tests that have no provider.
let noon = Date(timeIntervalSince1970: 1_796_000_000)

/// An issuer with keys of its own, whose tokens say what a test wants.
struct TestIssuer {
    var issuer: Issuer
    var metadata: ProviderMetadata
    let rsa: _RSA.Signing.PrivateKey
    let p256 = P256.Signing.PrivateKey()
    let p384 = P384.Signing.PrivateKey()
    let ed25519 = Curve25519.Signing.PrivateKey()

    init(metadata more: String = "", configure: (inout Issuer) -> Void = { _ in }) throws {
        var issuer = Issuer(
            name: "acme", identifier: "https://login.acme.example", clientID: "weirhouse",
            clientSecret: Secret("s3cret"), algorithms: Set(SigningAlgorithm.allCases))
        configure(&issuer)
        self.issuer = issuer
        metadata = try ProviderMetadata(Data(Self.document(of: issuer.identifier, more).utf8), of: issuer.identifier)
        rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    }

    static func document(of issuer: String, _ more: String = "", own: String? = nil) -> String {
        """
        {"issuer": "\(own ?? issuer)", "authorization_endpoint": "https://login.acme.example/authorize",
         "token_endpoint": "https://login.acme.example/token", "jwks_uri": "https://login.acme.example/keys",
         "end_session_endpoint": "https://login.acme.example/out?x=1"\(more)}
        """
    }

    func key(_ algorithm: SigningAlgorithm, _ more: String = "") throws -> VerificationKey {
        try #require(VerificationKey(JSONTree(Data(jwk(algorithm, more).utf8))))
    }

    func jwk(_ algorithm: SigningAlgorithm, _ more: String = "") throws -> String {
        switch algorithm {
        case .rs256, .ps256:
            let numbers = try rsa.publicKey.getKeyPrimitives()
            return """
                {"kty": "RSA", "n": "\(Base64URL.encode(numbers.modulus))", "e": "\(Base64URL.encode(numbers.publicExponent))"\(more)}
                """
        case .es256: return Self.jwk("P-256", p256.publicKey.rawRepresentation, more)
        case .es384: return Self.jwk("P-384", p384.publicKey.rawRepresentation, more)
        case .edDSA:
            return
                #"{"kty": "OKP", "crv": "Ed25519", "x": "\#(Base64URL.encode(ed25519.publicKey.rawRepresentation))"\#(more)}"#
        }
    }

    private static func jwk(_ curve: String, _ point: Data, _ more: String) -> String {
        let (x, y) = (point.prefix(point.count / 2), point.suffix(point.count / 2))
        return
            #"{"kty": "EC", "crv": "\#(curve)", "x": "\#(Base64URL.encode(x))", "y": "\#(Base64URL.encode(y))"\#(more)}"#
    }

    /// Claims as they should be, with changes; nil takes one away.
    func claims(_ changes: [String: Any?] = [:]) -> [String: Any] {
        let now = Int(noon.timeIntervalSince1970)
        var claims: [String: Any] = [
            "iss": issuer.identifier, "sub": "alice", "aud": issuer.clientID, "iat": now, "exp": now + 300,
            "nonce": "n",
        ]
        for (name, value) in changes { claims[name] = value }
        return claims
    }

    func token(
        _ changes: [String: Any?] = [:], _ algorithm: SigningAlgorithm = .rs256, header more: [String: Any] = [:]
    ) throws -> SignedToken {
        try SignedToken(text(claims(changes), algorithm, header: more))
    }

    func text(
        _ claims: [String: Any], _ algorithm: SigningAlgorithm = .rs256, header more: [String: Any] = [:]
    ) throws -> String {
        let header = ["alg": algorithm.rawValue as Any].merging(more) { $1 }
        let signed = try Base64URL.encode(json(header)) + "." + Base64URL.encode(json(claims))
        return signed + "." + Base64URL.encode(try signature(algorithm, Data(signed.utf8)))
    }

    private func json(_ value: [String: Any]) throws -> Data {
        try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])
    }

    private func signature(_ algorithm: SigningAlgorithm, _ data: Data) throws -> Data {
        switch algorithm {
        case .rs256: try rsa.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5).rawRepresentation
        case .ps256: try rsa.signature(for: SHA256.hash(data: data), padding: .PSS).rawRepresentation
        case .es256: try p256.signature(for: SHA256.hash(data: data)).rawRepresentation
        case .es384: try p384.signature(for: SHA384.hash(data: data)).rawRepresentation
        case .edDSA: try ed25519.signature(for: data)
        }
    }

    var rules: IDTokenRules { IDTokenRules(issuer: issuer, metadata: metadata, nonce: "n", accessToken: nil) }

    /// Why a token is refused; nil if it is believed.
    func fault(
        _ changes: [String: Any?] = [:], _ algorithm: SigningAlgorithm = .rs256, header: [String: Any] = [:],
        key: VerificationKey? = nil, at now: Date = noon
    ) throws -> TokenFault? {
        let (token, key) = (try token(changes, algorithm, header: header), try key ?? self.key(algorithm))
        do {
            _ = try rules.check(token, signedWith: key, at: now)
            return nil
        } catch {
            return error
        }
    }
}

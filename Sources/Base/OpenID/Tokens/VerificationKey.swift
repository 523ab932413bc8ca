internal import Crypto
internal import CryptoExtras
import Foundation

/// A public key of an issuer (RFC 7517, RFC 7518 section 6, RFC 8037).
package struct VerificationKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// `kid`.
    package let id: String?
    /// `issuer`, which Entra ID adds: whose tokens it signs.
    package let issuer: String?
    /// `alg`: the only algorithm it is for.
    private let algorithm: String?
    private let material: Material

    /// Nil for a key that no token here can be signed with: symmetric ones, ones for encryption, unknown or weak ones.
    /// RSA keys have 2048 to 8192 bits: longer ones only cost time.
    package init?(_ key: JSONTree) {
        guard key["use"].map({ $0.text == "sig" }) ?? true,
            key["key_ops"].map({ $0.texts?.contains("verify") ?? false }) ?? true,
            let material = Self.material(key)
        else { return nil }
        self.material = material
        id = key["kid"]?.text
        issuer = key["issuer"]?.text
        algorithm = key["alg"]?.text
    }

    private static func material(_ key: JSONTree) -> Material? {
        switch (key["kty"]?.text, key["crv"]?.text) {
        case ("RSA", _):
            guard let modulus = bytes("n", of: key), let exponent = bytes("e", of: key),
                (256...1025).contains(modulus.count), (1...4).contains(exponent.count)
            else { return nil }
            return (try? _RSA.Signing.PublicKey(n: modulus, e: exponent)).map { .rsa($0) }
        case ("EC", "P-256"):
            return point(of: key, 32).flatMap { try? P256.Signing.PublicKey(x963Representation: $0) }.map { .p256($0) }
        case ("EC", "P-384"):
            return point(of: key, 48).flatMap { try? P384.Signing.PublicKey(x963Representation: $0) }.map { .p384($0) }
        case ("OKP", "Ed25519"):
            return bytes("x", of: key).flatMap { try? Curve25519.Signing.PublicKey(rawRepresentation: $0) }
                .map { .ed25519($0) }
        default: return nil
        }
    }

    private static func bytes(_ name: String, of key: JSONTree) -> Data? {
        key[name]?.text.flatMap { Base64URL.decode($0) }
    }

    /// An uncompressed point (SEC 1, section 2.3.3); both coordinates have the curve's full length (RFC 7518, 6.2.1.2).
    private static func point(of key: JSONTree, _ length: Int) -> Data? {
        guard let x = bytes("x", of: key), let y = bytes("y", of: key), x.count == length, y.count == length else {
            return nil
        }
        return Data([0x04]) + x + y
    }

    /// Whether tokens of this algorithm can be signed with it: the key decides, not the token.
    package func fits(_ algorithm: SigningAlgorithm) -> Bool {
        if let only = self.algorithm, only != algorithm.rawValue { return false }
        return switch (material, algorithm) {
        case (.rsa, .rs256), (.rsa, .ps256), (.p256, .es256), (.p384, .es384), (.ed25519, .edDSA): true
        default: false
        }
    }

    /// Whether the token was signed with the private half of this key.
    package func verifies(_ token: SignedToken) -> Bool {
        guard fits(token.algorithm) else { return false }
        let (signature, signed) = (token.signature, token.signedPart)
        switch (material, token.algorithm) {
        case (.rsa(let key), .rs256):
            return key.isValidSignature(
                .init(rawRepresentation: signature), for: SHA256.hash(data: signed), padding: .insecurePKCS1v1_5)
        case (.rsa(let key), .ps256):
            return key.isValidSignature(
                .init(rawRepresentation: signature), for: SHA256.hash(data: signed), padding: .PSS)
        case (.p256(let key), .es256):
            // The two numbers one after the other (RFC 7518, section 3.4), not ASN.1.
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            return signature.map { key.isValidSignature($0, for: SHA256.hash(data: signed)) } ?? false
        case (.p384(let key), .es384):
            let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature)
            return signature.map { key.isValidSignature($0, for: SHA384.hash(data: signed)) } ?? false
        case (.ed25519(let key), .edDSA): return key.isValidSignature(signature, for: signed)
        default: return false
        }
    }
}

extension SigningAlgorithm {
    /// `at_hash` of an access token (Core 1.0, section 3.1.3.6): the left half of its hash, of the kind that the
    /// algorithm uses; Ed25519 uses SHA-512 inside.
    func halfHash(of text: String) -> String {
        let bytes = Data(text.utf8)
        let hash: [UInt8] =
            switch self {
            case .rs256, .ps256, .es256: Array(SHA256.hash(data: bytes))
            case .es384: Array(SHA384.hash(data: bytes))
            case .edDSA: Array(SHA512.hash(data: bytes))
            }
        return Base64URL.encode(hash.prefix(hash.count / 2))
    }
}

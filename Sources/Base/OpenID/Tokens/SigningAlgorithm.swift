/// How a token may be signed (RFC 7518, section 3; RFC 8037). `none` and the symmetric `HS…` are not among them and never
/// will be: whoever knows the public key could sign with them.
package enum SigningAlgorithm: String, Sendable, Hashable, Codable, CaseIterable {
    case rs256 = "RS256"
    case ps256 = "PS256"
    case es256 = "ES256"
    case es384 = "ES384"
    case edDSA = "EdDSA"
}

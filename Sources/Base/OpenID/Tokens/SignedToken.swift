import Foundation

/// A JSON Web Token in its compact form (RFC 7515, section 7.1; RFC 7519), taken apart. Nothing in it is to be believed
/// before `VerificationKey.verifies`.
package struct SignedToken: Sendable, Hashable {
    /// Longer ones are not looked into. Entra ID's longest, with 200 groups, have about 10 kB.
    package static let mostBytes = 32_768

    package let algorithm: SigningAlgorithm
    /// `kid`: which key it says it is signed with.
    package let keyID: String?
    /// `typ`, in lower case and without `application/`.
    package let type: String?
    package let claims: JSONTree
    /// What is signed: header and claims as they were written.
    let signedPart: Data
    let signature: Data

    /// - Throws: `TokenFault`: `tooLong`, `malformed`, `algorithm`, `critical`.
    package init(_ text: String) throws(TokenFault) {
        guard text.utf8.count <= Self.mostBytes else { throw .tooLong }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]) else { throw .malformed }
        let name = header["alg"]?.text ?? ""
        guard let algorithm = SigningAlgorithm(rawValue: name) else { throw .algorithm(String(name.prefix(20))) }
        // RFC 7515, section 4.1.11: none of the extensions that it may list is known here.
        guard header["crit"] == nil, header["b64"] == nil else { throw .critical }
        guard let claims = Self.object(parts[1]), let signature = Base64URL.decode(parts[2]), !signature.isEmpty else {
            throw .malformed
        }
        keyID = try Self.optionalText("kid", of: header)
        type = try Self.optionalText("typ", of: header).map { type in
            let type = type.lowercased()
            return type.hasPrefix("application/") ? String(type.dropFirst("application/".count)) : type
        }
        self.algorithm = algorithm
        self.claims = claims
        self.signature = signature
        signedPart = Data("\(parts[0]).\(parts[1])".utf8)
    }

    /// A member that may be absent, but if it is there is text.
    private static func optionalText(_ name: String, of header: JSONTree) throws(TokenFault) -> String? {
        guard let value = header[name] else { return nil }
        guard let text = value.text, text.utf8.count <= 500 else { throw .malformed }
        return text
    }

    private static func object(_ part: Substring) -> JSONTree? {
        guard let bytes = Base64URL.decode(part), let tree = try? JSONTree(bytes), case .object = tree else {
            return nil
        }
        return tree
    }
}

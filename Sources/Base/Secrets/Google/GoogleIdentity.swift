import Crypto
import CryptoExtras
package import Foundation
package import Kernel
import Outbound

/// Who Weirhouse is at Google.
package enum GoogleSignIn: Sendable {
    /// The machine's own service account, asked of the metadata server at this address.
    case metadataServer(String)
    case serviceAccount(GoogleServiceAccount)

    /// `http://metadata.google.internal`.
    package static let machine = GoogleSignIn.metadataServer("http://metadata.google.internal")
}

/// A service account's key as Google gives it: a JSON file.
package struct GoogleServiceAccount: Sendable {
    let email: String
    let keyID: String
    let key: Secret<String>
    let tokenAddress: String

    /// - Throws: `invalidInput`; never a part of the file.
    package init(json: Data) throws(Problem) {
        struct File: Decodable {
            let clientEmail: String
            let privateKeyId: String
            let privateKey: String
            let tokenUri: String?
        }
        guard let file = try? JSONDecoder.snakeCase.decode(File.self, from: json),
            (try? _RSA.Signing.PrivateKey(pemRepresentation: file.privateKey)) != nil
        else {
            throw Problem(
                .invalidInput, "This is no key of a Google service account.",
                hint: "Name its JSON file in GOOGLE_APPLICATION_CREDENTIALS.")
        }
        email = file.clientEmail
        keyID = file.privateKeyId
        key = Secret(file.privateKey)
        tokenAddress = file.tokenUri ?? "https://oauth2.googleapis.com/token"
    }

    /// A JWT that asks for an access token ("Using OAuth 2.0 for Server to Server Applications"; RFC 7523; RS256 is
    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518, section 3.3).
    func assertion(at date: Date) throws -> String {
        let now = Int(date.timeIntervalSince1970)
        let head = ["alg": "RS256", "typ": "JWT", "kid": keyID]
        let claims = Claims(
            iss: email, scope: "https://www.googleapis.com/auth/cloud-platform", aud: tokenAddress, iat: now,
            exp: now + 3600)
        let signed = try Self.base64URL(JSONEncoder().encode(head)) + "." + Self.base64URL(JSONEncoder().encode(claims))
        let privateKey = try _RSA.Signing.PrivateKey(pemRepresentation: key.reveal())
        let signature = try privateKey.signature(for: Data(signed.utf8), padding: .insecurePKCS1v1_5)
        return signed + "." + Self.base64URL(signature.rawRepresentation)
    }

    private struct Claims: Encodable {
        let iss: String
        let scope: String
        let aud: String
        let iat: Int
        let exp: Int
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

/// Access tokens of Google, kept until five minutes before they end.
actor GoogleIdentity {
    private let signIn: GoogleSignIn
    private let http: OutboundHTTP
    private let time: TimeSource
    private var held: (token: Secret<String>, end: Date)?
    private var underway: Task<(Secret<String>, Date), any Error>?

    init(_ signIn: GoogleSignIn, http: OutboundHTTP, time: TimeSource) {
        self.signIn = signIn
        self.http = http
        self.time = time
    }

    /// - Throws: `secretsRefused`, `secretsUnavailable`.
    func token() async throws -> Secret<String> {
        if let held, held.end > time.now() { return held.token }
        if let underway { return try await underway.value.0 }
        let task = Task { try await obtain() }
        underway = task
        defer { underway = nil }
        let (token, end) = try await task.value
        held = (token, end)
        return token
    }

    private func obtain() async throws -> (Secret<String>, Date) {
        let now = time.now()
        let answer = try await http.ask(request(at: now))
        guard answer.status == 200 else {
            guard answer.status < 500, answer.status != 429 else { throw GoogleRefusal(answer).problem }
            throw Problem(
                .secretsRefused, "Google does not take Weirhouse's sign-in (\(answer.status)).",
                hint: "Check the service account, its key, and this machine's clock.")
        }
        let found = try answer.decoded(TokenAnswer.self)
        return (Secret(found.accessToken), now + Double(max(0, found.expiresIn - 300)))
    }

    private func request(at now: Date) throws -> OutboundRequest {
        switch signIn {
        case .metadataServer(let server):
            let path = "computeMetadata/v1/instance/service-accounts/default/token"
            return OutboundRequest(
                "GET", try WebAddress("\(server)/\(path)"), headers: ["Metadata-Flavor": "Google"],
                timeout: .seconds(5))
        case .serviceAccount(let account):
            let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
            return OutboundRequest(
                "POST", try WebAddress(account.tokenAddress),
                headers: ["Content-Type": "application/x-www-form-urlencoded"],
                body: Data("grant_type=\(grant)&assertion=\(try account.assertion(at: now))".utf8),
                timeout: .seconds(10))
        }
    }

    private struct TokenAnswer: Decodable {
        let accessToken: String
        let expiresIn: Int
    }
}

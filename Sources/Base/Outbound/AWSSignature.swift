import Crypto
package import Foundation
package import Kernel

/// Who signs requests to AWS and to services that speak its protocol.
package struct AWSCredentials: Sendable, Equatable {
    package let accessKeyID: String
    package let secretAccessKey: Secret<String>
    /// Of temporary credentials.
    package let sessionToken: Secret<String>?

    package init(accessKeyID: String, secretAccessKey: Secret<String>, sessionToken: Secret<String>? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}

/// Signature Version 4 in the header `Authorization` (AWS Identity and Access Management User Guide, "Create a signed AWS
/// API request"; for S3: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header").
package struct AWSSignature: Sendable {
    private let credentials: AWSCredentials
    private let region: String
    private let service: String

    /// - Parameter service: as it stands in the credential scope, such as `s3` or `secretsmanager`.
    package init(credentials: AWSCredentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// The request with the headers of its signature, good for some minutes around `date`. All headers that it has are
    /// signed, except `User-Agent`; its query must be percent-encoded by RFC 3986.
    package func sign(_ request: OutboundRequest, date: Date) -> OutboundRequest {
        var signed = request
        let time = Self.timestamp(date)
        let bodyHash = SHA256.hash(data: request.body).hexadecimal
        signed.headers["Authorization"] = nil
        signed.headers["X-Amz-Date"] = time
        signed.headers["X-Amz-Security-Token"] = credentials.sessionToken?.reveal()
        if service == "s3" { signed.headers["X-Amz-Content-SHA256"] = bodyHash }

        let headers = Self.canonicalHeaders(of: signed)
        let names = headers.map(\.name).joined(separator: ";")
        let canonical = [
            signed.method, canonicalPath(of: signed.address), Self.canonicalQuery(of: signed.address),
            headers.map { "\($0.name):\($0.value)\n" }.joined(), names, bodyHash,
        ].joined(separator: "\n")
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let text = ["AWS4-HMAC-SHA256", time, scope, SHA256.hash(data: Data(canonical.utf8)).hexadecimal].joined(
            separator: "\n")
        let signature = code(text, key: signingKey(day: String(time.prefix(8)))).hexadecimal
        signed.headers["Authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
        return signed
    }

    /// `20261124T093000Z`
    private static func timestamp(_ date: Date) -> String {
        date.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    private func signingKey(day: String) -> SymmetricKey {
        var key = SymmetricKey(data: Data("AWS4\(credentials.secretAccessKey.reveal())".utf8))
        for part in [day, region, service, "aws4_request"] { key = SymmetricKey(data: Data(code(part, key: key))) }
        return key
    }

    private func code(_ text: String, key: SymmetricKey) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key)
    }
}

extension AWSSignature {
    /// In S3's keys every character counts, so its path is signed as it is sent. Other services get it without `.` and
    /// `..` and encoded once more.
    private func canonicalPath(of address: WebAddress) -> String {
        if service == "s3" { return address.path }
        var parts: [Substring] = []
        for part in address.path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        let end = address.path.hasSuffix("/") && !parts.isEmpty ? "/" : ""
        return Self.encoded("/" + parts.joined(separator: "/") + end, keeping: "/")
    }

    private static func canonicalQuery(of address: WebAddress) -> String {
        let pairs = (address.query ?? "").split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
        }
        // All is ASCII here, so that this is the order of bytes.
        return pairs.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    private static func canonicalHeaders(of request: OutboundRequest) -> [(name: String, value: String)] {
        var values = ["host": [request.address.authority]]
        for field in request.headers.fields where field.name.lowercased() != "user-agent" {
            values[field.name.lowercased(), default: []].append(
                field.value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " "))
        }
        return values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value.joined(separator: ",")) }
    }

    /// `UriEncode` of the guide: every byte but letters, digits, `-`, `.`, `_`, `~` and those of `kept`.
    package static func encoded(_ text: String, keeping kept: String = "") -> String {
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~\(kept)".utf8)
        return text.utf8.map { byte in
            plain.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}

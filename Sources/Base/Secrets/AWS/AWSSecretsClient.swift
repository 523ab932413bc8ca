import Foundation
import Kernel
import Outbound

/// Signed calls of AWS Secrets Manager.
struct AWSSecretsClient: Sendable {
    let location: AWSSecretLocation
    let credentials: AWSCredentials
    let http: OutboundHTTP
    let time: TimeSource

    /// A failure of the service and its throttling are tried again, three times in all with a pause that grows, as AWS's
    /// own clients do (AWS SDKs and Tools Reference Guide, "Retry behavior", standard mode). A write that succeeded
    /// without an answer is the same write: its `ClientRequestToken` is the number of the value.
    /// - Throws: `AWSRefusal` for an answer that says no; `secretsUnavailable` without an answer.
    func call<Answer: Decodable>(_ action: String, _ request: some Encodable, _: Answer.Type) async throws -> Answer {
        let unsigned = OutboundRequest(
            "POST", location.endpoint,
            headers: ["X-Amz-Target": "secretsmanager.\(action)", "Content-Type": "application/x-amz-json-1.1"],
            body: try AWSJSON.encode(request), timeout: .seconds(15))
        let signature = AWSSignature(credentials: credentials, region: location.region, service: "secretsmanager")
        var attempt = 1
        while true {
            let answer = try await http.ask(signature.sign(unsigned, date: time.now()))
            if answer.status == 200 { return try answer.decoded(by: AWSJSON.decoder) }
            let refusal = AWSRefusal(answer)
            guard refusal.isPassing, attempt < Self.attempts else { throw refusal }
            try await Task.sleep(
                for: backoff(after: attempt, base: .milliseconds(200), ceiling: .seconds(5))
                    * Double.random(in: 0.5...1))
            attempt += 1
        }
    }

    private static let attempts = 3
}

/// An answer that says no (AWS Secrets Manager API Reference, "Common Errors" and those of each action).
struct AWSRefusal: Error {
    let status: Int
    /// `ResourceNotFoundException`.
    let type: String

    init(_ answer: OutboundResponse) {
        struct Body: Decodable {
            /// `__type`.
            let type: String?
        }
        status = answer.status
        let body = try? AWSJSON.decoder.decode(Body.self, from: answer.body)
        let given = answer.headers["x-amzn-errortype"] ?? body?.type ?? ""
        // `com.amazonaws…#Name` and `Name:http://…` are both in use.
        type = given.split(separator: "#").last?.split(separator: ":").first.map(String.init) ?? ""
    }

    var isMissing: Bool { type == "ResourceNotFoundException" }
    /// Also of a secret that is on its way out.
    var exists: Bool { type == "ResourceExistsException" || (type == "InvalidRequestException" && status == 400) }

    /// Another try may succeed.
    var isPassing: Bool {
        status >= 500 || status == 429 || ["ThrottlingException", "LimitExceededException"].contains(type)
    }

    var problem: Problem {
        switch (type, status) {
        case ("AccessDeniedException", _):
            Problem(
                .secretsRefused, "AWS does not let Weirhouse use its secrets.",
                hint: "Allow secretsmanager:* on the prefix that WEIR_SECRETS names, and its key.")
        case ("UnrecognizedClientException", _), ("InvalidSignatureException", _), ("InvalidClientTokenId", _),
            ("SignatureDoesNotMatch", _), ("IncompleteSignature", _), ("ExpiredTokenException", _),
            ("ExpiredToken", _), ("MissingAuthenticationToken", _), ("RequestExpired", _), (_, 401), (_, 403):
            Problem(
                .secretsRefused, "AWS does not take Weirhouse's access key (\(name)).",
                hint: "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and this machine's clock.")
        case _ where isPassing:
            Problem(.secretsUnavailable, "AWS has too much to do now (\(name)).", hint: "Try again.")
        default:
            Problem(
                .secretsRefused, "AWS refuses to keep a secret (\(name)).",
                hint: "Look into CloudTrail for the reason.")
        }
    }

    private var name: String { type.isEmpty ? "status \(status)" : type }
}

/// `SecretString` in JSON is `secretString` here.
enum AWSJSON {
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .custom { path in
            let name = path.last?.stringValue ?? ""
            return Key(stringValue: name.prefix(1).uppercased() + name.dropFirst())
        }
        return try encoder.encode(value)
    }

    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            let name = (path.last?.stringValue ?? "").drop { $0 == "_" }
            return Key(stringValue: name.prefix(1).lowercased() + name.dropFirst())
        }
        return decoder
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

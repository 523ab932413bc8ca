import Foundation
import Kernel
import Outbound
import Peers
import Testing

@Suite("The signature of webhooks")
struct WebhookSignatureTests {
    private struct Question: Encodable {
        let secret: String
        let body: Data
        let headers: [String: String]
    }

    private struct Answer: Decodable {
        let verified: Bool
    }

    private func dictionary(_ headers: OutboundHeaders) -> [String: String] {
        Dictionary(headers.fields.map { ($0.name, $0.value) }) { first, _ in first }
    }

    @Test("is what the library of Standard Webhooks verifies, and only with the right secret, body, id and time")
    func thirdParty() async throws {
        let secret = WebhookSecret.make()
        let other = WebhookSecret.make()
        let body = Data(#"{"type":"run.failed","what":"Überlauf","at":"2026-11-24T10:00:00Z"}"#.utf8)
        let now = Date()
        let signed = dictionary(
            try WebhookSignature.headers(id: "run_1-a", date: now, body: body, secrets: [secret]))
        let both = dictionary(
            try WebhookSignature.headers(id: "run_1-a", date: now, body: body, secrets: [other, secret]))
        let otherID = signed.merging(["webhook-id": "run_2"]) { $1 }
        let old = dictionary(
            try WebhookSignature.headers(id: "run_1", date: now - 3600, body: body, secrets: [secret]))
        try await Peer.use("webhook_reader.py") { peer in
            func verified(_ secret: WebhookSecret, _ body: Data, _ headers: [String: String]) async throws -> Bool {
                try await peer.ask(
                    Question(secret: secret.text.reveal(), body: body, headers: headers), Answer.self
                ).verified
            }
            var answers: [Bool] = []
            for (secret, body, headers) in [
                (secret, body, signed), (secret, body, both), (other, body, both), (other, body, signed),
                (secret, body + Data(" ".utf8), signed), (secret, body, otherID), (secret, body, old),
            ] {
                answers.append(try await verified(secret, body, headers))
            }
            #expect(answers == [true, true, true, false, false, false, false])
        }
    }

    @Test("the example of the specification")
    func example() throws {
        // From the test of the specification's own libraries.
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let headers = try WebhookSignature.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", date: Date(timeIntervalSince1970: 1_614_265_330.9),
            body: Data(#"{"test": 2432232314}"#.utf8), secrets: [secret])
        #expect(headers["webhook-timestamp"] == "1614265330")
        #expect(headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("a receiver of ours verifies it too")
    func ours() throws {
        let secret = WebhookSecret.make()
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        let body = Data("{}".utf8)
        let headers = try WebhookSignature.headers(id: "a", date: now, body: body, secrets: [.make(), secret])
        try WebhookSignature.verify(headers, body: body, secret: secret, now: now + 299)
        for (body, secret, moment) in [(Data("[]".utf8), secret, now), (body, .make(), now), (body, secret, now + 301)]
        {
            let problem = #expect(throws: Problem.self) {
                try WebhookSignature.verify(headers, body: body, secret: secret, now: moment)
            }
            #expect(problem?.code == .unauthenticated)
        }
        #expect(throws: Problem.self) { try WebhookSignature.verify([:], body: body, secret: secret, now: now) }
    }

    @Test("ids with a full stop, and secrets of another form, are refused; a secret does not print")
    func refused() throws {
        for id in ["a.b", "", "a b", "a\nb", "ü"] {
            #expect(throws: Problem.self) {
                try WebhookSignature.headers(id: id, date: Date(), body: Data(), secrets: [.make()])
            }
        }
        #expect(throws: Problem.self) { try WebhookSignature.headers(id: "a", date: Date(), body: Data(), secrets: []) }
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!"] {
            let problem = #expect(throws: Problem.self) { try WebhookSecret(text) }
            #expect(problem?.code == .invalidInput)
        }
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect(secret.text.reveal() == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        #expect(!"\(secret) \(String(reflecting: secret))".contains("MfKQ"))
        #expect(WebhookSecret.make() != WebhookSecret.make())
    }
}

@Suite("AWS's signature", .timeLimit(.minutes(10)))
struct AWSSignatureTests {
    private struct Question: Encodable {
        let method: String
        let url: String
        let headers: [[String]]
        let body: Data
        let service: String
        let region: String
        let accessKey: String
        let secretKey: String
        let token: String?
        let time: Double
    }

    private struct Answer: Decodable {
        let authorization: String
    }

    /// Numbers that only depend on the seed (SplitMix64).
    private struct Chance: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }

        mutating func text(_ lengths: ClosedRange<Int>, of letters: String) -> String {
            let letters = Array(letters)
            return String(
                (0..<Int.random(in: lengths, using: &self)).map { _ in
                    letters[Int.random(in: 0..<letters.count, using: &self)]
                })
        }
    }

    private func question(_ chance: inout Chance) -> Question {
        let names = "abcXYZ019-._~ /+%=&?:;@!*'(),äß漢🐟"
        let service = ["s3", "secretsmanager", "redshift-data", "sts"].randomElement(using: &chance) ?? "s3"
        let parts = (0..<Int.random(in: 0...4, using: &chance)).map { _ in
            Bool.random(using: &chance)
                ? AWSSignature.encoded(chance.text(0...8, of: names))
                : [".", "..", "a", ""].randomElement(using: &chance) ?? ""
        }
        let query = (0..<Int.random(in: 0...4, using: &chance)).map { _ in
            let name = AWSSignature.encoded(chance.text(1...3, of: "abAB-ü "))
            return Bool.random(using: &chance) ? name : "\(name)=\(AWSSignature.encoded(chance.text(0...6, of: names)))"
        }
        let host =
            ["example.com", "example.com:443", "example.com:80", "127.0.0.1:5050"].randomElement(using: &chance) ?? ""
        let scheme = Bool.random(using: &chance) ? "https" : "http"
        return Question(
            method: ["GET", "PUT", "POST", "DELETE", "HEAD"].randomElement(using: &chance) ?? "GET",
            url:
                "\(scheme)://\(host)/\(parts.joined(separator: "/"))\(query.isEmpty ? "" : "?" + query.joined(separator: "&"))",
            headers: (0..<Int.random(in: 0...3, using: &chance)).map { index in
                [chance.text(1...5, of: "aBcX-") + "\(index)", "v" + chance.text(0...12, of: "ab \t,=é") + "w"]
            } + [["User-Agent", "anything"]],
            body: Data(chance.text(0...40, of: names).utf8), service: service, region: "eu-central-1",
            accessKey: "AKIA" + chance.text(16...16, of: "ABCDEF234567"),
            secretKey: chance.text(40...40, of: "abcDEF/+0123"), token: Bool.random(using: &chance) ? "token+/==" : nil,
            time: Double(Int.random(in: 1_000_000_000...2_000_000_000, using: &chance)))
    }

    @Test("is that of botocore, for a thousand requests of every kind")
    func sameAsBotocore() async throws {
        try await Peer.use("aws_signer.py") { peer in
            var chance = Chance(state: 20_261_124)
            for _ in 0..<1000 {
                let question = question(&chance)
                var headers: OutboundHeaders = [:]
                for header in question.headers { headers.add(header[0], header[1]) }
                let signature = AWSSignature(
                    credentials: AWSCredentials(
                        accessKeyID: question.accessKey, secretAccessKey: Secret(question.secretKey),
                        sessionToken: question.token.map { Secret($0) }),
                    region: question.region, service: question.service)
                let request = OutboundRequest(
                    question.method, try WebAddress(question.url), headers: headers, body: question.body)
                let signed = signature.sign(request, date: Date(timeIntervalSince1970: question.time))
                let theirs = try await peer.ask(question, Answer.self).authorization
                try #require(signed.headers["Authorization"] == theirs, "\(question)")
            }
        }
    }

    @Test("signing again replaces the signature")
    func again() throws {
        let signature = AWSSignature(
            credentials: AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("geheim"), sessionToken: Secret("t")),
            region: "r", service: "s3")
        let request = OutboundRequest("GET", try WebAddress("https://host/key"))
        let once = signature.sign(request, date: Date(timeIntervalSince1970: 1))
        #expect(signature.sign(once, date: Date(timeIntervalSince1970: 1)).headers == once.headers)
        #expect(!"\(signature)".contains("geheim"))
    }
}

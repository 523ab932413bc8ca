import Foundation
import Kernel
import ObjectStorage
import ObjectStoreConformance
import Peers
import Testing

@testable import Outbound

/// What `s3.py` tells: where moto is, and the keys of two users.
struct S3Peer: Decodable, Sendable {
    struct Keys: Decodable, Sendable {
        let id: String
        let secret: String

        var credentials: AWSCredentials { AWSCredentials(accessKeyID: id, secretAccessKey: Secret(secret)) }
    }

    let port: Int
    let owner: Keys
    let stranger: Keys

    static func use<Value: Sendable>(_ work: @Sendable (S3Peer) async throws -> Value) async throws -> Value {
        try await Peer.use("s3.py") { peer in try await work(peer.ready(S3Peer.self)) }
    }

    func store(_ path: String = "lake", _ credentials: AWSCredentials? = nil) throws -> S3Store {
        let location = try S3Location("s3://\(path)?region=eu-central-1&endpoint=http://127.0.0.1:\(port)")
        let http = OutboundHTTP(try AddressGuard(allowing: "127.0.0.1"))
        return S3Store(location, credentials: credentials ?? owner.credentials, http: http)
    }
}

@Suite("Objects in a bucket", .timeLimit(.minutes(10)))
struct S3StoreTests {
    @Test("keep the promises of every store")
    func conforms() async throws {
        try await S3Peer.use { s3 in
            for (number, rule) in ObjectStoreRule.all.enumerated() {
                // `part 1` is not a part of `part 10`, nor what stands beside them.
                try await rule.check(s3.store("lake/a part+of ü/\(number)"))
            }
            try await ObjectStoreRule.all[0].check(s3.store("lake/other"))
            #expect(try await s3.store().keys(prefix: "other") == ["other/folder/file.bin"])
            #expect(try await s3.store("lake/oth").keys() == [])
        }
    }

    @Test("are reached by the bucket's own host too")
    func virtualHost() async throws {
        try await S3Peer.use { s3 in
            var http = OutboundHTTP(try AddressGuard(allowing: "127.0.0.1"))
            let host = "s3.eu-central-1.amazonaws.com"
            http.resolved = ["lake.\(host):\(s3.port):127.0.0.1"]
            let location = try S3Location(
                "s3://lake/v?region=eu-central-1&addressing=virtual&endpoint=http://\(host):\(s3.port)")
            let store = S3Store(location, credentials: s3.owner.credentials, http: http)
            try await store.put("a b/ü", Data("x".utf8))
            #expect(try await store.keys() == ["a b/ü"])
            #expect(try await s3.store().get("v/a b/ü", limit: 10) == Data("x".utf8))
        }
    }

    @Test("keys that only a bucket can hold are read as they are")
    func foreignKeys() async throws {
        try await S3Peer.use { s3 in
            let store = try s3.store("lake/foreign")
            try await store.put("a", Data())
            let location = try S3Location("s3://lake?region=eu-central-1&endpoint=http://127.0.0.1:\(s3.port)")
            let signature = AWSSignature(credentials: s3.owner.credentials, region: "eu-central-1", service: "s3")
            for key in ["foreign/", "foreign/dir/", "foreign/a/../b"] {
                let address = try WebAddress("\(location.endpoint.text)lake/\(key)")
                let put = signature.sign(OutboundRequest("PUT", address, body: Data("y".utf8)), date: Date())
                #expect(try await OutboundHTTP(AddressGuard(allowing: "127.0.0.1")).send(put).status == 200)
            }
            #expect(try await store.keys() == ["a", "a/../b", "dir/"])
            #expect(try await store.get("a/../b", limit: 10) == Data("y".utf8))
            #expect(try await store.exists("dir/"))
        }
    }

    @Test("whoever may not use the bucket is told why")
    func refused() async throws {
        try await S3Peer.use { s3 in
            try await s3.store().put("there", Data("x".utf8))
            let wrongSecret = AWSCredentials(accessKeyID: s3.owner.id, secretAccessKey: Secret("geheim"))
            let unknown = AWSCredentials(accessKeyID: "AKIAUNKNOWNUNKNOWN00", secretAccessKey: Secret("geheim"))
            let cases: [(S3Store, Problem.Code)] = [
                (try s3.store("lake", wrongSecret), .sourceCredentials),
                (try s3.store("lake", unknown), .sourceCredentials),
                (try s3.store("lake", s3.stranger.credentials), .sourcePermission),
                (try s3.store("no-such-bucket"), .sourceMissing),
            ]
            for (store, code) in cases {
                for work in [
                    { _ = try await store.keys() }, { _ = try await store.get("there", limit: 9) },
                    { _ = try await store.exists("there") }, { _ = try await store.exists("missing") },
                    { _ = try await store.put("a", Data()) }, { _ = try await store.put("a", Data(), ifAbsent: true) },
                ] as [@Sendable () async throws -> Void] {
                    let problem = await #expect(throws: Problem.self) { try await work() }
                    #expect(problem?.code == code)
                    #expect(problem?.description.contains("geheim") == false)
                }
            }
            #expect(try await s3.store().keys() == ["there"])
        }
    }

    @Test("an endpoint with a private address is refused, one that does not answer is said to")
    func unreachable() async throws {
        let credentials = AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("B"))
        let location = try S3Location("s3://lake?endpoint=http://127.0.0.1:9")
        let guarded = S3Store(location, credentials: credentials, http: OutboundHTTP(.publicOnly))
        let forbidden = await #expect(throws: Problem.self) { _ = try await guarded.keys() }
        #expect(forbidden?.code == .forbidden)
        let port = try await Peer.use("receiver.py") { try await $0.port }
        let gone = S3Store(
            try S3Location("s3://lake?endpoint=http://127.0.0.1:\(port)"), credentials: credentials,
            http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")))
        let problem = await #expect(throws: Problem.self) { _ = try await gone.exists("a") }
        #expect(problem?.code == .sourceUnreachable)
    }
}

@Suite("Answers of S3", .timeLimit(.minutes(10)))
struct S3AnswerTests {
    private struct Canned: Encodable {
        let status: Int
        let headers: [String: String]
        let body: String
    }

    private struct Queued: Decodable {
        let queued: Int
    }

    /// What each way of using the store throws when the service answers so.
    private func codes(
        _ status: Int, _ body: String, headers: [String: String] = [:]
    ) async throws -> Set<Problem.Code?> {
        try await Peer.use("receiver.py", ["--answers"]) { peer in
            let store = S3Store(
                try S3Location("s3://lake?endpoint=http://127.0.0.1:\(await peer.port)"),
                credentials: AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("B")),
                http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")))
            var codes: Set<Problem.Code?> = []
            for work in [
                { _ = try await store.keys() }, { _ = try await store.get("a", limit: 1_000_000) },
                { _ = try await store.put("a", Data()) }, { try await store.delete("a") },
            ] as [@Sendable () async throws -> Void] {
                _ = try await peer.ask(Canned(status: status, headers: headers, body: body), Queued.self)
                let problem = await #expect(throws: Problem.self) { try await work() }
                codes.insert(problem?.code)
                _ = try await peer.next(Request.self)
            }
            return codes
        }
    }

    private struct Request: Decodable {
        let method: String
    }

    private static func error(_ code: String) -> String {
        "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>m</Message><Region>eu-west-3</Region></Error>"
    }

    @Test(
        "that are no success have one meaning each",
        arguments: [
            (403, "RequestTimeTooSkewed", Problem.Code.sourceCredentials), (503, "SlowDown", .busy),
            (400, "ExpiredToken", .sourceCredentials), (403, "AccessDenied", .sourcePermission),
            (500, "InternalError", .sourceInterrupted),
            (301, "PermanentRedirect", .invalidInput), (400, "AuthorizationHeaderMalformed", .invalidInput),
            (409, "OperationAborted", .busy), (400, "RequestTimeout", .sourceInterrupted), (507, "Full", .diskFull),
            (501, "NotImplemented", .unsupported), (404, "NoSuchBucket", .sourceMissing), (429, "", .busy),
        ])
    func refusals(status: Int, code: String, expected: Problem.Code) async throws {
        #expect(try await codes(status, Self.error(code)) == [expected])
    }

    @Test("of something that is no S3 are said to be no use")
    func noS3() async throws {
        #expect(try await codes(404, "<html><body>Not found</html>") == [.unsupported])
        #expect(try await codes(302, "") == [.unsupported])
    }

    @Test(
        "to a listing that cannot be understood are refused, and end",
        arguments: [
            "", "no xml", "<html/>", "<ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>x</Size><LastModified>2026-11-24T00:00:00Z</LastModified></Contents></ListBucketResult>",
            "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><x>&c;</x>",
            "<!DOCTYPE a [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>",
        ])
    func listings(_ body: String) async throws {
        try await Peer.use("receiver.py", ["--answers"]) { peer in
            let store = S3Store(
                try S3Location("s3://lake?endpoint=http://127.0.0.1:\(await peer.port)"),
                credentials: AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("B")),
                http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")))
            _ = try await peer.ask(Canned(status: 200, headers: [:], body: body), Queued.self)
            let problem = await #expect(throws: Problem.self) { _ = try await store.keys() }
            #expect(problem?.code == .dataInvalid)
            #expect(problem?.description.contains("root:") == false)
        }
    }

    @Test(
        "to a listing that has no end of its own end it",
        arguments: [
            (["a", "b", "a"], 10, "sent before"), (["a", "b"], 2, "goes on after 2 pages"),
            ([String(repeating: "x", count: 9000)], 10, "cannot be understood"),
        ])
    func endless(tokens: [String], mostPages: Int, says: String) async throws {
        try await Peer.use("receiver.py", ["--answers"]) { peer in
            let store = S3Store(
                try S3Location("s3://lake?endpoint=http://127.0.0.1:\(await peer.port)"),
                credentials: AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("B")),
                http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")), mostPages: mostPages)
            for token in tokens {
                let body = """
                    <ListBucketResult><IsTruncated>true</IsTruncated>
                    <NextContinuationToken>\(token)</NextContinuationToken></ListBucketResult>
                    """
                _ = try await peer.ask(Canned(status: 200, headers: [:], body: body), Queued.self)
            }
            let problem = await #expect(throws: Problem.self) { _ = try await store.keys() }
            #expect(problem?.detail.contains(says) == true, "\(String(describing: problem))")
        }
    }

    @Test("temporary credentials send their token, and signatures have the given time")
    func token() async throws {
        struct Signed: Decodable {
            let headers: [String: String]
        }
        try await Peer.use("receiver.py", ["--answers"]) { peer in
            let store = S3Store(
                try S3Location("s3://lake?endpoint=http://127.0.0.1:\(await peer.port)"),
                credentials: AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("B"), sessionToken: Secret("T")),
                http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")),
                time: TimeSource(now: { Date(timeIntervalSince1970: 1_795_000_000) }, makeUUID: { UUID() }))
            _ = try await peer.ask(Canned(status: 200, headers: [:], body: "x"), Queued.self)
            #expect(try await store.get("a", limit: 10) == Data("x".utf8))
            let signed: Signed = try await peer.next()
            #expect(signed.headers["x-amz-security-token"] == "T")
            #expect(signed.headers["x-amz-date"] == "20261118T110640Z")
            #expect(signed.headers["authorization"]?.contains("x-amz-security-token") == true)
        }
    }
}

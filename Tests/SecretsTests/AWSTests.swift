import Foundation
import Kernel
import Outbound
import Peers
import SecretStoreConformance
import Testing

@testable import Secrets

/// What `aws_secrets.py` tells: where moto is, and the keys of two users.
private struct AWSPeer: Decodable, Sendable {
    struct Keys: Decodable, Sendable {
        let id: String
        let secret: String

        var credentials: AWSCredentials { AWSCredentials(accessKeyID: id, secretAccessKey: Secret(secret)) }
    }

    let port: Int
    let owner: Keys
    let stranger: Keys

    static func use(stumbling times: Int = 0, _ work: @Sendable (AWSPeer) async throws -> Void) async throws {
        try await Peer.use("aws_secrets.py", ["\(times)"]) { peer in try await work(peer.ready(AWSPeer.self)) }
    }

    func store(_ prefix: String = "weirhouse", _ credentials: AWSCredentials? = nil) throws -> AWSSecretStore {
        AWSSecretStore(
            try AWSSecretLocation("aws://eu-central-1/\(prefix)?endpoint=http://127.0.0.1:\(port)"),
            credentials: credentials ?? owner.credentials, http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")))
    }
}

@Suite("Secrets in AWS Secrets Manager", .timeLimit(.minutes(10)))
struct AWSTests {
    private let acme = TimeSource.system.makeID(OrganizationTag.self)

    @Test("keep the promises of every store")
    func conforms() async throws {
        try await AWSPeer.use { aws in
            let store = try aws.store()
            for rule in SecretStoreRule.all {
                let time = TimeSource.system
                try await rule.check(.init(store: store, acme: time.makeID(), other: time.makeID()))
            }
        }
    }

    @Test("below another prefix are others")
    func prefixes() async throws {
        try await AWSPeer.use { aws in
            try await aws.store("weir").put(swordfish, named: "a", of: acme)
            #expect(try await aws.store("weir/prod").get("a", of: acme) == nil)
            #expect(try await aws.store("wei").list(of: acme).isEmpty)
            #expect(try await aws.store("weir").list(of: acme).map(\.name) == ["a"])
        }
    }

    @Test("whoever may not use them, or signs wrongly, is told why")
    func refused() async throws {
        try await AWSPeer.use { aws in
            let wrong = AWSCredentials(accessKeyID: aws.owner.id, secretAccessKey: Secret("geheim"))
            let unknown = AWSCredentials(accessKeyID: "AKIAUNKNOWNUNKNOWN00", secretAccessKey: Secret("geheim"))
            for credentials in [wrong, unknown, aws.stranger.credentials] {
                let store = try aws.store("weirhouse", credentials)
                let works: [@Sendable () async throws -> Void] = [
                    { _ = try await store.get("a", of: acme) },
                    { try await store.put(swordfish, named: "a", of: acme) },
                    { try await store.delete("a", of: acme) }, { _ = try await store.list(of: acme) },
                    { _ = try await store.ensure(named: "a", of: acme) { swordfish } },
                    { try await store.checkHealth() },
                ]
                for work in works {
                    let problem = await #expect(throws: Problem.self) { try await work() }
                    #expect(problem?.code == .secretsRefused)
                    #expect(problem?.description.contains("geheim") == false)
                }
            }
            #expect(try await aws.store().list(of: acme).isEmpty)
        }
    }

    @Test("a failure that passes is tried again, one that stays is told")
    func stumbling() async throws {
        try await AWSPeer.use(stumbling: 5) { aws in
            let store = try aws.store()
            let problem = await #expect(throws: Problem.self) { try await store.put(swordfish, named: "a", of: acme) }
            #expect(problem?.code == .secretsUnavailable)
            #expect(try await store.put(swordfish, named: "a", of: acme) == 1)
            #expect(try await store.get("a", of: acme)?.reveal() == swordfish.reveal())
        }
    }

    @Test("an AWS that does not answer is not available")
    func away() async throws {
        let port = try await Peer.use("receiver.py") { try await $0.port }
        let store = AWSSecretStore(
            try AWSSecretLocation("aws://eu-central-1?endpoint=http://127.0.0.1:\(port)"),
            credentials: AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("B")),
            http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")))
        let problem = await #expect(throws: Problem.self) { _ = try await store.get("a", of: acme) }
        #expect(problem?.code == .secretsUnavailable)
    }

    @Test("addresses have one form, and versions have ids that AWS takes")
    func forms() throws {
        let location = try AWSSecretLocation("aws://eu-central-1/weir/prod/")
        #expect(location.prefix == "weir/prod")
        #expect(location.endpoint.text == "https://secretsmanager.eu-central-1.amazonaws.com/")
        #expect(try AWSSecretLocation("aws://cn-north-1").endpoint.host == "secretsmanager.cn-north-1.amazonaws.com.cn")
        for bad in [
            "aws://", "aws://Frankfurt", "aws://eu-central-1/a b", "aws://eu-central-1?role=x", "s3://eu-west-1",
        ] {
            #expect(throws: Problem.self, "\(bad)") { try AWSSecretLocation(bad) }
        }
        for number in [1, 9, 10, 1_000_000, .max] {
            #expect((32...64).contains(VersionID.of(number).count))
            #expect(VersionID.number(VersionID.of(number)) == number)
        }
        #expect(VersionID.number("4f5cd3f0-4b5a-4f4e-8d1c-4cc0a6c9f3a1") == 0)
    }
}

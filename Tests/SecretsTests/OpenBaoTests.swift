import Foundation
import Kernel
import Outbound
import Peers
import SecretStoreConformance
import Synchronization
import Testing

@testable import Secrets

/// OpenBao itself, with a role of Weirhouse's.
struct OpenBaoPeer: Sendable {
    let peer: Peer
    let port: Int

    struct Order: Encodable {
        var method = ""
        var path = ""
        var body: JSON?
        var namespace: String?
        var seal: Bool?
        var unseal: Bool?
    }

    struct Said: Decodable {
        let status: Int
        let text: String
    }

    static let policy = """
        path "secret/data/weirhouse/*" { capabilities = ["create", "read", "update"] }
        path "secret/metadata/weirhouse/*" { capabilities = ["read", "list", "delete"] }
        path "secret/metadata/weirhouse" { capabilities = ["list"] }
        """

    static func use(_ work: @Sendable (OpenBaoPeer) async throws -> Void) async throws {
        try await Peer.use("openbao.py") { peer in
            let bao = OpenBaoPeer(peer: peer, port: try await peer.port)
            try await bao.prepare(namespace: nil)
            try await work(bao)
        }
    }

    /// AppRole, and the policy that docs/secrets.md shows.
    func prepare(namespace: String?) async throws {
        try await root("POST", "sys/auth/approle", ["type": "approle"], namespace)
        try await root("PUT", "sys/policies/acl/weirhouse", ["policy": .text(Self.policy)], namespace)
    }

    @discardableResult
    func root(
        _ method: String, _ path: String, _ body: JSON? = nil, _ namespace: String? = nil
    ) async throws -> JSON {
        let said = try await peer.ask(Order(method: method, path: path, body: body, namespace: namespace), Said.self)
        guard (200..<300).contains(said.status) else {
            throw Surprise(description: "\(path): \(said.status) \(said.text)")
        }
        return said.text.isEmpty ? .null : try JSONDecoder().decode(JSON.self, from: Data(said.text.utf8))
    }

    func seal() async throws { _ = try await peer.ask(Order(seal: true), Said.self) }
    func unseal() async throws { _ = try await peer.ask(Order(unseal: true), Said.self) }

    /// A role, and a secret id of it.
    func role(
        _ settings: JSON = ["token_policies": "weirhouse"], namespace: String? = nil
    ) async throws -> (id: String, secret: String) {
        try await root("POST", "auth/approle/role/weirhouse", settings, namespace)
        let id = try await root("GET", "auth/approle/role/weirhouse/role-id", nil, namespace)
        return (try id["data"]["role_id"].string, try await secretID(namespace: namespace))
    }

    func secretID(namespace: String? = nil) async throws -> String {
        try await root("POST", "auth/approle/role/weirhouse/secret-id", [:], namespace)["data"]["secret_id"].string
    }

    func store(
        _ signIn: OpenBaoSignIn, at path: String = "secret/weirhouse", _ options: String = ""
    ) throws -> OpenBaoSecretStore {
        OpenBaoSecretStore(
            try OpenBaoLocation("openbao://127.0.0.1:\(port)/\(path)?tls=off\(options)"), signIn,
            http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")))
    }
}

/// OpenBao or its answer is not what the test counts on.
struct Surprise: Error, CustomStringConvertible {
    let description: String
}

/// What a test sends to OpenBao and reads of it.
enum JSON: Codable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByDictionaryLiteral {
    case null
    case text(String)
    case number(Int)
    case object([String: JSON])

    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int) { self = .number(value) }
    init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let object = try? value.decode([String: JSON].self) {
            self = .object(object)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else {
            self = (try? value.decode(Int.self)).map { .number($0) } ?? .null
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .text(let text): try value.encode(text)
        case .number(let number): try value.encode(number)
        case .object(let object): try value.encode(object)
        }
    }

    subscript(_ key: String) -> JSON {
        if case .object(let object) = self { object[key] ?? .null } else { .null }
    }

    var string: String {
        get throws {
            guard case .text(let text) = self else { throw Surprise(description: "\(self) is no text.") }
            return text
        }
    }

    var int: Int? { if case .number(let number) = self { number } else { nil } }
}

/// A secret id that a test may change, as the file that holds it would be.
private final class Held: Sendable {
    private let held: Mutex<String>
    private let asked = Mutex(0)

    init(_ text: String) { held = Mutex(text) }

    var times: Int { asked.withLock { $0 } }
    func set(_ text: String) { held.withLock { $0 = text } }

    func signIn(_ role: String) -> OpenBaoSignIn {
        .appRole(roleID: role) { [self] in
            asked.withLock { $0 += 1 }
            return Secret(held.withLock { $0 })
        }
    }
}

@Suite("Secrets in OpenBao", .timeLimit(.minutes(10)))
struct OpenBaoTests {
    private let acme = TimeSource.system.makeID(OrganizationTag.self)

    @Test("keep the promises of every store")
    func conforms() async throws {
        try await OpenBaoPeer.use { bao in
            let role = try await bao.role()
            let store = try bao.store(.appRole(roleID: role.id) { Secret(role.secret) })
            for rule in SecretStoreRule.all {
                let time = TimeSource.system
                try await rule.check(.init(store: store, acme: time.makeID(), other: time.makeID()))
            }
        }
    }

    @Test("a namespace's are of that namespace only")
    func namespace() async throws {
        try await OpenBaoPeer.use { bao in
            try await bao.root("POST", "sys/namespaces/team", [:])
            try await bao.prepare(namespace: "team")
            try await bao.root("POST", "sys/mounts/secret", ["type": "kv", "options": ["version": "2"]], "team")
            let role = try await bao.role(namespace: "team")
            let signIn = OpenBaoSignIn.appRole(roleID: role.id) { Secret(role.secret) }
            let store = try bao.store(signIn, "&namespace=team")
            // The engine is being made ready for a moment.
            while (try? await store.put(swordfish, named: "a", of: acme)) == nil { await Task.yield() }
            #expect(try await store.get("a", of: acme) == swordfish)
            let elsewhere = try bao.store(.token(Secret("root")))
            #expect(try await elsewhere.get("a", of: acme) == nil)
            await #expect(throws: Problem.self) { _ = try await bao.store(signIn).get("a", of: acme) }
        }
    }

    @Test("what people have put there by hand is read")
    func byHand() async throws {
        try await OpenBaoPeer.use { bao in
            let store = try bao.store(.token(Secret("root")))
            let path = "secret/data/weirhouse/\(acme)/source.dev.shop"
            try await bao.root("POST", path, ["data": ["value": "postgresql://u@h/d"]])
            #expect(try await store.get("source/dev/shop", of: acme)?.reveal() == Array("postgresql://u@h/d".utf8))
            #expect(try await store.list(of: acme).map(\.name) == ["source/dev/shop"])
            try await bao.root("POST", path, ["data": ["password": "x"]])
            let problem = await #expect(throws: Problem.self) { _ = try await store.get("source/dev/shop", of: acme) }
            #expect(problem?.code == .internal)
            // Deleted there, but not for good.
            try await bao.root("DELETE", path)
            #expect(try await store.get("source/dev/shop", of: acme) == nil)
            #expect(try await store.list(of: acme).isEmpty)
        }
    }

    @Test("a token of a few seconds is renewed for as long as it may be, then got anew, without a gap")
    func renewal() async throws {
        try await OpenBaoPeer.use { bao in
            let role = try await bao.role(
                ["token_policies": "weirhouse", "token_ttl": "6s", "token_max_ttl": "15s", "secret_id_num_uses": 0])
            let held = Held(role.secret)
            let store = try bao.store(held.signIn(role.id))
            try await store.put(swordfish, named: "a", of: acme)
            #expect(held.times == 1)
            let start = ContinuousClock.now
            // More than a token's whole life after its first one: asked for all the time, never refused.
            while ContinuousClock.now - start < .seconds(12) {
                #expect(try await store.get("a", of: acme) == swordfish)
            }
            #expect(held.times == 1)
            while held.times == 1 { #expect(try await store.get("a", of: acme) == swordfish) }
            #expect(ContinuousClock.now - start < .seconds(18))
        }
    }

    @Test("a token is renewed without being asked for: its secret id is good for one sign-in only")
    func renewalAtRest() async throws {
        try await OpenBaoPeer.use { bao in
            let role = try await bao.role(
                ["token_policies": "weirhouse", "token_ttl": "6s", "token_max_ttl": "60s", "secret_id_num_uses": 1])
            let store = try bao.store(Held(role.secret).signIn(role.id))
            try await store.put(swordfish, named: "a", of: acme)
            // Nobody asks the store while OpenBao's clock passes twice the token's time.
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .seconds(12) { _ = try await bao.root("GET", "sys/health") }
            #expect(try await store.get("a", of: acme) == swordfish)
        }
    }

    @Test(
        "after its token was revoked Weirhouse signs in again; with a revoked secret id it says so, until it has another"
    )
    func revoked() async throws {
        try await OpenBaoPeer.use { bao in
            let role = try await bao.role()
            let held = Held(role.secret)
            let store = try bao.store(held.signIn(role.id))
            try await store.put(swordfish, named: "a", of: acme)
            @Sendable func revokeTokens() async throws {
                try await bao.root("PUT", "sys/leases/revoke-prefix/auth/approle")
            }
            try await revokeTokens()
            #expect(try await store.get("a", of: acme) == swordfish)
            #expect(held.times == 2)
            try await bao.root(
                "POST", "auth/approle/role/weirhouse/secret-id/destroy", ["secret_id": .text(role.secret)])
            // The token that is there goes on to be good.
            #expect(try await store.get("a", of: acme) == swordfish)
            try await revokeTokens()
            let problem = await #expect(throws: Problem.self) { _ = try await store.get("a", of: acme) }
            #expect(problem?.code == .secretsRefused)
            #expect(problem?.description.contains(role.secret) == false)
            #expect(await #expect(throws: Problem.self) { try await store.checkHealth() }?.code == .secretsRefused)
            held.set(try await bao.secretID())
            #expect(try await store.get("a", of: acme) == swordfish)
        }
    }

    @Test("many who ask at once make one sign-in")
    func together() async throws {
        try await OpenBaoPeer.use { bao in
            let role = try await bao.role()
            let held = Held(role.secret)
            let store = try bao.store(held.signIn(role.id))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<10 {
                    group.addTask { try await store.put(swordfish, named: "a/\(index)", of: acme) }
                }
                try await group.waitForAll()
            }
            #expect(held.times == 1)
        }
    }

    @Test("a sealed OpenBao is not available, and works again once it is unsealed")
    func sealed() async throws {
        try await OpenBaoPeer.use { bao in
            let role = try await bao.role()
            let store = try bao.store(.appRole(roleID: role.id) { Secret(role.secret) })
            try await store.put(swordfish, named: "a", of: acme)
            try await bao.seal()
            let fresh = try bao.store(.appRole(roleID: role.id) { Secret(role.secret) })
            for store in [store, fresh] {
                let works: [@Sendable () async throws -> Void] = [
                    { _ = try await store.get("a", of: acme) },
                    { try await store.put(swordfish, named: "b", of: acme) },
                    { try await store.delete("a", of: acme) }, { _ = try await store.list(of: acme) },
                    { _ = try await store.ensure(named: "c", of: acme) { swordfish } },
                    { try await store.checkHealth() },
                ]
                for work in works {
                    let problem = await #expect(throws: Problem.self) { try await work() }
                    #expect(problem?.code == .secretsUnavailable && problem?.detail.contains("sealed") == true)
                }
            }
            try await bao.unseal()
            while (try? await store.get("a", of: acme)) == nil { await Task.yield() }
            #expect(try await store.get("a", of: acme) == swordfish)
            #expect(try await store.get("b", of: acme) == nil)
        }
    }

    @Test("what the policy does not allow is refused in words")
    func forbidden() async throws {
        try await OpenBaoPeer.use { bao in
            let role = try await bao.role()
            let store = try bao.store(.appRole(roleID: role.id) { Secret(role.secret) }, at: "secret/elsewhere")
            let problem = await #expect(throws: Problem.self) { try await store.put(swordfish, named: "a", of: acme) }
            #expect(problem?.code == .secretsRefused && problem?.hint?.contains("policy") == true)
        }
    }

    @Test("an OpenBao that does not answer, or is something else, is not available")
    func away() async throws {
        let port = try await Peer.use("receiver.py") { try await $0.port }
        @Sendable func store(_ port: Int) throws -> OpenBaoSecretStore {
            OpenBaoSecretStore(
                try OpenBaoLocation("openbao://127.0.0.1:\(port)?tls=off"), .token(Secret("geheim")),
                http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")))
        }
        let gone = await #expect(throws: Problem.self) { _ = try await store(port).get("a", of: acme) }
        #expect(gone?.code == .secretsUnavailable)
        try await Peer.use("receiver.py", ["--answers"]) { peer in
            struct Canned: Encodable {
                let status = 200
                let body = "<html>Welcome</html>"
            }
            struct Queued: Decodable {
                let queued: Int
            }
            _ = try await peer.ask(Canned(), Queued.self)
            let port = try await peer.port
            let odd = await #expect(throws: Problem.self) { _ = try await store(port).get("a", of: acme) }
            #expect(odd?.code == .secretsUnavailable)
        }
    }

    @Test("addresses have one form")
    func addresses() throws {
        let all = try OpenBaoLocation("vault://bao.acme.example/kv/weir/prod?namespace=team/data&auth=ci")
        #expect(all.server == "https://bao.acme.example:8200" && all.mount == "kv" && all.folder == "weir/prod/")
        #expect(all.namespace == "team/data" && all.auth == "ci")
        let least = try OpenBaoLocation("openbao://bao")
        #expect(least.mount == "secret" && least.folder.isEmpty && least.auth == "approle" && least.namespace == nil)
        for bad in [
            "openbao://", "https://bao", "openbao://user:geheim@bao", "openbao://bao/../sys", "openbao://bao?token=x",
            "openbao://bao/a b", "openbao://bao?tls=maybe", "openbao://bao#x", "openbao://bao/a%2F..",
        ] {
            let problem = #expect(throws: Problem.self, "\(bad)") { try OpenBaoLocation(bad) }
            #expect(problem?.code == .invalidInput && problem?.description.contains("geheim") == false)
        }
    }
}

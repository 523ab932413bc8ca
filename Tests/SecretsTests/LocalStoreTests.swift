import Crypto
import Foundation
import Kernel
import Postgres
import SecretStoreConformance
import TestHouse
import Testing

@testable import Secrets

/// A metadata database with two organizations, and master keys that a test may change.
struct LocalHouse: Sendable {
    let metadata: MetadataDatabase
    let ring: Ring
    let acme: OrganizationID
    let other: OrganizationID

    /// What a file of master keys would hold.
    final class Ring: Sendable {
        private let lock = NSLock()
        nonisolated(unsafe) private var held: [MasterKey]

        init(_ keys: [MasterKey]) { held = keys }

        var keys: [MasterKey] {
            get { lock.withLock { held } }
            set { lock.withLock { held = newValue } }
        }
    }

    /// As another process would open it.
    func store() -> LocalSecretStore {
        LocalSecretStore(pool: metadata.application, keys: MasterKeys { [ring] in ring.keys }, time: .system)
    }

    func keyed(_ keys: MasterKey...) -> LocalSecretStore {
        LocalSecretStore(pool: metadata.application, keys: MasterKeys { keys }, time: .system)
    }

    static func use(_ work: (LocalHouse) async throws -> Void) async throws {
        try await MetadataDatabase.use { metadata in
            try await work(
                LocalHouse(
                    metadata: metadata, ring: Ring([try MasterKey(randomBytes(32))]),
                    acme: try await metadata.addOrganization("acme"),
                    other: try await metadata.addOrganization("other")))
        }
    }
}

let swordfish = Secret(Array("swordfish".utf8))

@Suite("Secrets in the metadata database", .timeLimit(.minutes(10)))
struct LocalStoreTests {
    @Test("keep the promises of every store", arguments: SecretStoreRule.all)
    func conforms(_ rule: SecretStoreRule) async throws {
        try await LocalHouse.use { house in
            try await rule.check(.init(store: house.store(), acme: house.acme, other: house.other))
        }
    }

    @Test("are nothing readable, and never the same bytes twice")
    func ciphertext() async throws {
        try await LocalHouse.use { house in
            for name in ["a", "b"] { try await house.store().put(swordfish, named: name, of: house.acme) }
            let number = try await house.metadata.database.number(
                """
                SELECT count(DISTINCT ciphertext) FROM weir.secrets
                WHERE position('swordfish'::bytea in ciphertext) = 0
                """
            )
            #expect(number == 2)
            let key = try #require(house.ring.keys.first).bytes.reveal()
            let leaks = try await house.metadata.database.number(
                "SELECT count(*) FROM weir.data_keys WHERE position(\(Data(key))::bytea in wrapped) > 0")
            #expect(leaks == 0)
        }
    }

    @Test("do not open when they were moved to another name, organization or number, or changed, or put back")
    func moved() async throws {
        try await LocalHouse.use { house in
            let database = house.metadata.database
            let store = house.store()
            try await store.put(swordfish, named: "theirs", of: house.other)
            let changes: [(SQL, String, OrganizationID)] = [
                ("UPDATE weir.secrets SET name = 'moved' WHERE name = 'source'", "moved", house.acme),
                (
                    """
                    UPDATE weir.secrets SET organization_id = \(house.other),
                      data_key_id = (SELECT data_key_id FROM weir.data_keys WHERE organization_id = \(house.other))
                    WHERE name = 'source'
                    """, "source", house.other
                ),
                (
                    """
                    UPDATE weir.secrets SET ciphertext = set_byte(ciphertext, 14, get_byte(ciphertext, 14) # 1)
                    WHERE name = 'source'
                    """, "source", house.acme
                ),
                ("UPDATE weir.secrets SET ciphertext = '' WHERE name = 'source'", "source", house.acme),
                ("UPDATE weir.secrets SET version = 3 WHERE name = 'source'", "source", house.acme),
                ("UPDATE weir.secrets SET data_key_id = NULL WHERE name = 'source'", "source", house.acme),
                (
                    """
                    UPDATE weir.data_keys SET wrapped =
                      (SELECT wrapped FROM weir.data_keys WHERE organization_id = \(house.other))
                    """, "source", house.acme
                ),
            ]
            for (change, name, organization) in changes {
                try await database.query("DELETE FROM weir.secrets WHERE name IN ('source', 'moved')")
                try await store.put(swordfish, named: "source", of: house.acme)
                try await database.query(change)
                let problem = await #expect(throws: Problem.self) {
                    _ = try await store.get(name, of: organization)
                }
                #expect(problem?.code == .internal)
                #expect(problem?.description.contains("swordfish") == false)
            }
        }
    }

    @Test("do not open under another master key, and say which one is missing")
    func wrongKey() async throws {
        try await LocalHouse.use { house in
            try await house.store().put(swordfish, named: "source", of: house.acme)
            let stranger = house.keyed(try MasterKey(randomBytes(32)))
            let missing = try #require(house.ring.keys.first).id
            let problem = await #expect(throws: Problem.self) { _ = try await stranger.get("source", of: house.acme) }
            #expect(problem?.code == .internal && problem?.detail.contains(missing) == true)
            #expect(problem?.hint?.contains("master.key") == true)
        }
    }

    @Test("of before data keys open, are sealed anew when they are read, and move under a new value too")
    func old() async throws {
        try await LocalHouse.use { house in
            let key = try #require(house.ring.keys.first)
            for name in ["source/dev/shop", "webhook/1"] {
                let context = Data("\(house.acme)/\(name)".utf8)
                let sealed = try #require(
                    try AES.GCM.seal(swordfish.reveal(), using: key.key, authenticating: context).combined)
                try await house.metadata.database.query(
                    """
                    INSERT INTO weir.secrets (secret_id, organization_id, name, ciphertext)
                    VALUES (\(UUID()), \(house.acme), \(name), \(sealed)::bytea)
                    """)
            }
            // The key that it was sealed under need not be the one that seals now.
            house.ring.keys = [try MasterKey(randomBytes(32)), key]
            let store = house.store()
            #expect(try await KeyRotation(store).use(by: house.acme) == [.init(masterKey: nil, count: 2)])
            #expect(try await store.get("source/dev/shop", of: house.acme) == swordfish)
            #expect(try await store.put(Secret([1]), named: "webhook/1", of: house.acme) == 2)
            let sealing = try #require(house.ring.keys.first).id
            #expect(try await KeyRotation(store).use(by: house.acme) == [.init(masterKey: sealing, count: 1)])
            #expect(try await house.keyed(house.ring.keys[0]).get("source/dev/shop", of: house.acme) == swordfish)
            #expect(try await store.list(of: house.acme).map(\.version) == [1, 2])
        }
    }

    @Test("say that the database is away, without a raw error")
    func away() async throws {
        let pool = PGPool(Secret("host=127.0.0.1 port=1 user=a dbname=a connect_timeout=1"), limit: 1)
        let store = LocalSecretStore(pool: pool, keys: MasterKeys { [] }, time: .system)
        let acme = TimeSource.system.makeID(OrganizationTag.self)
        let works: [@Sendable () async throws -> Void] = [
            { _ = try await store.get("a", of: acme) }, { try await store.put(swordfish, named: "a", of: acme) },
            { try await store.delete("a", of: acme) }, { _ = try await store.list(of: acme) },
            { _ = try await store.ensure(named: "a", of: acme) { swordfish } },
        ]
        for work in works {
            let problem = await #expect(throws: Problem.self) { try await work() }
            #expect(problem?.code == .metadataUnavailable)
        }
    }
}

@Suite("Master keys")
struct MasterKeyTests {
    @Test("are 32 bytes as they are, or Base64 with anything blank between")
    func read() throws {
        let one = randomBytes(32)
        let two = randomBytes(32)
        let texts = [one, two].map { Data($0).base64EncodedString() }
        #expect(try MasterKey.read(Data(one), from: "f") == [MasterKey(one)])
        #expect(try MasterKey.read(Data("\(texts[0])\n".utf8), from: "f") == [MasterKey(one)])
        #expect(try MasterKey.read(Data("\n\(texts[0]), \(texts[1])\r\n".utf8), from: "f").map(\.id).count == 2)
        for bad in ["", " \n", "abc", texts[0] + texts[1], String(repeating: "x", count: 31)] {
            let problem = #expect(throws: Problem.self) { try MasterKey.read(Data(bad.utf8), from: "the file") }
            #expect(problem?.code == .invalidInput && problem?.detail.contains("the file") == true)
        }
    }

    @Test("have ids of their own that say nothing of them, and do not print")
    func ids() throws {
        let bytes = randomBytes(32)
        let key = try MasterKey(bytes)
        #expect(try key.id == MasterKey(bytes).id && key.id.count == 16)
        #expect(try key.id != MasterKey(randomBytes(32)).id)
        #expect(!"\(key)".contains("\(bytes[0]), \(bytes[1])"))
        #expect(throws: Problem.self) { try MasterKey(randomBytes(31)) }
    }
}

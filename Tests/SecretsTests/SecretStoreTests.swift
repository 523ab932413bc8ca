import Kernel
import Postgres
import Secrets
import TestHouse
import Testing

@Suite("The store of secrets", .timeLimit(.minutes(2)))
struct SecretStoreTests {
    private struct House: Sendable {
        let metadata: MetadataDatabase
        let store: SecretStore
        let acme: OrganizationID
        let other: OrganizationID
    }

    private func use(_ work: (House) async throws -> Void) async throws {
        try await MetadataDatabase.use { metadata in
            let store = SecretStore(
                pool: metadata.application, masterKey: Secret(randomBytes(32)), time: .system)
            try await work(
                House(
                    metadata: metadata, store: store, acme: try await metadata.addOrganization("acme"),
                    other: try await metadata.addOrganization("other")))
        }
    }

    private let swordfish = Secret(Array("swordfish".utf8))

    @Test("gives back what was put, the last one put, and nothing for a name it does not know")
    func roundTrip() async throws {
        try await use { house in
            let all = Secret((0...255).map { UInt8($0) })
            for value in [Secret([]), swordfish, all] {
                try await house.store.put(value, named: "a 'name'", of: house.acme)
                #expect(try await house.store.get("a 'name'", of: house.acme) == value)
            }
            #expect(try await house.store.get("a", of: house.acme) == nil)
        }
    }

    @Test("keeps organizations apart")
    func organizations() async throws {
        try await use { house in
            try await house.store.put(swordfish, named: "source", of: house.acme)
            #expect(try await house.store.get("source", of: house.other) == nil)
            try await house.store.put(Secret([1]), named: "source", of: house.other)
            #expect(try await house.store.get("source", of: house.acme) == swordfish)
        }
    }

    @Test("writes nothing readable, and never the same bytes twice")
    func ciphertext() async throws {
        try await use { house in
            for name in ["a", "b"] { try await house.store.put(swordfish, named: name, of: house.acme) }
            let number = try await house.metadata.database.number(
                """
                SELECT count(DISTINCT ciphertext) FROM weir.secrets
                WHERE position('swordfish'::bytea in ciphertext) = 0
                """
            )
            #expect(number == 2)
        }
    }

    @Test("does not open a ciphertext that was moved to another name or organization, or changed")
    func moved() async throws {
        try await use { house in
            let database = house.metadata.database
            let changes: [(SQL, String, OrganizationID)] = [
                ("UPDATE weir.secrets SET name = 'moved'", "moved", house.acme),
                ("UPDATE weir.secrets SET organization_id = \(house.other)", "source", house.other),
                (
                    "UPDATE weir.secrets SET ciphertext = set_byte(ciphertext, 14, get_byte(ciphertext, 14) # 1)",
                    "source", house.acme
                ),
                ("UPDATE weir.secrets SET ciphertext = ''", "source", house.acme),
            ]
            for (change, name, organization) in changes {
                try await database.query("DELETE FROM weir.secrets")
                try await house.store.put(swordfish, named: "source", of: house.acme)
                try await database.query(change)
                let problem = await #expect(throws: Problem.self) {
                    _ = try await house.store.get(name, of: organization)
                }
                #expect(problem?.code == .internal)
                #expect(problem?.hint?.contains("master.key") == true)
            }
        }
    }

    @Test("does not open under another master key")
    func wrongKey() async throws {
        try await use { house in
            try await house.store.put(swordfish, named: "source", of: house.acme)
            let stranger = SecretStore(
                pool: house.metadata.application, masterKey: Secret(randomBytes(32)), time: .system)
            await #expect(throws: Problem.self) { _ = try await stranger.get("source", of: house.acme) }
        }
    }

    @Test("makes a secret once, however many need it at the same moment")
    func ensure() async throws {
        try await use { house in
            let made = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await house.store.ensure(named: "key", of: house.acme) { Secret(randomBytes(16)) }.reveal()
                    }
                }
                return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
            }
            #expect(made.count == 1)
            #expect(made.first?.count == 16)
        }
    }
}

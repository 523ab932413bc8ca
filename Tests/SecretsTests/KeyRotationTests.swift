import Foundation
import Kernel
import Postgres
import Synchronization
import TestHouse
import Testing

@testable import Secrets

/// What goes on beside a rotation.
private final class Work: Sendable {
    let isOver = Mutex(false)
    let rounds = Mutex(0)
}

@Suite("Changing the keys of secrets", .timeLimit(.minutes(10)))
struct KeyRotationTests {
    @Test("needs no old key afterwards, keeps all values and numbers, and can be done again")
    func whole() async throws {
        try await LocalHouse.use { house in
            let store = house.store()
            for index in 0..<20 {
                try await store.put(Secret([UInt8(index)]), named: "key/\(index)", of: house.acme)
            }
            try await store.put(swordfish, named: "key/0", of: house.acme)
            try await store.put(swordfish, named: "theirs", of: house.other)
            let before = try await store.list(of: house.acme)
            let new = try MasterKey(randomBytes(32))
            house.ring.keys = [new] + house.ring.keys
            let rotation = KeyRotation(house.store())
            #expect(try await rotation.organizations().count == 2)
            #expect(try await rotation.rotate(house.acme) == .init(wrapped: 1, sealed: 20, removed: 1))
            #expect(try await rotation.use(by: house.acme) == [.init(masterKey: new.id, count: 1)])
            let alone = house.keyed(new)
            #expect(try await alone.list(of: house.acme) == before)
            #expect(try await alone.get("key/0", of: house.acme) == swordfish)
            #expect(try await alone.get("key/19", of: house.acme)?.reveal() == [19])
            // The other organization is not done yet, and says so.
            let left = try await rotation.use(by: house.other)
            #expect(left.map(\.masterKey) == [house.ring.keys[1].id])
            await #expect(throws: Problem.self) { _ = try await alone.get("theirs", of: house.other) }
            #expect(try await rotation.rotate(house.other).sealed == 1)
            #expect(try await alone.get("theirs", of: house.other) == swordfish)
            #expect(try await rotation.rotate(house.acme) == .init(wrapped: 0, sealed: 20, removed: 1))
        }
    }

    @Test("goes on where it was interrupted, with the data key that it had begun with")
    func interrupted() async throws {
        try await LocalHouse.use { house in
            let store = house.store()
            for index in 0..<5 { try await store.put(swordfish, named: "key/\(index)", of: house.acme) }
            // What a rotation leaves that ended after two secrets.
            let database = house.metadata.database
            try await database.query("UPDATE weir.data_keys SET retired_at = now()")
            for index in 0..<2 { try await store.reseal("key/\(index)", of: house.acme) }
            let begun = try await database.query("SELECT data_key_id FROM weir.data_keys WHERE retired_at IS NULL")
            let rotation = KeyRotation(house.store())
            #expect(try await rotation.rotate(house.acme) == .init(wrapped: 0, sealed: 3, removed: 1))
            let stands = try await database.query("SELECT data_key_id FROM weir.data_keys")
            #expect(try stands.map { try $0.string("data_key_id") } == begun.map { try $0.string("data_key_id") })
            #expect(try await store.get("key/4", of: house.acme) == swordfish)
        }
    }

    @Test("goes on while others read, put, make and delete secrets, and another one runs beside it")
    func underLoad() async throws {
        try await LocalHouse.use { house in
            let names = (0..<8).map { "key/\($0)" }
            for name in names { try await house.store().put(Secret([1]), named: name, of: house.acme) }
            let work = Work()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in names.indices {
                    // Each as a process that has read its keys long ago.
                    let store = house.store()
                    group.addTask {
                        let name = names[index]
                        var number = 1
                        while !work.isOver.withLock({ $0 }) {
                            let value = try await store.get(name, of: house.acme)
                            #expect(value?.reveal().first == 1, "\(name)")
                            if index % 2 == 0 {
                                number += 1
                                let put = try await store.put(Secret([1, UInt8(index)]), named: name, of: house.acme)
                                #expect(put == number)
                            }
                            _ = try await store.ensure(named: "made/\(index)", of: house.acme) { swordfish }
                            try await store.delete("made/\(index)", of: house.acme)
                            work.rounds.withLock { $0 += 1 }
                        }
                    }
                }
                for _ in 0..<3 {
                    house.ring.keys = [try MasterKey(randomBytes(32))] + house.ring.keys
                    let seen = work.rounds.withLock { $0 }
                    async let one = KeyRotation(house.store()).rotate(house.acme)
                    async let two = KeyRotation(house.store()).rotate(house.acme)
                    _ = try await (one, two)
                    // Everybody has gone on since.
                    while work.rounds.withLock({ $0 }) < seen + 16 { await Task.yield() }
                }
                work.isOver.withLock { $0 = true }
                try await group.waitForAll()
            }
            let newest = try #require(house.ring.keys.first)
            _ = try await KeyRotation(house.store()).rotate(house.acme)
            for name in names {
                #expect(try await house.keyed(newest).get(name, of: house.acme)?.reveal().first == 1)
            }
            #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.data_keys") == 1)
        }
    }

    @Test("another organization's keys and rows are not seen")
    func apart() async throws {
        try await LocalHouse.use { house in
            try await house.store().put(swordfish, named: "a", of: house.acme)
            let seen = try await house.metadata.application.transaction(organization: house.other) { connection in
                try await connection.query(
                    "SELECT FROM weir.data_keys UNION ALL SELECT FROM weir.secrets UNION ALL SELECT FROM weir.secret_changes"
                ).count
            }
            #expect(seen == 0)
        }
    }
}

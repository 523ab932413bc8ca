import Foundation
import Kernel
import Postgres
import SecretStoreConformance
import TestHouse
import Testing

@testable import Secrets

@Suite("Secrets that move to another store", .timeLimit(.minutes(10)))
struct MovingStoreTests {
    private struct Place: Sendable {
        let new: LocalSecretStore
        let old: LocalSecretStore
        let acme: OrganizationID
        let other: OrganizationID

        var store: MovingSecretStore { MovingSecretStore(to: new, from: old) }
    }

    /// Two databases that know the same organizations.
    private func use(_ work: (Place) async throws -> Void) async throws {
        try await LocalHouse.use { old in
            try await MetadataDatabase.use { metadata in
                for (id, slug) in [(old.acme, "acme"), (old.other, "other")] {
                    try await metadata.database.query(
                        "INSERT INTO weir.organizations (organization_id, slug, name) VALUES (\(id), \(slug), \(slug))")
                }
                let key = try MasterKey(randomBytes(32))
                let new = LocalSecretStore(
                    pool: metadata.application, keys: MasterKeys { [key] }, time: .system)
                try await work(Place(new: new, old: old.store(), acme: old.acme, other: old.other))
            }
        }
    }

    @Test("keep the promises of every store")
    func conforms() async throws {
        for rule in SecretStoreRule.all {
            try await use { place in
                try await rule.check(.init(store: place.store, acme: place.acme, other: place.other))
            }
        }
    }

    @Test("are there for all who ask while one of them moves it")
    func together() async throws {
        try await use { place in
            for round in 0..<20 {
                try await place.old.put(swordfish, named: "a\(round)", of: place.acme)
                try await withThrowingTaskGroup(of: Secret<[UInt8]>?.self) { group in
                    for _ in 0..<16 { group.addTask { try await place.store.get("a\(round)", of: place.acme) } }
                    for try await found in group { #expect(found == swordfish) }
                }
            }
        }
    }

    @Test("move when they are asked for, and are made anew never")
    func move() async throws {
        try await use { place in
            for name in ["a", "b", "c", "d"] { try await place.old.put(swordfish, named: name, of: place.acme) }
            #expect(try await place.store.list(of: place.acme).map(\.name) == ["a", "b", "c", "d"])
            #expect(try await place.store.get("a", of: place.acme) == swordfish)
            let made = try await place.store.ensure(named: "b", of: place.acme) { Secret([1]) }
            #expect(made == swordfish)
            try await place.store.put(Secret([2]), named: "c", of: place.acme)
            #expect(try await place.store.delete("d", of: place.acme))
            #expect(try await place.old.list(of: place.acme).isEmpty)
            #expect(try await place.new.list(of: place.acme).map(\.name) == ["a", "b", "c"])
            #expect(try await place.store.get("d", of: place.acme) == nil)
            #expect(try await place.store.get("c", of: place.acme)?.reveal() == [2])
        }
    }

    @Test("what stands in the new store is not replaced by what was in the old one")
    func stands() async throws {
        try await use { place in
            try await place.old.put(Secret([1]), named: "a", of: place.acme)
            try await place.new.put(Secret([2]), named: "a", of: place.acme)
            #expect(try await place.store.get("a", of: place.acme)?.reveal() == [2])
            #expect(try await place.store.list(of: place.acme).count == 1)
            #expect(try await place.store.delete("a", of: place.acme))
            #expect(try await place.store.get("a", of: place.acme) == nil)
        }
    }
}

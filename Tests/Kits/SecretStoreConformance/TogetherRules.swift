import Kernel
import Secrets
import Testing

extension SecretStoreRule {
    static let together = [
        SecretStoreRule("however many make a secret at the same moment, all get the one that stands") { place in
            let made = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await place.store.ensure(named: "key", of: place.acme) { Secret(randomBytes(16)) }.reveal()
                    }
                }
                return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
            }
            #expect(made.count == 1)
            let stands = try await place.store.get("key", of: place.acme)?.reveal()
            #expect(made.first == stands)
        },
        SecretStoreRule("values put at the same moment get numbers of their own, and the highest counts") { place in
            try await place.store.put(Secret([255]), named: "key", of: place.acme)
            let numbers = try await withThrowingTaskGroup(of: (Int, UInt8).self) { group in
                for value in UInt8(0)..<5 {
                    group.addTask {
                        (try await place.store.put(Secret([value]), named: "key", of: place.acme), value)
                    }
                }
                return try await group.reduce(into: [Int: UInt8]()) { $0[$1.0] = $1.1 }
            }
            #expect(numbers.keys.sorted() == [2, 3, 4, 5, 6])
            let last = try #require(numbers[6])
            #expect(try await place.store.get("key", of: place.acme)?.reveal() == [last])
        },
    ]
}

import Foundation
import Kernel
import Secrets
import Testing

private let swordfish = Secret(Array("swordfish".utf8))

/// Names at the borders of their form.
private let oddNames = [
    "a", "0", "_", "-", "a/b", "a-b", "a_b", "a_s", "a_u", "a__s", "a/_u/-", "source/dev/shop", "source/dev/shop_2",
    "source/dev", "-a/9", String(repeating: "a/_-", count: 24) + "abcd",
]

extension SecretStoreRule {
    static let keeping = [
        SecretStoreRule("what is put is got, byte by byte") { place in
            let all = (0...255).map { UInt8($0) }
            let values: [[UInt8]] = [
                [0], [255], all, Array("ü\n\"'\\ \u{0}".utf8), Array("{\"value\":1}".utf8), [0x20],
                (0..<SecretValue.most).map { UInt8(truncatingIfNeeded: $0 &* 7) },
                Array(repeating: UInt8(ascii: "x"), count: SecretValue.most),
            ]
            for value in values {
                try await place.store.put(Secret(value), named: "source/dev/shop", of: place.acme)
                #expect(try await place.store.get("source/dev/shop", of: place.acme)?.reveal() == value)
            }
        },
        SecretStoreRule("nothing is got for a name that it does not know") { place in
            #expect(try await place.store.get("source/dev/shop", of: place.acme) == nil)
            try await place.store.put(swordfish, named: "source/dev/shop", of: place.acme)
            for name in ["source", "source/dev", "source/dev/shop/a", "source/dev/sho", "source-dev-shop"] {
                #expect(try await place.store.get(name, of: place.acme) == nil, "\(name)")
            }
        },
        SecretStoreRule("every name that it takes is a name of its own") { place in
            for name in oddNames { try await place.store.put(Secret(Array(name.utf8)), named: name, of: place.acme) }
            for name in oddNames {
                #expect(try await place.store.get(name, of: place.acme)?.reveal() == Array(name.utf8), "\(name)")
            }
            #expect(try await place.store.list(of: place.acme).map(\.name) == oddNames.sorted())
        },
        SecretStoreRule("a name or a value that not every store can keep is refused") { place in
            for name in [
                "", "/", "a/", "/a", "a//b", "A", "ä", "a b", "a.b", "..", "a/../b", "a\n", "a%2Fb", "a'b",
                String(repeating: "a", count: 101),
            ] {
                let works: [@Sendable () async throws -> Void] = [
                    { _ = try await place.store.get(name, of: place.acme) },
                    { try await place.store.put(swordfish, named: name, of: place.acme) },
                    { _ = try await place.store.ensure(named: name, of: place.acme) { swordfish } },
                    { try await place.store.delete(name, of: place.acme) },
                ]
                for work in works {
                    let problem = await #expect(throws: Problem.self, "\(name)") { try await work() }
                    #expect(problem?.code == .invalidInput)
                }
            }
            for value in [[], Array(repeating: UInt8(0), count: SecretValue.most + 1)] {
                let put = await #expect(throws: Problem.self) {
                    try await place.store.put(Secret(value), named: "a", of: place.acme)
                }
                let made = await #expect(throws: Problem.self) {
                    try await place.store.ensure(named: "a", of: place.acme) { Secret(value) }
                }
                #expect(put?.code == .invalidInput && made?.code == .invalidInput)
            }
            let stored = try await place.store.list(of: place.acme)
            #expect(stored.isEmpty)
        },
        SecretStoreRule("organizations are apart") { place in
            try await place.store.put(swordfish, named: "source", of: place.acme)
            #expect(try await place.store.get("source", of: place.other) == nil)
            #expect(try await place.store.list(of: place.other).isEmpty)
            #expect(try await place.store.delete("source", of: place.other) == false)
            let version = try await place.store.put(Secret([1]), named: "source", of: place.other)
            #expect(version == 1)
            #expect(try await place.store.get("source", of: place.acme) == swordfish)
            try await place.store.delete("source", of: place.other)
            #expect(try await place.store.get("source", of: place.acme) == swordfish)
        },
        SecretStoreRule("it can be used, and says where it is without a secret") { place in
            try await place.store.checkHealth()
            #expect(!place.store.place.isEmpty)
        },
    ]

    static let changing = [
        SecretStoreRule("the last value counts, and values are numbered") { place in
            for number in 1...4 {
                let version = try await place.store.put(Secret([UInt8(number)]), named: "key", of: place.acme)
                #expect(version == number)
                #expect(try await place.store.get("key", of: place.acme)?.reveal() == [UInt8(number)])
                #expect(try await place.store.list(of: place.acme).map(\.version) == [number])
            }
            // The same value again is a new number as well.
            #expect(try await place.store.put(Secret([4]), named: "key", of: place.acme) == 5)
        },
        SecretStoreRule("the list tells when values were put") { place in
            // Clocks of others may differ by minutes; some tell whole seconds.
            let before = Date()
            try await place.store.put(swordfish, named: "b", of: place.acme)
            try await place.store.put(swordfish, named: "a", of: place.acme)
            let entries = try await place.store.list(of: place.acme)
            #expect(entries.map(\.name) == ["a", "b"])
            for entry in entries { #expect(abs(entry.changedAt.timeIntervalSince(before)) < 300) }
        },
        SecretStoreRule("what is deleted is gone, and its name begins anew") { place in
            #expect(try await place.store.delete("key", of: place.acme) == false)
            try await place.store.put(swordfish, named: "key", of: place.acme)
            try await place.store.put(swordfish, named: "key", of: place.acme)
            try await place.store.put(swordfish, named: "stays", of: place.acme)
            #expect(try await place.store.delete("key", of: place.acme))
            #expect(try await place.store.get("key", of: place.acme) == nil)
            #expect(try await place.store.list(of: place.acme).map(\.name) == ["stays"])
            #expect(try await place.store.delete("key", of: place.acme) == false)
            #expect(try await place.store.put(Secret([1]), named: "key", of: place.acme) == 1)
            #expect(try await place.store.get("key", of: place.acme)?.reveal() == [1])
            try await place.store.delete("key", of: place.acme)
            let made = try await place.store.ensure(named: "key", of: place.acme) { Secret([2]) }
            #expect(made.reveal() == [2])
        },
        SecretStoreRule("what is there is not made again") { place in
            try await place.store.put(swordfish, named: "key", of: place.acme)
            let found = try await place.store.ensure(named: "key", of: place.acme) { Secret([1]) }
            #expect(found == swordfish)
            #expect(try await place.store.list(of: place.acme).map(\.version) == [1])
        },
        SecretStoreRule("a list goes on over many pages") { place in
            let names = (0..<130).map { "source/dev/s\(1000 + $0)" }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for start in 0..<4 {
                    group.addTask {
                        for index in stride(from: start, to: names.count, by: 4) {
                            try await place.store.put(swordfish, named: names[index], of: place.acme)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await place.store.list(of: place.acme).map(\.name) == names)
        },
    ]
}

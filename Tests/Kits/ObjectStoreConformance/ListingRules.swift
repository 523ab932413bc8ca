import Foundation
import Kernel
import ObjectStorage
import Testing

extension ObjectStoreRule {
    static let listing = [
        ObjectStoreRule("an empty store lists nothing") { store in
            let all = try await store.keys()
            let some = try await store.keys(prefix: "raw/", after: "raw/a")
            #expect(all.isEmpty && some.isEmpty)
        },
        ObjectStoreRule("keys are listed in the order of their bytes, by prefix and after any key") { store in
            let keys = [
                "Z", "a", "a b", "a+b", "a-b", "a.b", "a/b", "a/b-c", "a/b0", "a0", "a0/b", "b/a/a", "b/a0", "ä", "ä/b",
                "z",
            ]
            .filter { !["a", "a0", "ä"].contains($0) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for key in keys.shuffled() { try await store.put(key, Data()) }
            #expect(try await store.keys() == keys)
            for prefix in ["", "a", "a/", "a/b", "a0", "b/", "b/a", "b/a/", "ä", "Z", "c", "a/b/", "..", "/"] {
                let wanted = keys.filter { $0.utf8.starts(with: prefix.utf8) }
                #expect(try await store.keys(prefix: prefix) == wanted, "\(prefix)")
                for after in keys + ["", "A", "a", "a/", "a/b/", "a/bb", "b", "b/a", "zz", "~"] where !after.isEmpty {
                    #expect(
                        try await store.keys(prefix: prefix, after: after)
                            == wanted.filter { after.utf8.lexicographicallyPrecedes($0.utf8) },
                        "\(prefix) after \(after)")
                }
            }
        },
        ObjectStoreRule("a listing goes on over many pages, each object once") { store in
            let keys = (0..<1500).map { "raw/day=\(1000 + $0 / 100)/part \($0 % 7)+\(10_000 + $0).parquet" }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for start in 0..<8 {
                    group.addTask {
                        for key in stride(from: start, to: keys.count, by: 8).map({ keys[$0] }) {
                            try await store.put(key, Data("x".utf8))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(try await store.keys() == sorted)
            #expect(try await store.keys(prefix: "raw/day=1003/").count == 100)
            #expect(try await store.keys(prefix: "raw/", after: sorted[200]) == Array(sorted[201...]))
            // Reading stops where it is asked to.
            var first: [String] = []
            for try await object in store.list(prefix: "raw/") {
                first.append(object.key)
                if first.count == 3 { break }
            }
            #expect(first == Array(sorted[..<3]))
        },
    ]
}

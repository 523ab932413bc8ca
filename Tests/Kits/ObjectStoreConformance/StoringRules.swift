import Foundation
import Kernel
package import ObjectStorage
import Testing

extension ObjectStoreRule {
    static let storing = [
        ObjectStoreRule("what is put is got, byte by byte") { store in
            for bytes in [Data(), Data([0]), Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })] {
                #expect(try await store.put("folder/file.bin", bytes))
                #expect(try await store.get("folder/file.bin", limit: 1_000_000) == bytes)
                #expect(try await store.exists("folder/file.bin"))
                let found = try await store.objects()
                #expect(found.map(\.size) == [Int64(bytes.count)])
                #expect(abs(found.first?.modifiedAt.timeIntervalSinceNow ?? .infinity) < 3600)
            }
        },
        ObjectStoreRule("replacing an object changes its tag") { store in
            try await store.put("a", Data("one".utf8))
            let before = try await store.objects()
            #expect(try await store.objects() == before)
            try await store.put("a", Data("two".utf8))
            let after = try await store.objects()
            #expect(try await store.get("a", limit: 10) == Data("two".utf8))
            #expect(before.count == 1 && after.count == 1)
            #expect(before.first?.etag != after.first?.etag)
        },
        ObjectStoreRule("every key that it takes is a key of its own") { store in
            for key in oddKeys {
                #expect(try await store.exists(key) == false, "\(key)")
                #expect(try await store.put(key, Data(key.utf8)), "\(key)")
            }
            for key in oddKeys {
                #expect(try await store.get(key, limit: 2000) == Data(key.utf8), "\(key)")
                #expect(try await store.exists(key), "\(key)")
            }
            #expect(
                try await store.keys().map { Array($0.utf8) }
                    == oddKeys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
            for key in oddKeys {
                #expect(try await store.objects(prefix: key).contains { $0.key.utf8.elementsEqual(key.utf8) }, "\(key)")
                try await store.delete(key)
                #expect(try await store.exists(key) == false, "\(key)")
            }
            #expect(try await store.keys() == [])
        },
        ObjectStoreRule("a key that not every store can hold is refused") { store in
            for key in badKeys {
                let problem = await #expect(throws: Problem.self, "\(key)") { try await store.put(key, Data("x".utf8)) }
                #expect(problem?.code == .invalidInput, "\(key)")
            }
            let keys = try await store.keys()
            #expect(keys.isEmpty)
        },
        ObjectStoreRule("what is not there is not found, and may be deleted all the same") { store in
            try await store.put("folder/there", Data())
            for key in ["missing", "folder/missing", "folder", "missing/missing", "folder/there/below"] {
                let problem = await #expect(throws: Problem.self) { _ = try await store.get(key, limit: 10) }
                #expect(problem?.code == .notFound, "\(key)")
                #expect(try await store.exists(key) == false)
                try await store.delete(key)
            }
            #expect(try await store.keys() == ["folder/there"])
            try await store.delete("folder/there")
            try await store.delete("folder/there")
            #expect(try await store.keys() == [])
        },
        ObjectStoreRule("put if absent leaves what is there") { store in
            #expect(try await store.put("folder/_SUCCESS", Data("first".utf8), ifAbsent: true))
            #expect(try await store.put("folder/_SUCCESS", Data("second".utf8), ifAbsent: true) == false)
            #expect(try await store.get("folder/_SUCCESS", limit: 10) == Data("first".utf8))
            try await store.delete("folder/_SUCCESS")
            #expect(try await store.put("folder/_SUCCESS", Data("third".utf8), ifAbsent: true))
            #expect(try await store.get("folder/_SUCCESS", limit: 10) == Data("third".utf8))
            #expect(try await store.keys() == ["folder/_SUCCESS"])
        },
        ObjectStoreRule("no more bytes are read than the limit") { store in
            try await store.put("a", Data(count: 100_000))
            #expect(try await store.get("a", limit: 100_000).count == 100_000)
            for limit in [99_999, 1, 0] {
                let problem = await #expect(throws: Problem.self) { _ = try await store.get("a", limit: limit) }
                #expect(problem?.code == .unsupported)
            }
        },
        ObjectStoreRule("many at once do not disturb each other") { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { _ = try await store.put("n/\(number)", Data("\(number)".utf8)) }
                }
                try await group.waitForAll()
            }
            for number in 0..<20 {
                #expect(try await store.get("n/\(number)", limit: 10) == Data("\(number)".utf8))
            }
        },
    ]

    private static let oddKeys = [
        "plain", "with space", "two  spaces/and more ", " leading", "ü/ß", "u\u{308}/ß", "漢字/かな", "🐟", "a+b", "a%b",
        "%41", "%2F",
        "100%", "a&b=c", "a?b#c", "quote'\"`", "<tag>&amp;", "back\\slash", "colon:semi;comma,",
        "(round)[square]{curly}", "*!~@$^|",
        "..two", "two..", "...", ".hidden", "-dash", "_under", "tab\tkey", "CASE", "case",
        "deep/er/and/deep/er/still",
        String(repeating: "x", count: 255),
        Array(repeating: String(repeating: "y", count: 99), count: 9).joined(separator: "/"),
    ]

    private static let badKeys = [
        "", "/", "/absolute", "folder/", "a//b", ".", "..", "../escape", "a/../b", "a/..", "./a", "a/./b", "nul\0",
        ".weir-x", "a/.weir-x/b",
        String(repeating: "x", count: 256),
        Array(repeating: String(repeating: "y", count: 99), count: 11).joined(separator: "/"),
    ]
}

extension ObjectStore {
    package func objects(prefix: String = "", after key: String? = nil) async throws -> [StoredObject] {
        var found: [StoredObject] = []
        for try await object in list(prefix: prefix, after: key) { found.append(object) }
        return found
    }

    package func keys(prefix: String = "", after key: String? = nil) async throws -> [String] {
        try await objects(prefix: prefix, after: key).map(\.key)
    }
}

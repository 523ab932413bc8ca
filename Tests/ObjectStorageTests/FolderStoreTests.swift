import Foundation
import Kernel
import ObjectStorage
import ObjectStoreConformance
import Testing

@Suite("Objects in a folder", .timeLimit(.minutes(10)))
struct FolderStoreTests {
    /// Makes an empty folder, hands it to `work` and removes it.
    private func use<Value>(_ work: (String) async throws -> Value) async throws -> Value {
        let path = "\(NSTemporaryDirectory())weir_objects_\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await work(path)
    }

    @Test("keep the promises of every store", arguments: ObjectStoreRule.all)
    func conforms(to rule: ObjectStoreRule) async throws {
        try await use { try await rule.check(FolderStore($0)) }
    }

    @Test("are not outside of the folder, whatever the key")
    func escape() async throws {
        try await use { folder in
            try Data("secret".utf8).write(to: URL(fileURLWithPath: "\(folder)/outside"))
            try FileManager.default.createDirectory(atPath: "\(folder)/root", withIntermediateDirectories: true)
            let store = FolderStore("\(folder)/root")
            for key in [
                "../outside", "a/../../outside", "/\(folder)/outside", "\(folder)/outside", "./../outside", "..",
            ] {
                for work in [
                    { _ = try await store.get(key, limit: 100) }, { _ = try await store.exists(key) },
                    { _ = try await store.put(key, Data()) }, { try await store.delete(key) },
                ] as [@Sendable () async throws -> Void] {
                    let problem = await #expect(throws: Problem.self) { try await work() }
                    #expect(problem?.code == .invalidInput)
                }
            }
            #expect(FileManager.default.contents(atPath: "\(folder)/outside") == Data("secret".utf8))
        }
    }

    @Test("are not reached over a symbolic link, neither to a file nor to a folder, nor is the link's goal touched")
    func links() async throws {
        try await use { folder in
            let files = FileManager.default
            try files.createDirectory(atPath: "\(folder)/elsewhere", withIntermediateDirectories: true)
            try Data("secret".utf8).write(to: URL(fileURLWithPath: "\(folder)/elsewhere/file"))
            try files.createDirectory(atPath: "\(folder)/root", withIntermediateDirectories: true)
            try files.createSymbolicLink(atPath: "\(folder)/root/link", withDestinationPath: "\(folder)/elsewhere/file")
            try files.createSymbolicLink(atPath: "\(folder)/root/way", withDestinationPath: "../elsewhere")
            let store = FolderStore("\(folder)/root")
            try await store.put("own", Data("own".utf8))
            #expect(try await store.keys() == ["own"])
            for key in ["link", "way/file"] {
                #expect(try await store.exists(key) == false)
                let problem = await #expect(throws: Problem.self) { _ = try await store.get(key, limit: 100) }
                #expect(problem?.code == .notFound)
                try await store.delete(key)
            }
            for (key, ifAbsent) in [("way/new", false), ("way/file", true), ("link", true)] {
                let problem = await #expect(throws: Problem.self) {
                    try await store.put(key, Data("x".utf8), ifAbsent: ifAbsent)
                }
                #expect(problem?.code == .conflict, "\(key)")
            }
            // It takes the link's place.
            try await store.put("link", Data("x".utf8))
            #expect(try await store.get("link", limit: 10) == Data("x".utf8))
            #expect(try files.contentsOfDirectory(atPath: "\(folder)/elsewhere") == ["file"])
            #expect(files.contents(atPath: "\(folder)/elsewhere/file") == Data("secret".utf8))
        }
    }

    @Test("may be in a folder that is itself reached over a link")
    func linkedRoot() async throws {
        try await use { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/real", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/root", withDestinationPath: "real")
            try await FolderStore("\(folder)/root").put("a/b", Data())
            #expect(try await FolderStore("\(folder)/real").keys() == ["a/b"])
        }
    }

    @Test("a pipe is no object, and nobody waits for it")
    func pipe() async throws {
        try await use { folder in
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            let store = FolderStore(folder)
            let keys = try await store.keys()
            #expect(keys.isEmpty)
            #expect(try await store.exists("pipe") == false)
            let problem = await #expect(throws: Problem.self) { _ = try await store.get("pipe", limit: 10) }
            #expect(problem?.code == .notFound)
        }
    }

    @Test("what was not finished is not seen, and no rest is left by what was")
    func unfinished() async throws {
        try await use { folder in
            let store = FolderStore(folder)
            try await store.put("a/b", Data("x".utf8))
            try await store.put("a/b", Data("y".utf8), ifAbsent: true)
            try await store.put("a/b", Data("z".utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/a") == ["b"])
            try Data("half".utf8).write(to: URL(fileURLWithPath: "\(folder)/a/.weir-4711"))
            #expect(try await store.keys() == ["a/b"])
        }
    }

    @Test("of many that put if absent at once, one does")
    func race() async throws {
        try await use { folder in
            let store = FolderStore(folder)
            let winners = try await withThrowingTaskGroup(of: Int?.self) { group in
                for number in 0..<30 {
                    group.addTask {
                        try await store.put("deep/er/one", Data("\(number)".utf8), ifAbsent: true) ? number : nil
                    }
                }
                return try await group.reduce(into: []) { all, number in if let number { all.append(number) } }
            }
            #expect(winners.count == 1)
            #expect(try await store.get("deep/er/one", limit: 10) == Data("\(winners.first ?? -1)".utf8))
        }
    }

    @Test("a file and a folder of one name are a conflict")
    func conflict() async throws {
        try await use { folder in
            let store = FolderStore(folder)
            try await store.put("a/b", Data())
            for (key, ifAbsent) in [("a", false), ("a", true), ("a/b/c", false), ("a/b/c", true)] {
                let problem = await #expect(throws: Problem.self) {
                    try await store.put(key, Data(), ifAbsent: ifAbsent)
                }
                #expect(problem?.code == .conflict)
            }
            #expect(try await store.keys() == ["a/b"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
        }
    }

    @Test("a folder that is not there is said to be missing")
    func missing() async throws {
        try await use { folder in
            let store = FolderStore("\(folder)/nowhere")
            for work in [
                { _ = try await store.keys() }, { _ = try await store.get("a", limit: 1) },
                { _ = try await store.exists("a") },
                { _ = try await store.put("a", Data()) }, { try await store.delete("a") },
            ] as [@Sendable () async throws -> Void] {
                let problem = await #expect(throws: Problem.self) { try await work() }
                #expect(problem?.code == .sourceMissing)
            }
        }
    }
}

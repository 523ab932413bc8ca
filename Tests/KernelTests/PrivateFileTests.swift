import Foundation
import Kernel
import Testing

@Suite("Private files")
struct PrivateFileTests {
    private func inFolder(_ work: (_ folder: String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-private-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await work(folder)
    }

    @Test("that many tasks make at once hold what one of them gave, and all get that")
    func manyAtOnce() async throws {
        try await inFolder { folder in
            for round in 0..<50 {
                let file = "\(folder)/key \(round)"
                let found = try await withThrowingTaskGroup(of: Data.self) { group in
                    for task in 0..<16 {
                        group.addTask { try PrivateFile.create(Data(repeating: UInt8(task), count: 4096), at: file) }
                    }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(try found == [Data(contentsOf: URL(fileURLWithPath: file))])
                #expect(found.first?.count == 4096)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 50, "nothing else is left")
        }
    }

    @Test("that are written again hold the new text whole, and only this user reads them")
    func writtenAgain() async throws {
        try await inFolder { folder in
            let file = "\(folder)/text"
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<64 {
                    group.addTask { try PrivateFile.write(Data(repeating: UInt8(task), count: 100 + task), to: file) }
                }
                try await group.waitForAll()
            }
            let kept = try Data(contentsOf: URL(fileURLWithPath: file))
            let first = try #require(kept.first)
            #expect(kept == Data(repeating: first, count: 100 + Int(first)))
            let rights = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(rights == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["text"])
        }
    }

    @Test("that cannot be written say why, and leave nothing")
    func refused() async throws {
        try await inFolder { folder in
            let full = #expect(throws: Problem.self) { try PrivateFile.write(Data([1]), to: "/dev/full/none") }
            #expect(full?.code == .internal)
            #expect(full?.detail.contains("Not a directory") == true)
            try FileManager.default.createDirectory(atPath: "\(folder)/taken/by", withIntermediateDirectories: true)
            #expect(throws: Problem.self) { try PrivateFile.write(Data([1]), to: "\(folder)/taken") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
        }
    }
}

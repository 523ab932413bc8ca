import Connecting
import Foundation
import Kernel
import Lakehouse
import TestHouse
import Testing

@Suite("Folders of the lake")
struct LakeFolderTests {
    private func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    @Test("are not there before they are whole")
    func pending() async throws {
        try await TestFolder.use { root in
            let final = "\(root)/a/b/load"
            let folder = try PendingFolder(for: final, attempt: 1)
            try LakeFiles.write(Data("x".utf8), to: "\(folder.path)/file")
            #expect(!FileManager.default.fileExists(atPath: final))
            #expect(names(in: "\(root)/a/b") == [".load.1"])
            try folder.show()
            #expect(names(in: "\(root)/a/b") == ["load"])
            #expect(names(in: final) == ["_SUCCESS", "file"])
            folder.discard()
            #expect(names(in: final) == ["_SUCCESS", "file"])
        }
    }

    @Test("clear away what earlier attempts left, and nothing else")
    func leftovers() async throws {
        try await TestFolder.use { root in
            let neighbour = try PendingFolder(for: "\(root)/loads", attempt: 9)
            let first = try PendingFolder(for: "\(root)/load", attempt: 1)
            try LakeFiles.write(Data("old".utf8), to: "\(first.path)/old")
            let second = try PendingFolder(for: "\(root)/load", attempt: 2)
            #expect(names(in: root) == [".load.2", ".loads.9"])
            #expect(names(in: second.path) == [])
            // The attempt that lost its place cannot show anything.
            #expect(throws: Problem.self) { try first.show() }
            second.discard()
            neighbour.discard()
            #expect(names(in: root) == [])
        }
    }

    @Test("take the place of one that was shown before")
    func replace() async throws {
        try await TestFolder.use { root in
            for attempt in 1...2 {
                let folder = try PendingFolder(for: "\(root)/load", attempt: Int64(attempt))
                try LakeFiles.write(Data(), to: "\(folder.path)/file\(attempt)")
                try folder.show()
            }
            #expect(names(in: "\(root)/load") == ["_SUCCESS", "file2"])
        }
    }

    @Test("keep a manifest as it was written")
    func manifest() async throws {
        try await TestFolder.use { root in
            let load = LandedLoad(in: root)
            try await load.land { manifest in
                manifest.stream.columns[0].meaning = .enumeration
                manifest.position.position = "0/\"quoted\" \u{1F41F}"
                manifest.files[0].written.statistics[2].hasNaN = true
            }
            let first = try Manifest.read(in: load.folder)
            try first.write(in: root)
            let second = try Manifest.read(in: root)
            #expect(second.load == first.load)
            #expect(second.run == first.run)
            #expect(second.stream == first.stream)
            #expect(second.stream.columns[2].carried == .decimal(precision: 10, scale: 2))
            #expect(second.position == first.position)
            #expect(second.position.position == "0/\"quoted\" \u{1F41F}")
            #expect(second.files == first.files)
            #expect(second.columns == ["id", "Name", "price"])
        }
    }

    @Test("have their SHA-256 as sha256sum prints it")
    func checksum() async throws {
        try await TestFolder.use { root in
            try LakeFiles.write(Data("abc".utf8), to: "\(root)/abc")
            // FIPS 180-4's example.
            #expect(
                try LakeFiles.sha256("\(root)/abc")
                    == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        }
    }

    @Test("go with the folders above them that they leave empty")
    func emptyParents() async throws {
        try await TestFolder.use { root in
            try FileManager.default.createDirectory(atPath: "\(root)/a/b/c", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: "\(root)/a/kept", withIntermediateDirectories: true)
            LakeFiles.removeWithEmptyParents("\(root)/a/b/c", upTo: root)
            #expect(names(in: "\(root)/a") == ["kept"])
            LakeFiles.removeWithEmptyParents("\(root)/a/kept", upTo: root)
            #expect(FileManager.default.fileExists(atPath: root))
            #expect(names(in: root) == [])
        }
    }
}

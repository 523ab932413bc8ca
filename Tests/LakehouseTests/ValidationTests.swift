import Connecting
import Foundation
import Kernel
import Lakehouse
import TestHouse
import Testing

@Suite("Validation", .timeLimit(.minutes(10)))
struct ValidationTests {
    private func use(_ work: (LandedLoad) async throws -> Void) async throws {
        try await TestFolder.use { root in try await work(LandedLoad(in: root)) }
    }

    private func expectRefused(_ load: LandedLoad, saying words: String) async throws {
        let problem = try await load.refusal()
        #expect(problem?.code == .dataInvalid)
        #expect(problem?.detail.contains(words) == true, "\(problem?.detail ?? "it passed")")
    }

    @Test("passes a whole load of one file, of several, and of none of whose rows")
    func passes() async throws {
        let parts = [
            "SELECT i, 'n' || i, NULL FROM range(10) t(i)", "SELECT i, 'x', i FROM range(10, 20) t(i)",
        ]
        for selects in [[LandedLoad.rows], parts, [LandedLoad.rows + " WHERE false"]] {
            try await use { load in
                try await load.land(selects)
                let manifest = try await load.check()
                #expect(manifest.files.count == selects.count)
                #expect(manifest.rows == manifest.sourceRows)
            }
        }
    }

    @Test("refuses a load that was never finished")
    func unfinished() async throws {
        try await use { load in
            try await expectRefused(load, saying: "_SUCCESS")
            try await load.land()
            try FileManager.default.removeItem(atPath: "\(load.folder)/_SUCCESS")
            try await expectRefused(load, saying: "_SUCCESS")
        }
    }

    @Test("refuses a file that was changed or cut short after it was written")
    func checksum() async throws {
        try await use { load in
            try await load.land()
            let path = "\(load.folder)/part-0.parquet"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            try await expectRefused(load, saying: "checksum")
            try bytes.dropLast(100).write(to: URL(fileURLWithPath: path))
            try await expectRefused(load, saying: "checksum")
        }
    }

    @Test("refuses a folder with a file too few or too many")
    func files() async throws {
        try await use { load in
            try await load.land()
            try FileManager.default.copyItem(
                atPath: "\(load.folder)/part-0.parquet", toPath: "\(load.folder)/part-1.parquet")
            try await expectRefused(load, saying: "not those that its manifest lists")
            try FileManager.default.removeItem(atPath: "\(load.folder)/part-0.parquet")
            try FileManager.default.removeItem(atPath: "\(load.folder)/part-1.parquet")
            try await expectRefused(load, saying: "not those that its manifest lists")
        }
    }

    @Test("refuses a manifest that lists a file twice")
    func listedTwice() async throws {
        try await use { load in
            try await load.land { manifest in
                manifest.files.append(manifest.files[0])
                manifest.sourceRows *= 2
            }
            try await expectRefused(load, saying: "not those that its manifest lists")
        }
    }

    @Test("refuses files whose columns are not as declared")
    func schema() async throws {
        try await use { load in
            try await load.land(types: [.int32, .text, .decimal(precision: 10, scale: 2)])
            try await expectRefused(load, saying: "another schema than declared: id")
        }
        try await use { load in
            try await load.land(types: [.int64, .text, .decimal(precision: 12, scale: 2)])
            try await expectRefused(load, saying: "price")
        }
        try await use { load in
            try await load.land { $0.columns[1] = "name" }
            try await expectRefused(load, saying: "name")
        }
    }

    @Test("refuses a manifest that does not describe all columns")
    func statistics() async throws {
        try await use { load in
            try await load.land { $0.files[0].written.statistics.removeLast() }
            try await expectRefused(load, saying: "does not describe")
        }
    }

    @Test("refuses keys that come twice, in one file or across files")
    func keys() async throws {
        try await use { load in
            try await load.land(["SELECT i % 9, 'n' || i, 1 FROM range(10) t(i)"])
            try await expectRefused(load, saying: "keys (id) more than once")
        }
        try await use { load in
            try await load.land(["SELECT 1, 'a', 1", "SELECT 1, 'b', 1"])
            try await expectRefused(load, saying: "keys (id) more than once")
        }
        try await use { load in
            try await load.land(["SELECT i, 'same', 1 FROM range(2) t(i)"])
            try await expectRefused(load, saying: "keys (Name, price) more than once")
        }
    }

    @Test("refuses nulls where the source declares none")
    func nulls() async throws {
        try await use { load in
            try await load.land(["SELECT nullif(i, 5), 'n' || i, 1 FROM range(10) t(i)"])
            try await expectRefused(load, saying: "1 nulls in id")
        }
    }

    @Test("refuses rows that are more or fewer than the source's", arguments: [99, 101, 0] as [Int64])
    func rows(count: Int64) async throws {
        try await use { load in
            try await load.land(sourceRows: count)
            try await expectRefused(load, saying: "has \(count) rows at the source, but 100 were read")
        }
    }

    @Test("refuses a manifest that is missing, unreadable, newer, or of another load")
    func manifest() async throws {
        try await use { load in
            try await load.land { $0.load = TimeSource.system.makeID() }
            try await expectRefused(load, saying: "another load")
            let path = "\(load.folder)/manifest.json"
            try Data("{".utf8).write(to: URL(fileURLWithPath: path))
            try await expectRefused(load, saying: "cannot be read")
            try FileManager.default.removeItem(atPath: path)
            try await expectRefused(load, saying: "missing")
        }
        try await use { load in
            try await load.land { $0.version = 2 }
            try await expectRefused(load, saying: "version 2")
        }
    }
}

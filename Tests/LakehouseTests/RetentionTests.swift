import Connecting
import Foundation
import Kernel
import Lakehouse
import TestHouse
import Testing

/// A lake in which loads of one client lie, written so many days ago.
private struct Lake {
    let layout: LakeLayout
    private let now = Date()

    init(in root: String) { layout = LakeLayout(root: root) }

    /// The moment before which what was superseded goes.
    func since(_ days: Double) -> Date { now.addingTimeInterval(-days * 86_400) }

    /// Lands a load as an attempt does; its folder. Its snapshot is from then, too.
    @discardableResult
    func land(
        _ zone: String = "raw", table: String = "shop__items", days: Double, environment: String = "dev",
        run: RunID = TimeSource.system.makeID(), takenAt: String? = nil, shown: Bool = true,
        changing change: (inout Manifest) -> Void = { _ in }
    ) throws -> String {
        let written = since(days)
        let place = LakeLayout.Place(
            client: "acme", source: "shop", table: table, day: written.utcDay,
            load: TimeSource.system.makeID(LoadTag.self))
        let path =
            switch zone {
            case "raw": layout.raw(place)
            case "bronze": layout.bronze(place)
            default: layout.quarantine(place)
            }
        var manifest = Manifest(
            load: place.load, run: run, client: "acme", environment: environment, source: "shop",
            position: SourcePosition(position: "0/1", takenAt: takenAt ?? written.rfc3339), stream: LandedLoad.stream,
            table: table, sourceRows: 0, files: [])
        change(&manifest)
        let folder = try PendingFolder(for: path, attempt: 1)
        try LakeFiles.write(Data("x".utf8), to: "\(folder.path)/part-00001.parquet")
        try manifest.write(in: folder.path)
        if shown { try folder.show() }
        let shownPath = shown ? path : folder.path
        try FileManager.default.setAttributes(
            [.modificationDate: written], ofItemAtPath: "\(shownPath)/\(Manifest.fileName)")
        return shownPath
    }

    /// As the server does it; how many loads are gone.
    @discardableResult
    func forget(_ since: [String: Date], open: Set<RunID> = []) throws -> Int {
        layout.removeEmptied(of: "acme")
        let loads = layout.storedLoads(of: "acme", before: since.values.max() ?? .distantPast)
        return try LakeRetention.superseded(among: loads, since: since, open: open)
            .count(where: { try layout.remove($0) })
    }

    func forgetAll() throws -> Int { try forget(["dev": now, "prod": now]) }

    static func use(_ work: (Lake) throws -> Void) async throws {
        try await TestFolder.use { root in try work(Lake(in: root)) }
    }
}

private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

private func parent(_ path: String) -> String { (path as NSString).deletingLastPathComponent }

@Suite("Old loads in the lake")
struct RetentionTests {
    @Test("go in each zone, with the folders of their day; the newest of each table stays, however old it is")
    func newest() async throws {
        try await Lake.use { lake in
            for zone in ["raw", "bronze", "quarantine"] {
                let first = try lake.land(zone, days: 50)
                let second = try lake.land(zone, days: 45)
                let last = try lake.land(zone, days: 40)
                let other = try lake.land(zone, table: "shop__other", days: 60)
                #expect(try lake.forget(["dev": lake.since(30)]) == 2)
                for path in [first, second] {
                    #expect(!isThere(path))
                    #expect(!isThere(zone == "raw" ? parent(parent(path)) : parent(path)))
                }
                for path in [last, other] {
                    #expect(isThere("\(path)/_SUCCESS"))
                    #expect(isThere("\(path)/part-00001.parquet"))
                }
                #expect(try lake.forget(["dev": lake.since(30)]) == 0)
            }
        }
    }

    @Test("count from the moment at which they were superseded, not from their own")
    func moment() async throws {
        try await Lake.use { lake in
            let first = try lake.land(days: 50)
            let second = try lake.land(days: 20)
            try lake.land(days: 10)
            #expect(try lake.forget(["dev": lake.since(30)]) == 0)
            #expect(try lake.forget(["dev": lake.since(15)]) == 1)
            #expect(!isThere(first))
            #expect(isThere(second))
        }
    }

    @Test("stay while their run is open")
    func openRuns() async throws {
        try await Lake.use { lake in
            let run: RunID = TimeSource.system.makeID()
            let held = try lake.land(days: 50, run: run)
            let passing = try lake.land(days: 50, run: run, shown: false)
            let closed = try lake.land(days: 49)
            try lake.land(days: 48)
            #expect(try lake.forget(["dev": lake.since(1)], open: [run]) == 1)
            #expect(isThere(held))
            #expect(isThere(passing))
            #expect(!isThere(closed))
            #expect(try lake.forget(["dev": lake.since(1)]) == 2)
            #expect(!isThere(held))
            #expect(!isThere(passing))
        }
    }

    @Test("of two environments lie in one tree, and each keeps its own for its own time")
    func environments() async throws {
        try await Lake.use { lake in
            let dev = try lake.land(days: 50)
            let prod = try lake.land(days: 49, environment: "prod")
            #expect(try lake.forgetAll() == 0)
            let newerDev = try lake.land(days: 20)
            let newerProd = try lake.land(days: 20, environment: "prod")
            #expect(try lake.forget(["dev": lake.since(10), "prod": lake.since(30)]) == 1)
            #expect(!isThere(dev))
            #expect(isThere(prod))
            // Of an environment that nobody knows, none goes.
            #expect(try lake.forget(["dev": lake.since(10)]) == 0)
            #expect(try lake.forget(["dev": lake.since(10), "prod": lake.since(10)]) == 1)
            for path in [newerDev, newerProd] { #expect(isThere(path)) }
        }
    }

    @Test("are in the order of their snapshots, also within a second; those of one moment all stay")
    func order() async throws {
        try await Lake.use { lake in
            let moments = ["T07:30:00Z", "T07:30:00.1Z", "T07:30:00.123456Z", "T07:30:00.2Z", "T07:30:00.2Z"]
            let paths = try moments.map { try lake.land(days: 5, takenAt: "2026-11-21\($0)") }
            let unknown = try lake.land(days: 5, takenAt: "2026-11-20 07:30:00+00")
            #expect(try lake.forget(["dev": lake.since(1)]) == 3)
            #expect(paths.map(isThere) == [false, false, false, true, true])
            #expect(isThere(unknown))
        }
    }

    @Test("in quarantine are superseded by one that passed, and none that passed by one in quarantine")
    func quarantine() async throws {
        try await Lake.use { lake in
            let refused = try lake.land("quarantine", days: 50)
            let good = try lake.land("bronze", days: 40)
            let worse = try lake.land("quarantine", days: 30)
            #expect(try lake.forget(["dev": lake.since(1)]) == 1)
            #expect(!isThere(refused))
            #expect(isThere(good))
            #expect(isThere(worse))
        }
    }

    @Test("are only those that have our manifest, in its own place: what others landed stays")
    func foreign() async throws {
        try await Lake.use { lake in
            let home = parent(try lake.land(days: 2))
            let id: LoadID = TimeSource.system.makeID()
            for name in ["\(id)", ".\(id).0", ".\(id).1", "partner", ".hidden"] {
                try FileManager.default.createDirectory(
                    atPath: "\(home)/\(name)", withIntermediateDirectories: true)
                for file in ["_SUCCESS", "part-00001.parquet"] {
                    try LakeFiles.write(Data("x".utf8), to: "\(home)/\(name)/\(file)")
                }
            }
            // Manifests that tell of another place, and one of a form that is not known yet.
            var others: [String] = []
            others.append(try lake.land(days: 50) { $0.client = "others" })
            others.append(try lake.land(days: 50) { $0.source = "store" })
            others.append(try lake.land(days: 50) { $0.table = "shop__orders" })
            others.append(try lake.land(days: 50) { $0.load = TimeSource.system.makeID() })
            others.append(try lake.land(days: 50) { $0.version = 2 })
            let named = try lake.land(days: 50)
            try FileManager.default.moveItem(atPath: named, toPath: "\(parent(named))/copy")
            others.append("\(parent(named))/copy")
            // A link to a load of ours elsewhere.
            let elsewhere = try lake.land(days: 50)
            try FileManager.default.moveItem(atPath: elsewhere, toPath: "\(lake.layout.root)/elsewhere")
            try FileManager.default.createSymbolicLink(
                atPath: elsewhere, withDestinationPath: "\(lake.layout.root)/elsewhere")
            others.append("\(elsewhere)/_SUCCESS")
            #expect(try lake.forgetAll() == 0)
            for name in ["\(id)", ".\(id).0", ".\(id).1", "partner", ".hidden"] {
                #expect(isThere("\(home)/\(name)/_SUCCESS"), "\(name)")
            }
            for path in others { #expect(isThere(path), "\(path)") }
        }
    }

    @Test("that others put files beside go alone")
    func neighbours() async throws {
        try await Lake.use { lake in
            let old = try lake.land("bronze", days: 50)
            try LakeFiles.write(Data("x".utf8), to: "\(parent(old))/note.txt")
            try lake.land("bronze", days: 40)
            #expect(try lake.forget(["dev": lake.since(1)]) == 1)
            #expect(!isThere(old))
            #expect(isThere("\(parent(old))/note.txt"))
        }
    }

    @Test("go to the end after a crash, wherever it came")
    func crash() async throws {
        for leftovers in [["_SUCCESS", "part-00001.parquet", "manifest.json"], ["manifest.json"], []] {
            try await Lake.use { lake in
                let old = try lake.land(days: 50)
                let new = try lake.land(days: 40)
                let passing = "\(parent(old))/.\((old as NSString).lastPathComponent).0"
                try FileManager.default.moveItem(atPath: old, toPath: passing)
                for name in try FileManager.default.contentsOfDirectory(atPath: passing)
                where !leftovers.contains(name) {
                    try FileManager.default.removeItem(atPath: "\(passing)/\(name)")
                }
                #expect(try lake.forget(["dev": lake.since(1)]) == (leftovers.isEmpty ? 0 : 1))
                #expect(!isThere(passing))
                #expect(isThere("\(new)/_SUCCESS"))
            }
        }
    }

    @Test("that are being removed are cleared away by whoever lands them anew")
    func again() async throws {
        try await Lake.use { lake in
            let path = try lake.land(days: 50)
            let passing = "\(parent(path))/.\((path as NSString).lastPathComponent).0"
            try FileManager.default.moveItem(atPath: path, toPath: passing)
            let folder = try PendingFolder(for: path, attempt: 1)
            #expect(!isThere(passing))
            try folder.show()
            #expect(isThere("\(path)/_SUCCESS"))
        }
    }

    @Test("that two servers remove at once are removed by one of them")
    func twice() async throws {
        try await Lake.use { lake in
            try lake.land(days: 50)
            try lake.land(days: 40)
            let since = ["dev": lake.since(1)]
            let loads = lake.layout.storedLoads(of: "acme", before: lake.since(1))
            let gone = LakeRetention.superseded(among: loads, since: since, open: [])
            #expect(try gone.map { try lake.layout.remove($0) } == [true])
            #expect(try gone.map { try lake.layout.remove($0) } == [false])
        }
    }
}

import Connecting
import DuckDB
import Foundation
import Kernel
import Lakehouse
import TestHouse

/// A load as the extraction leaves it in raw, which a test then spoils in one way.
struct LandedLoad: Sendable {
    let layout: LakeLayout
    let place: LakeLayout.Place
    let key = Secret([UInt8](repeating: 7, count: 16))

    var folder: String { layout.raw(place) }

    static let columns = [
        StreamColumn(name: "id", sourceType: "bigint", carried: .int64, nullable: false),
        StreamColumn(name: "Name", sourceType: "text", carried: .text),
        StreamColumn(name: "price", sourceType: "numeric(10,2)", carried: .decimal(precision: 10, scale: 2)),
    ]

    static let rows = "SELECT i, 'name ' || i, i * 1.25 FROM range(100) t(i)"

    init(in root: String) {
        layout = LakeLayout(root: root)
        place = LakeLayout.Place(
            client: "acme", source: "shop", table: "shop__items", day: "2026-11-21",
            load: TimeSource.system.makeID(LoadTag.self))
    }

    static var stream: SourceStream {
        SourceStream(
            name: StreamName(schema: "public", table: "items"), kind: .table, columns: columns, primaryKey: ["id"],
            uniqueKeys: [["Name", "price"]])
    }

    /// Writes files and manifest, and shows them.
    /// - Parameters:
    ///   - selects: one file each.
    ///   - sourceRows: what the source counted; as many as were read, if nil.
    ///   - types: what is written instead of the declared types.
    func land(
        _ selects: [String] = [rows], sourceRows: Int64? = nil, types: [CarriedType]? = nil,
        changing change: (inout Manifest) -> Void = { _ in }
    ) async throws {
        let folder = try PendingFolder(for: folder, attempt: 1)
        let written = types ?? Self.columns.map(\.carried)
        var files: [Manifest.File] = []
        for (index, select) in selects.enumerated() {
            let path = "\(folder.path)/part-\(index).parquet"
            let file = try await TestDuck.writeParquet(
                select, columns: zip(Self.columns, written).map { (name: $0.name, type: $1) }, to: path, key: key)
            files.append(
                Manifest.File(name: "part-\(index).parquet", sha256: try LakeFiles.sha256(path), written: file))
        }
        var manifest = Manifest(
            load: place.load, run: TimeSource.system.makeID(), client: "acme", environment: "dev", source: "shop",
            position: SourcePosition(position: "0/1", takenAt: "2026-11-21T07:30:00Z"), stream: Self.stream,
            table: place.table, sourceRows: sourceRows ?? files.reduce(0) { $0 + $1.written.rows }, files: files)
        change(&manifest)
        try manifest.write(in: folder.path)
        try folder.show()
    }

    func check() async throws -> Manifest {
        try await Validation(layout: layout, database: try await TestDuck.shared()).check(place, key: key)
    }

    /// Why it does not pass; nil if it does.
    func refusal() async throws -> Problem? {
        do {
            _ = try await check()
            return nil
        } catch let problem as Problem {
            return problem
        }
    }
}

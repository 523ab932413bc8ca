import Connecting
import Kernel
import TestHouse
package import Warehousing

/// What the conformance suite needs of a kind of warehouse beside its adapter. One value serves one test.
package protocol WarehouseUnderTest: Sendable {
    /// A new value of the adapter, as a process that starts has it: nothing of an earlier one is remembered.
    func makeAdapter() -> any WarehouseAdapter

    /// A folder for files of the lake.
    var folder: String { get }

    /// The rows of a query as the warehouse's readers have them, as text. It sees what is committed at that moment.
    func read(_ sql: String, in place: WarehousePlace) async throws -> [[String?]]

    /// Statements as a transformer that may write, each by itself, on one connection.
    func write(_ statements: [String], in place: WarehousePlace) async throws

    /// The number of the newest snapshot, and the rows of a RAW table at a snapshot.
    func newestSnapshot(of place: WarehousePlace) async throws -> Int64
    func read(table: String, at snapshot: Int64, in place: WarehousePlace) async throws -> [[String?]]

    /// Makes all that has happened to the warehouse so much older.
    func age(_ place: WarehousePlace, days: Int) async throws

    /// Names of the files that hold its rows.
    func files(of place: WarehousePlace) async throws -> Set<String>

    /// All that is left of the warehouse outside: roles, schemas, files. Empty after `destroy`.
    func remains(of place: WarehousePlace) async throws -> [String]
}

extension WarehouseUnderTest {
    /// Makes a warehouse of an organization that nobody else has.
    func provision(_ environment: String = "dev") async throws -> WarehousePlace {
        let place = WarehousePlace(
            organization: TimeSource.system.makeID(), slug: TestServer.uniqueName("t"), environment: environment)
        try await finish(place)
        return place
    }

    /// Performs what is left to do.
    func finish(_ place: WarehousePlace) async throws {
        let adapter = makeAdapter()
        for step in try await adapter.plan(place) { try await adapter.perform(step, for: place) }
    }

    /// A validated load: the rows of `selects`, one file each, as they lie in bronze.
    func load(
        _ table: String, _ selects: [String], columns: [(name: String, type: CarriedType)], in place: WarehousePlace
    ) async throws -> Load {
        let id = TimeSource.system.makeID(LoadTag.self)
        let key = try await makeAdapter().lakeKey(of: place)
        var files: [Load.File] = []
        for (index, select) in selects.enumerated() {
            let path = "\(folder)/\(id)-\(index).parquet"
            let written = try await TestDuck.writeParquet(select, columns: columns, to: path, key: key)
            files.append(Load.File(path: path, written: written))
        }
        return Load(
            id: id, source: "shop", table: table, columns: columns.map { Load.Column(name: $0.name, type: $0.type) },
            files: files, position: SourcePosition(position: "0/16B3748", takenAt: "2026-11-21T07:30:00.123456Z"),
            rows: files.reduce(0) { $0 + $1.written.rows })
    }

    /// A load of `count` numbered rows.
    func numbers(_ table: String, from first: Int = 0, count: Int, in place: WarehousePlace) async throws -> Load {
        try await load(
            table, ["SELECT i, 'row ' || i FROM range(\(first), \(first + count)) t(i)"],
            columns: [(name: "id", type: .int64), (name: "word", type: .text)], in: place)
    }

    func batch(_ loads: Load...) -> LoadBatch { LoadBatch(run: TimeSource.system.makeID(), loads: loads) }
}

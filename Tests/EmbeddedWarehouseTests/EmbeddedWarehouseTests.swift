import Connecting
import DuckDB
import Foundation
import Kernel
import Postgres
import TestHouse
import Testing
import WarehouseConformance
import Warehousing

@testable import EmbeddedWarehouse

@Suite("The embedded warehouse", .timeLimit(.minutes(10)))
struct EmbeddedWarehouseTests {
    @Test("keeps the promises of every warehouse", arguments: WarehouseRule.all)
    func conforms(to rule: WarehouseRule) async throws {
        try await EmbeddedHouse.use { house in try await rule.check(house) }
    }

    private func place(_ environment: String = "dev") -> WarehousePlace {
        WarehousePlace(
            organization: TimeSource.system.makeID(), slug: TestServer.uniqueName("t"), environment: environment)
    }

    private func provision(_ place: WarehousePlace, in house: EmbeddedHouse) async throws {
        for step in try await house.warehouse.plan(place) { try await house.warehouse.perform(step, for: place) }
    }

    private func load(_ count: Int, into table: String, of place: WarehousePlace, in house: EmbeddedHouse) async throws
    {
        let path = "\(house.folder)/\(UUID().uuidString).parquet"
        let written = try await TestDuck.writeParquet(
            "SELECT i FROM range(\(count)) t(i)", columns: [(name: "id", type: .int64)], to: path,
            key: try await house.warehouse.lakeKey(of: place))
        let load = Load(
            id: TimeSource.system.makeID(), source: "shop", table: table,
            columns: [Load.Column(name: "id", type: .int64)], files: [Load.File(path: path, written: written)],
            position: .init(position: "0/1", takenAt: "2026-11-21T07:30:00Z"), rows: written.rows)
        _ = try await house.warehouse.commit(
            LoadBatch(run: TimeSource.system.makeID(), loads: [load]), to: place, fence: FencingToken(1))
    }

    @Test("goes on where a crash in the middle of making the catalogue left it")
    func halfCatalogue() async throws {
        try await EmbeddedHouse.use { house in
            let place = place()
            for step in try await house.warehouse.plan(place).dropLast() {
                try await house.warehouse.perform(step, for: place)
            }
            // Attached for the first time and one schema made, then the process was killed.
            try await house.write(["CREATE SCHEMA lake.RAW"], in: place)
            #expect(try await house.warehouse.plan(place).map(\.id) == ["catalogue"])
            try await provision(place, in: house)
            #expect(try await house.warehouse.plan(place).isEmpty)
            try await load(3, into: "shop__t", of: place, in: house)
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__t", in: place) == [["3"]])
        }
    }

    @Test("lets a build change nothing once a later one has begun, and readers and loads in any case")
    func buildFence() async throws {
        try await EmbeddedHouse.use { house in
            let place = place()
            try await provision(place, in: house)
            let first = try await house.warehouse.modelingTarget(for: place, fence: FencingToken(7))
            try await house.write(["CREATE TABLE lake.MARTS.first AS SELECT 1 AS a"], in: place, over: first)
            let second = try await house.warehouse.modelingTarget(for: place, fence: FencingToken(8))
            await #expect(throws: (any Error).self) {
                try await house.write(["CREATE TABLE lake.MARTS.late AS SELECT 1 AS a"], in: place, over: first)
            }
            await #expect { try await house.warehouse.modelingTarget(for: place, fence: FencingToken(7)) } throws: {
                ($0 as? Problem)?.code == .leaseLost
            }
            try await house.write(
                ["CREATE OR REPLACE TABLE lake.MARTS.first AS SELECT 2 AS a"], in: place, over: second)
            try await load(3, into: "shop__t", of: place, in: house)
            #expect(try await house.read("SELECT a FROM lake.MARTS.first", in: place) == [["2"]])
            let tables = try await house.read(
                "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'late'", in: place)
            #expect(tables == [["0"]])
        }
    }

    @Test("keeps each warehouse's role out of every other warehouse, and out of all else")
    func roles() async throws {
        try await EmbeddedHouse.use { house in
            let mine = place()
            let other = WarehousePlace(organization: mine.organization, slug: mine.slug, environment: "prod")
            try await provision(mine, in: house)
            try await provision(other, in: house)
            try await house.database.script("CREATE SCHEMA private; CREATE TABLE private.t (id int)")
            let connection = try await PGConnection.connect(house.warehouse.conninfo(of: mine))
            #expect(try await !connection.query("SELECT FROM ducklake_table LIMIT 0").isEmpty == false)
            let foreign = SQL.identifier(house.warehouse.catalogue(of: other))
            let refused: [SQL] = [
                "SELECT FROM \(foreign).ducklake_data_file", "CREATE TABLE \(foreign).mine (id int)",
                "SELECT FROM private.t", "CREATE TABLE public.mine (id int)", "CREATE SCHEMA mine",
                "SET ROLE \(foreign)", "CREATE ROLE mine", "SELECT pg_read_file('/etc/passwd')",
            ]
            for statement in refused {
                let error = await #expect(throws: PGError.self) { try await connection.query(statement) }
                #expect(error?.state == "42501")
            }
            await connection.close()
            try await house.warehouse.destroy(mine)
            #expect(try await house.warehouse.plan(other).isEmpty)
        }
    }

    @Test("writes no file that can be read without its key")
    func encrypted() async throws {
        try await EmbeddedHouse.use { house in
            let place = place()
            try await provision(place, in: house)
            try await load(100, into: "shop__t", of: place, in: house)
            try await house.write(["CREATE TABLE lake.MARTS.t AS SELECT * FROM lake.RAW.shop__t"], in: place)
            let root = house.warehouse.dataPath(of: place)
            let files = try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(".parquet") }
            #expect(files.count == 3)
            for file in files {
                await #expect(throws: DuckError.self) {
                    _ = try await TestDuck.rows("SELECT * FROM read_parquet(\(DuckSQL.literal(root + file)))")
                }
            }
        }
    }

    @Test("clears away files in RAW that a load which died had put there, at the next load")
    func orphans() async throws {
        try await EmbeddedHouse.use { house in
            let place = place()
            try await provision(place, in: house)
            try await load(3, into: "shop__t", of: place, in: house)
            let stray = "\(house.warehouse.dataPath(of: place))RAW/shop__t/stray.parquet"
            try Data("x".utf8).write(to: URL(fileURLWithPath: stray))
            try await load(4, into: "shop__u", of: place, in: house)
            #expect(!FileManager.default.fileExists(atPath: stray))
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__t", in: place) == [["3"]])
        }
    }

    @Test("clears away what a build that died has left, and nothing that is younger or that a snapshot names")
    func buildOrphans() async throws {
        try await EmbeddedHouse.use { house in
            let place = place()
            try await provision(place, in: house)
            try await house.write(["CREATE TABLE lake.MARTS.t AS SELECT 1 AS one"], in: place)
            let stray = "\(house.warehouse.dataPath(of: place))MARTS/t/stray.parquet"
            try Data("x".utf8).write(to: URL(fileURLWithPath: stray))
            try await house.warehouse.removeOrphans(of: place, before: Date(timeIntervalSince1970: 0))
            #expect(FileManager.default.fileExists(atPath: stray))
            try await house.warehouse.removeOrphans(of: place, before: .distantFuture)
            #expect(!FileManager.default.fileExists(atPath: stray))
            #expect(try await house.read("SELECT one FROM lake.MARTS.t", in: place) == [["1"]])
        }
    }

    @Test("names a catalogue that is damaged")
    func damaged() async throws {
        try await EmbeddedHouse.use { house in
            let place = place()
            try await provision(place, in: house)
            try await load(1, into: "shop__t", of: place, in: house)
            try await house.warehouse.checkCatalogue(of: place)
            let catalogue = SQL.identifier(house.warehouse.catalogue(of: place))
            try await house.database.query(
                "UPDATE \(catalogue).ducklake_table SET schema_id = 999 WHERE table_name = 'shop__t'")
            let problem = await #expect(throws: Problem.self) { try await house.warehouse.checkCatalogue(of: place) }
            #expect(problem?.code == .internal)
            #expect(problem?.detail.contains("shop__t") == true)
        }
    }
}

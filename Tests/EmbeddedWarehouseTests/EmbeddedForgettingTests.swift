import Foundation
import Kernel
import Postgres
import TestHouse
import Testing
import Warehousing

@testable import EmbeddedWarehouse

@Suite("What the embedded warehouse forgets", .timeLimit(.minutes(10)))
struct EmbeddedForgettingTests {
    private func provision(in house: EmbeddedHouse) async throws -> WarehousePlace {
        let place = WarehousePlace(
            organization: TimeSource.system.makeID(), slug: TestServer.uniqueName("t"), environment: "dev")
        for step in try await house.warehouse.plan(place) { try await house.warehouse.perform(step, for: place) }
        return place
    }

    private func catalogue(of place: WarehousePlace, in house: EmbeddedHouse) -> SQL {
        SQL.identifier(house.warehouse.catalogue(of: place))
    }

    private func scheduled(of place: WarehousePlace, in house: EmbeddedHouse) async throws -> Int64 {
        try await house.database.number(
            "SELECT count(*) FROM \(catalogue(of: place, in: house)).ducklake_files_scheduled_for_deletion")
    }

    /// As DuckLake would have it two days ago.
    private func schedule(_ path: String, _ id: Int, of place: WarehousePlace, in house: EmbeddedHouse) async throws {
        try await house.database.query(
            """
            INSERT INTO \(catalogue(of: place, in: house)).ducklake_files_scheduled_for_deletion
              (data_file_id, path, path_is_relative, schedule_start)
            VALUES (\(id), \(path), \(!path.hasPrefix("/")), now() - interval '2 days')
            """)
    }

    @Test("is never outside of its folder, whatever the catalogue says and wherever links lead")
    func outside() async throws {
        try await EmbeddedHouse.use { house in
            let place = try await provision(in: house)
            let root = house.warehouse.dataPath(of: place)
            let folder = "\(house.folder)/others"
            for path in [folder, "\(root)RAW/t"] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            let victims = ["\(house.folder)/victim", "\(house.folder)/warehouse/victim", "\(folder)/victim"]
            for path in victims + ["\(root)own", "\(root)RAW/t/own"] {
                try Data("x".utf8).write(to: URL(fileURLWithPath: path))
            }
            try FileManager.default.createSymbolicLink(atPath: "\(root)RAW/link", withDestinationPath: folder)
            try FileManager.default.createSymbolicLink(
                atPath: "\(root)RAW/t/link", withDestinationPath: "\(folder)/victim")
            let paths =
                victims + [
                    "../../victim", "../victim", "RAW/../../victim", "RAW/t/../../../../victim", "./../../victim",
                    "RAW/..\u{301}/../../victim", "RAW/../\u{301}/../../victim", "RAW/link/victim",
                    "RAW/link/../victim",
                    "\(root)../victim", "\(root)../../victim", "\(root)RAW/link/victim", "/RAW/t/own", "", "/", ".",
                    "..", "RAW", "RAW/t/none", "none/none", "RAW/t/own/none",
                ]
            for (index, path) in paths.enumerated() {
                try await schedule(path, 1000 + index, of: place, in: house)
            }
            #expect(try await house.warehouse.forget(keepDays: 1, of: place) == 0)
            for path in victims + ["\(root)RAW/t/own"] {
                #expect(FileManager.default.fileExists(atPath: path), "\(path)")
            }
            // Nothing is left to be done with them.
            #expect(try await scheduled(of: place, in: house) == 0)
            // A link goes, what it leads to stays; and what is its own goes, however it is named.
            try FileManager.default.createDirectory(
                atPath: "\(root)RAW/u", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: "\(root)RAW/u/own"))
            try await schedule("RAW/t/link", 1, of: place, in: house)
            try await schedule("RAW/t/own", 2, of: place, in: house)
            try await schedule("\(root)RAW/u/own", 3, of: place, in: house)
            #expect(try await house.warehouse.forget(keepDays: 1, of: place) == 3)
            #expect(FileManager.default.fileExists(atPath: "\(folder)/victim"))
            for name in ["t/link", "t/own", "u/own"] {
                #expect(!FileManager.default.fileExists(atPath: "\(root)RAW/\(name)"), "\(name)")
            }
        }
    }

    @Test("is no file that the catalogue still names, and none whose day is not over")
    func stillNamed() async throws {
        try await EmbeddedHouse.use { house in
            let place = try await provision(in: house)
            try await house.write(
                ["CREATE TABLE lake.MARTS.t AS SELECT 1 AS one", "CREATE TABLE lake.MARTS.u AS SELECT 2 AS two"],
                in: place)
            let schema = catalogue(of: place, in: house)
            try await house.database.query(
                """
                INSERT INTO \(schema).ducklake_files_scheduled_for_deletion
                SELECT f.data_file_id, 'MARTS/' || t.path || f.path, true, now() - interval '2 days'
                FROM \(schema).ducklake_data_file f JOIN \(schema).ducklake_table t USING (table_id)
                """)
            try await house.write(["DROP TABLE lake.MARTS.u"], in: place)
            #expect(try await house.warehouse.forget(keepDays: 1, of: place) == 0)
            #expect(try await house.read("SELECT one FROM lake.MARTS.t", in: place) == [["1"]])
            #expect(try await house.files(of: place).count == 2)
        }
    }

    @Test("is nothing that would run with the owner's rights: a view in the place of DuckLake's table")
    func trap() async throws {
        try await EmbeddedHouse.use { house in
            let place = try await provision(in: house)
            let schema = catalogue(of: place, in: house)
            try await house.database.query("CREATE TABLE \(schema).ran (who text)")
            try await house.database.query(
                """
                CREATE FUNCTION \(schema).trap() RETURNS bigint LANGUAGE plpgsql AS $$
                BEGIN INSERT INTO \(schema).ran VALUES (current_user); RETURN 1; END $$
                """)
            try await house.database.query("ALTER TABLE \(schema).ducklake_snapshot RENAME TO real_snapshot")
            try await house.database.query(
                """
                CREATE VIEW \(schema).ducklake_snapshot AS
                SELECT \(schema).trap() AS snapshot_id, now() AS snapshot_time
                """)
            await #expect {
                _ = try await house.warehouse.version(of: place)
            } throws: { ($0 as? Problem)?.detail.contains("was changed by hand") == true }
            await #expect(throws: Problem.self) { try await house.warehouse.forget(keepDays: 1, of: place) }
            #expect(try await house.database.number("SELECT count(*) FROM \(schema).ran") == 0)
        }
    }

    @Test("is nothing of a version of DuckLake that is not known, and no path that no file can have")
    func unknown() async throws {
        try await EmbeddedHouse.use { house in
            let place = try await provision(in: house)
            let schema = catalogue(of: place, in: house)
            try await house.database.query(
                """
                INSERT INTO \(schema).ducklake_files_scheduled_for_deletion
                SELECT n, repeat('a', 20000000), true, now() - interval '2 days' FROM generate_series(1000, 1010) n
                """)
            #expect(try await house.warehouse.forget(keepDays: 1, of: place) == 0)
            #expect(try await scheduled(of: place, in: house) == 0)
            try await house.database.query("UPDATE \(schema).ducklake_metadata SET value = '9' WHERE key = 'version'")
            await #expect(throws: Problem.self) { try await house.warehouse.forget(keepDays: 1, of: place) }
        }
    }

    @Test("is more than fits into one transaction, too")
    func slices() async throws {
        try await EmbeddedHouse.use { house in
            let place = try await provision(in: house)
            try await house.write(["CREATE TABLE lake.MARTS.t AS SELECT 1 AS one"], in: place)
            let snapshots: SQL = "\(catalogue(of: place, in: house)).ducklake_snapshot"
            try await house.database.query(
                """
                INSERT INTO \(snapshots) (snapshot_id, snapshot_time, schema_version, next_catalog_id, next_file_id)
                SELECT s.snapshot_id + n, s.snapshot_time, s.schema_version, s.next_catalog_id, s.next_file_id
                FROM (SELECT * FROM \(snapshots) ORDER BY snapshot_id DESC LIMIT 1) s,
                  generate_series(1, \(2 * EmbeddedWarehouse.slice + 10)::bigint) n
                """)
            let newest = try await house.newestSnapshot(of: place)
            try await house.age(place, days: 3)
            #expect(try await house.warehouse.forget(keepDays: 1, of: place) == 0)
            #expect(try await house.database.number("SELECT count(*) FROM \(snapshots)") == 1)
            #expect(try await house.newestSnapshot(of: place) == newest)
            try await house.write(["INSERT INTO lake.MARTS.t VALUES (2)"], in: place)
            #expect(try await house.read("SELECT sum(one) FROM lake.MARTS.t", in: place) == [["3"]])
        }
    }

    /// What dbt and people do to tables: swapped, renamed, replaced, changed in part, dropped.
    private static let work = [
        "CREATE TABLE lake.RAW.t AS SELECT i, 'r' || i AS w FROM range(200) x(i)",
        "CREATE OR REPLACE VIEW lake.STAGING.v AS SELECT * FROM lake.RAW.t",
        "CREATE TABLE lake.MARTS.fct__dbt_tmp AS SELECT i FROM lake.STAGING.v",
        "ALTER TABLE lake.MARTS.fct__dbt_tmp RENAME TO fct",
        "CREATE OR REPLACE VIEW lake.STAGING.v AS SELECT i FROM lake.RAW.t",
        "CREATE TABLE lake.MARTS.fct__dbt_tmp AS SELECT i + 1 AS i FROM lake.STAGING.v",
        "ALTER TABLE lake.MARTS.fct RENAME TO fct__dbt_backup",
        "ALTER TABLE lake.MARTS.fct__dbt_tmp RENAME TO fct", "DROP TABLE lake.MARTS.fct__dbt_backup",
        "CREATE TABLE lake.MARTS.parts AS SELECT i FROM range(100) x(i)",
        "DELETE FROM lake.MARTS.parts WHERE i < 10", "DELETE FROM lake.MARTS.parts WHERE i < 20",
        "UPDATE lake.MARTS.parts SET i = i + 1000 WHERE i < 30", "ALTER TABLE lake.MARTS.parts ADD COLUMN j INTEGER",
        "COMMENT ON TABLE lake.MARTS.parts IS 'parts'", "COMMENT ON TABLE lake.MARTS.parts IS 'pieces'",
        "CREATE TABLE lake.MARTS.gone AS SELECT 1 AS a", "DROP TABLE lake.MARTS.gone", "CREATE SCHEMA lake.OTHER",
        "CREATE TABLE lake.OTHER.t AS SELECT 1 AS a", "DROP TABLE lake.OTHER.t", "DROP SCHEMA lake.OTHER",
        "CREATE OR REPLACE TABLE lake.RAW.t AS SELECT i, 'r' || i AS w FROM range(150) x(i)",
    ]

    /// All rows of the catalogue, by table, without what differs between two warehouses.
    private func rows(of place: WarehousePlace, in house: EmbeddedHouse) async throws -> [String: [String]] {
        let name = house.warehouse.catalogue(of: place)
        let tables = try await house.database.query(
            "SELECT tablename FROM pg_tables WHERE schemaname = \(name) AND tablename LIKE 'ducklake%'"
        ).map { try $0.string("tablename") }
        var found: [String: [String]] = [:]
        for table in tables where table != "ducklake_metadata" {
            found[table] = try await house.database.query(
                """
                SELECT regexp_replace((to_jsonb(x) - '{table_uuid,schema_uuid,view_uuid,snapshot_time,schedule_start,
                  encryption_key,file_size_bytes,footer_size,column_size_bytes}'::text[])::text,
                  '[0-9a-f]{8}-[0-9a-f-]{27}', 'U', 'g') AS line
                FROM \(.identifier(name)).\(.identifier(table)) x ORDER BY 1
                """
            ).map { try $0.string("line") }
        }
        return found
    }

    @Test("is what DuckLake itself would expire: the catalogue is left as ducklake_expire_snapshots leaves it")
    func twin() async throws {
        try await EmbeddedHouse.use { house in
            let ours = try await provision(in: house)
            let theirs = try await provision(in: house)
            var edges: [Int64] = []
            for place in [ours, theirs] {
                try await house.write(Array(Self.work.prefix(15)), in: place)
                edges.append(try await house.newestSnapshot(of: place))
                try await house.age(place, days: 10)
                try await house.write(Array(Self.work.dropFirst(15)), in: place)
                // What DuckLake has scheduled itself stays for now.
                try await house.database.query(
                    """
                    UPDATE \(.identifier(house.warehouse.catalogue(of: place))).ducklake_files_scheduled_for_deletion
                    SET schedule_start = now()
                    """)
            }
            try #require(edges[0] == edges[1])
            #expect(try await rows(of: ours, in: house) == rows(of: theirs, in: house))
            #expect(try await house.warehouse.forget(keepDays: 7, of: ours) == 0)
            let versions = (0..<edges[1]).map { String($0) }.joined(separator: ", ")
            try await house.write(["CALL ducklake_expire_snapshots('lake', versions => [\(versions)])"], in: theirs)
            let (left, right) = (try await rows(of: ours, in: house), try await rows(of: theirs, in: house))
            #expect(left["ducklake_files_scheduled_for_deletion"]?.isEmpty == false)
            for table in Set(left.keys).union(right.keys) { #expect(left[table] == right[table], "\(table)") }
        }
    }
}

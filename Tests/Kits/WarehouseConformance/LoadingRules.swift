import Connecting
import Kernel
import TestHouse
import Testing
import Warehousing

extension WarehouseRule {
    static let loading = [
        WarehouseRule("a commit shows all rows of all files, with their types, and filters find them") { house in
            let place = try await house.provision()
            let load = try await house.load(
                "shop__items",
                [
                    "SELECT i, i * 1.5, DATE '2026-01-01' + i::INT FROM range(500) t(i)",
                    "SELECT i, i * 1.5, DATE '2026-01-01' + i::INT FROM range(500, 700) t(i)",
                ],
                columns: [
                    (name: "id", type: .int64), (name: "Price", type: .decimal(precision: 12, scale: 2)),
                    (name: "day", type: .date),
                ], in: place)
            let counts = try await house.makeAdapter().commit(house.batch(load), to: place, fence: FencingToken(1))
            #expect(counts == [load.id: 700])
            #expect(
                try await house.makeAdapter().rowCounts(of: place)[WarehouseTable(schema: "RAW", name: "shop__items")]
                    == 700)
            let described = try await house.read("DESCRIBE lake.RAW.shop__items", in: place).map {
                "\($0[0] ?? "") \($0[1] ?? "")"
            }
            #expect(described == ["id BIGINT", "Price DECIMAL(12,2)", "day DATE"])
            // Answered from the statistics of files where a reader can: they must not hide rows.
            let filters = [
                ("id = 0", "1"), ("id = 499", "1"), ("id = 500", "1"), ("id = 699", "1"), ("id = 700", "0"),
                ("id BETWEEN 490 AND 509", "20"), ("\"Price\" = 1048.5", "1"), ("\"Price\" > 1048.5", "0"),
                ("day = DATE '2026-01-01' + 699", "1"), ("day < DATE '2026-01-01'", "0"), ("id IS NULL", "0"),
            ]
            for (filter, expected) in filters {
                let found = try await house.read("SELECT count(*) FROM lake.RAW.shop__items WHERE \(filter)", in: place)
                #expect(found == [[expected]], "\(filter)")
            }
            let sums = try await house.read(
                "SELECT min(id), max(id), sum(id), max(\"Price\") FROM lake.RAW.shop__items", in: place)
            #expect(sums == [["0", "699", "244650", "1048.50"]])
            try await house.makeAdapter().checkCatalogue(of: place)
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("the version names what it holds: other rows or tables are another one, time alone is none") {
            house in
            let place = WarehousePlace(
                organization: TimeSource.system.makeID(), slug: TestServer.uniqueName("t"), environment: "dev")
            #expect(try await house.makeAdapter().version(of: place) == nil)
            try await house.finish(place)
            func version() async throws -> String? { try await house.makeAdapter().version(of: place) }
            let empty = try await version()
            #expect(empty != nil)
            #expect(try await version() == empty)
            let batch = house.batch(try await house.numbers("shop__a", count: 10, in: place))
            _ = try await house.makeAdapter().commit(batch, to: place, fence: FencingToken(1))
            let loaded = try await version()
            #expect(loaded != empty)
            _ = try await house.makeAdapter().commit(batch, to: place, fence: FencingToken(2))
            _ = try await house.read("SELECT count(*) FROM lake.RAW.shop__a", in: place)
            #expect(try await version() == loaded)
            try await house.write(["CREATE TABLE lake.MARTS.sums AS SELECT 1 AS total"], in: place)
            let modelled = try await version()
            #expect(![empty, loaded].contains(modelled))
            try await house.makeAdapter().destroy(place)
            #expect(try await house.makeAdapter().version(of: place) == nil)
            try await house.finish(place)
            #expect(![empty, loaded, modelled].contains(try await version()))
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("the same batch again, from a process that knows nothing of it, adds nothing") { house in
            let place = try await house.provision()
            let batch = house.batch(
                try await house.numbers("shop__a", count: 10, in: place),
                try await house.numbers("shop__b", count: 5, in: place))
            let first = try await house.makeAdapter().commit(batch, to: place, fence: FencingToken(1))
            let snapshot = try await house.newestSnapshot(of: place)
            let second = try await house.makeAdapter().commit(batch, to: place, fence: FencingToken(2))
            #expect(first == second)
            #expect(try await house.newestSnapshot(of: place) == snapshot)
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__a", in: place) == [["10"]])
            let register = try await house.read(
                "SELECT table_name, rows FROM lake.RAW._weir_loads ORDER BY 1", in: place)
            #expect(register == [["shop__a", "10"], ["shop__b", "5"]])
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("a run that commits again replaces what it had loaded, and leaves out what is there") { house in
            let place = try await house.provision()
            let first = house.batch(
                try await house.numbers("shop__a", count: 10, in: place),
                try await house.numbers("shop__b", count: 5, in: place))
            _ = try await house.makeAdapter().commit(first, to: place, fence: FencingToken(1))
            // As many rows as before: only their values tell them apart.
            let anew = try await house.numbers("shop__a", from: 100, count: 10, in: place)
            let shorter = try await house.numbers("shop__b", from: 200, count: 4, in: place)
            let second = LoadBatch(run: first.run, loads: [anew, shorter])
            let counts = try await house.makeAdapter().commit(second, to: place, fence: FencingToken(2))
            #expect(counts == [anew.id: 10, shorter.id: 4])
            let sums = "SELECT min(id), count(*) FROM lake.RAW."
            #expect(try await house.read("\(sums)shop__a", in: place) == [["100", "10"]])
            #expect(try await house.read("\(sums)shop__b", in: place) == [["200", "4"]])
            let snapshot = try await house.newestSnapshot(of: place)
            #expect(try await house.makeAdapter().commit(second, to: place, fence: FencingToken(3)) == counts)
            #expect(try await house.newestSnapshot(of: place) == snapshot)
            let added = try await house.numbers("shop__c", count: 2, in: place)
            let third = LoadBatch(run: first.run, loads: [anew, added])
            let last = try await house.makeAdapter().commit(third, to: place, fence: FencingToken(4))
            #expect(last == [anew.id: 10, added.id: 2])
            #expect(try await house.read("\(sums)shop__a", in: place) == [["100", "10"]])
            let register = try await house.read(
                "SELECT table_name, rows FROM lake.RAW._weir_loads ORDER BY 1, 2", in: place)
            #expect(
                register == [
                    ["shop__a", "10"], ["shop__a", "10"], ["shop__b", "4"], ["shop__b", "5"], ["shop__c", "2"],
                ])
            try await house.makeAdapter().checkCatalogue(of: place)
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("what is older than the rows that stand there is refused, whether it was loaded once or never") {
            house in
            let place = try await house.provision()
            let loaded = house.batch(try await house.numbers("shop__t", count: 3, in: place))
            let missed = house.batch(try await house.numbers("shop__t", count: 5, in: place))
            var late = try await house.numbers("shop__t", from: 100, count: 4, in: place)
            late.position.takenAt = "2026-11-22T07:30:00Z"
            _ = try await house.makeAdapter().commit(loaded, to: place, fence: FencingToken(1))
            _ = try await house.makeAdapter().commit(house.batch(late), to: place, fence: FencingToken(2))
            for batch in [loaded, missed] {
                let problem = await #expect(throws: Problem.self) {
                    _ = try await house.makeAdapter().commit(batch, to: place, fence: FencingToken(3))
                }
                #expect(problem?.code == .conflict)
            }
            #expect(
                try await house.read("SELECT min(id), count(*) FROM lake.RAW.shop__t", in: place) == [["100", "4"]])
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("who holds an older fencing token is refused and changes nothing") { house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            let new = house.batch(try await house.numbers("shop__a", count: 3, in: place))
            let late = house.batch(try await house.numbers("shop__a", count: 9, in: place))
            _ = try await adapter.commit(new, to: place, fence: FencingToken(7))
            let snapshot = try await house.newestSnapshot(of: place)
            let problem = await #expect(throws: Problem.self) {
                _ = try await house.makeAdapter().commit(late, to: place, fence: FencingToken(6))
            }
            #expect(problem?.code == .leaseLost)
            #expect(try await house.newestSnapshot(of: place) == snapshot)
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__a", in: place) == [["3"]])
            _ = try await adapter.commit(late, to: place, fence: FencingToken(7))
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__a", in: place) == [["9"]])
            try await adapter.destroy(place)
        },
        WarehouseRule("a second load replaces the rows of the first, and the first can still be read as it was") {
            house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            let first = try await house.numbers("shop__t", count: 10, in: place)
            _ = try await adapter.commit(house.batch(first), to: place, fence: FencingToken(1))
            let before = try await house.newestSnapshot(of: place)
            let second = try await house.numbers("shop__t", from: 100, count: 4, in: place)
            _ = try await adapter.commit(house.batch(second), to: place, fence: FencingToken(2))
            #expect(
                try await house.read("SELECT min(id), count(*) FROM lake.RAW.shop__t", in: place) == [["100", "4"]])
            let then = try await house.read(table: "shop__t", at: before, in: place)
            #expect(then.map { $0[0] } == (0..<10).map { String($0) })
            try await adapter.destroy(place)
        },
        WarehouseRule("a load of other columns replaces the table, and the old one can still be read as it was") {
            house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            let first = try await house.numbers("shop__t", count: 2, in: place)
            _ = try await adapter.commit(house.batch(first), to: place, fence: FencingToken(1))
            let before = try await house.newestSnapshot(of: place)
            let second = try await house.load(
                "shop__t", ["SELECT 'x', 1.5"], columns: [(name: "id", type: .text), (name: "new", type: .float64)],
                in: place)
            _ = try await adapter.commit(house.batch(second), to: place, fence: FencingToken(2))
            #expect(try await house.read("SELECT * FROM lake.RAW.shop__t", in: place) == [["x", "1.5"]])
            #expect(try await house.read("SELECT count(*) FROM lake.RAW._weir_loads", in: place) == [["2"]])
            #expect(
                try await house.read(table: "shop__t", at: before, in: place) == [["0", "row 0"], ["1", "row 1"]])
            try await adapter.checkCatalogue(of: place)
            try await adapter.destroy(place)
        },
        WarehouseRule("a table without rows stands with its columns, also where there were rows before") { house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            let empty = try await house.numbers("shop__t", count: 0, in: place)
            #expect(try await adapter.commit(house.batch(empty), to: place, fence: FencingToken(1)) == [empty.id: 0])
            #expect(try await house.read("SELECT * FROM lake.RAW.shop__t", in: place) == [])
            let full = try await house.numbers("shop__t", count: 2, in: place)
            #expect(try await adapter.commit(house.batch(full), to: place, fence: FencingToken(1)) == [full.id: 2])
            let again = try await house.numbers("shop__t", count: 0, in: place)
            #expect(try await adapter.commit(house.batch(again), to: place, fence: FencingToken(1)) == [again.id: 0])
            #expect(
                try await house.read("SELECT count(*), count(id) FROM lake.RAW.shop__t", in: place) == [["0", "0"]])
            try await adapter.destroy(place)
        },
        WarehouseRule("every carried type comes back as it went in, with its extremes and nulls") { house in
            let place = try await house.provision()
            let load = try await house.load(
                "shop__types", [CarriedValues.select], columns: CarriedValues.columns, in: place)
            _ = try await house.makeAdapter().commit(house.batch(load), to: place, fence: FencingToken(1))
            let names = CarriedValues.columns.map(\.name).joined(separator: ", ")
            let typed = CarriedValues.columns.map { "\($0.name)::\($0.type.duckDB)" }.joined(separator: ", ")
            let sent = try await TestDuck.rows(
                "SELECT \(typed) FROM (\(CarriedValues.select)) AS t (\(names)) ORDER BY 1 NULLS LAST")
            let found = try await house.read("SELECT * FROM lake.RAW.shop__types ORDER BY 1 NULLS LAST", in: place)
            #expect(found == sent)
            let types = try await house.read("DESCRIBE lake.RAW.shop__types", in: place).map { $0[1] }
            #expect(types == CarriedValues.columns.map(\.type.duckDB))
            // Filters by every value that went in.
            for column in CarriedValues.columns {
                let same = try await house.read(
                    """
                    SELECT count(*) FROM lake.RAW.shop__types t WHERE \(column.name) IS NOT NULL AND NOT EXISTS
                      (SELECT 1 FROM lake.RAW.shop__types s WHERE s.\(column.name) = t.\(column.name))
                    """, in: place)
                #expect(same == [["0"]], "\(column.name)")
            }
            try await house.makeAdapter().destroy(place)
        },
    ]
}

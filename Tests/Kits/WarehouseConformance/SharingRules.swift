import Kernel
import TestHouse
import Testing
import Warehousing

extension WarehouseRule {
    static let sharing = [
        WarehouseRule("two commits at once both come through") { house in
            let place = try await house.provision()
            let batches = [
                house.batch(try await house.numbers("shop__a", count: 10, in: place)),
                house.batch(try await house.numbers("shop__b", count: 20, in: place)),
                house.batch(try await house.numbers("shop__a", count: 10, in: place)),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for batch in batches {
                    group.addTask { _ = try await house.makeAdapter().commit(batch, to: place, fence: FencingToken(5)) }
                }
                try await group.waitForAll()
            }
            #expect(
                try await house.read("SELECT count(*), count(DISTINCT id) FROM lake.RAW.shop__a", in: place) == [
                    ["10", "10"]
                ])
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__b", in: place) == [["20"]])
            #expect(try await house.read("SELECT count(*) FROM lake.RAW._weir_loads", in: place) == [["3"]])
            try await house.makeAdapter().checkCatalogue(of: place)
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("a transformer that writes while loads are committed loses nothing, nor do the loads") { house in
            let place = try await house.provision()
            try await house.write(["CREATE TABLE lake.MARTS.events (n INTEGER)"], in: place)
            let rounds = 6
            async let written: Void = house.write(
                (0..<rounds).flatMap { round in
                    [
                        "INSERT INTO lake.MARTS.events VALUES (\(round))",
                        "CREATE OR REPLACE VIEW lake.MARTS.last_round AS SELECT \(round) AS round",
                        "CREATE OR REPLACE TABLE lake.STAGING.stg_round AS SELECT \(round) AS round",
                    ]
                }, in: place)
            for round in 0..<rounds {
                let load = try await house.numbers("shop__t\(round % 2)", count: round + 1, in: place)
                _ = try await house.makeAdapter().commit(house.batch(load), to: place, fence: FencingToken(1))
            }
            try await written
            #expect(try await house.read("SELECT count(*), sum(n) FROM lake.MARTS.events", in: place) == [["6", "15"]])
            #expect(try await house.read("SELECT round FROM lake.MARTS.last_round", in: place) == [["5"]])
            #expect(try await house.read("SELECT round FROM lake.STAGING.stg_round", in: place) == [["5"]])
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__t0", in: place) == [["5"]])
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__t1", in: place) == [["6"]])
            #expect(try await house.read("SELECT count(*) FROM lake.RAW._weir_loads", in: place) == [["6"]])
            try await house.makeAdapter().checkCatalogue(of: place)
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("models are built from RAW and built again, before and after loads") { house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            let model = [
                "CREATE OR REPLACE VIEW lake.STAGING.stg_t AS SELECT id, upper(word) AS word FROM lake.RAW.shop__t",
                "CREATE OR REPLACE TABLE lake.MARTS.fct_t AS SELECT * FROM lake.STAGING.stg_t",
            ]
            for count in [5, 8] {
                let load = try await house.numbers("shop__t", count: count, in: place)
                _ = try await adapter.commit(house.batch(load), to: place, fence: FencingToken(1))
                try await house.write(model, in: place)
                let found = try await house.read("SELECT count(*), max(word) FROM lake.MARTS.fct_t", in: place)
                #expect(found == [["\(count)", "ROW \(count - 1)"]])
            }
            // A model's table stands when RAW is loaded anew with fewer rows.
            let load = try await house.numbers("shop__t", count: 1, in: place)
            _ = try await adapter.commit(house.batch(load), to: place, fence: FencingToken(1))
            #expect(try await house.read("SELECT count(*) FROM lake.MARTS.fct_t", in: place) == [["8"]])
            #expect(try await house.read("SELECT count(*) FROM lake.STAGING.stg_t", in: place) == [["1"]])
            try await adapter.checkCatalogue(of: place)
            try await adapter.destroy(place)
        },
        WarehouseRule("a person cannot write through what readers are given") { house in
            let place = try await house.provision()
            await #expect(throws: (any Error).self) {
                _ = try await house.read("CREATE TABLE lake.MARTS.mine AS SELECT 1 AS one", in: place)
            }
            try await house.makeAdapter().destroy(place)
        },
    ]
}

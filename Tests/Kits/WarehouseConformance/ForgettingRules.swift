import Connecting
import Kernel
import TestHouse
import Testing
import Warehousing

extension WarehouseRule {
    static let forgetting = [
        WarehouseRule("what was superseded before the days that are kept goes; what stood then, and since, stays") {
            house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            func load(_ first: Int, _ count: Int) async throws {
                var load = try await house.numbers("shop__t", from: first, count: count, in: place)
                load.position.takenAt = "2026-11-21T07:30:0\(first / 100)Z"
                _ = try await adapter.commit(house.batch(load), to: place, fence: FencingToken(1))
            }
            let build = ["CREATE OR REPLACE TABLE lake.MARTS.sums AS SELECT count(*) AS n FROM lake.RAW.shop__t"]
            try await load(0, 10)
            try await house.write(build, in: place)
            let first = try await house.newestSnapshot(of: place)
            try await load(100, 4)
            try await house.write(build, in: place)
            let second = try await house.newestSnapshot(of: place)
            try await house.age(place, days: 10)
            try await load(200, 7)
            let all = try await house.files(of: place)
            let version = try await adapter.version(of: place)
            // A day must pass before files go.
            #expect(try await adapter.forget(keepDays: 7, of: place) == 0)
            #expect(try await house.files(of: place) == all)
            #expect(try await adapter.version(of: place) == version)
            await #expect(throws: (any Error).self) {
                _ = try await house.read(table: "shop__t", at: first, in: place)
            }
            #expect(try await house.read(table: "shop__t", at: second, in: place).count == 4)
            try await house.age(place, days: 2)
            // The file of the first load, and that of the first mart.
            #expect(try await adapter.forget(keepDays: 7, of: place) == 2)
            let left = try await house.files(of: place)
            #expect(left.isSubset(of: all))
            #expect(left.count == all.count - 2)
            #expect(try await house.read(table: "shop__t", at: second, in: place).count == 4)
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__t", in: place) == [["7"]])
            #expect(try await adapter.forget(keepDays: 7, of: place) == 0)
            #expect(try await house.files(of: place) == left)
            try await load(300, 3)
            try await house.write(build, in: place)
            #expect(try await house.read("SELECT n FROM lake.MARTS.sums", in: place) == [["3"]])
            #expect(try await house.read("SELECT count(*) FROM lake.RAW._weir_loads", in: place) == [["4"]])
            try await adapter.checkCatalogue(of: place)
            try await adapter.destroy(place)
        },
        WarehouseRule("what stands is never forgotten, however old it is") { house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            let load = try await house.numbers("shop__t", count: 5, in: place)
            _ = try await adapter.commit(house.batch(load), to: place, fence: FencingToken(1))
            let all = try await house.files(of: place)
            let newest = try await house.newestSnapshot(of: place)
            for _ in 0..<2 {
                try await house.age(place, days: 1000)
                #expect(try await house.makeAdapter().forget(keepDays: 1, of: place) == 0)
            }
            #expect(try await house.files(of: place) == all)
            #expect(try await house.newestSnapshot(of: place) == newest)
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__t", in: place) == [["5"]])
            try await adapter.destroy(place)
        },
        WarehouseRule("where there is no warehouse nothing is forgotten, and nothing is made") { house in
            let adapter = house.makeAdapter()
            let never = WarehousePlace(
                organization: TimeSource.system.makeID(), slug: TestServer.uniqueName("t"), environment: "dev")
            #expect(try await adapter.forget(keepDays: 1, of: never) == 0)
            #expect(try await house.remains(of: never) == [])
            let place = try await house.provision()
            try await adapter.destroy(place)
            #expect(try await adapter.forget(keepDays: 1, of: place) == 0)
            #expect(try await house.remains(of: place) == [])
        },
    ]
}

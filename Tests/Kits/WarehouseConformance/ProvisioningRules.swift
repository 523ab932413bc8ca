import Kernel
import TestHouse
import Testing
import Warehousing

extension WarehouseRule {
    static let provisioning = [
        WarehouseRule("the plan is empty once the warehouse stands, and a step done again changes nothing") { house in
            let adapter = house.makeAdapter()
            let place = WarehousePlace(
                organization: TimeSource.system.makeID(), slug: TestServer.uniqueName("t"), environment: "dev")
            try adapter.validate(place)
            let steps = try await adapter.plan(place)
            #expect(!steps.isEmpty)
            #expect(try await !adapter.status(of: place).exists)
            for step in steps { try await adapter.perform(step, for: place) }
            #expect(try await adapter.plan(place).isEmpty)
            #expect(try await adapter.status(of: place).exists)
            let load = try await house.numbers("shop__t", count: 3, in: place)
            _ = try await adapter.commit(house.batch(load), to: place, fence: FencingToken(1))
            for step in steps { try await adapter.perform(step, for: place) }
            #expect(try await house.read("SELECT count(*) FROM lake.RAW.shop__t", in: place) == [["3"]])
            try await adapter.destroy(place)
        },
        WarehouseRule("a crash between any two steps leaves the rest to be done") { house in
            let place = WarehousePlace(
                organization: TimeSource.system.makeID(), slug: TestServer.uniqueName("t"), environment: "prod")
            let steps = try await house.makeAdapter().plan(place)
            for done in 1...steps.count {
                // A new process each time: it plans anew, does one step and dies.
                let adapter = house.makeAdapter()
                let next = try #require(try await adapter.plan(place).first)
                #expect(next.id == steps[done - 1].id)
                try await adapter.perform(next, for: place)
                #expect(try await house.makeAdapter().plan(place).map(\.id) == steps.dropFirst(done).map(\.id))
            }
            #expect(
                try await house.read(
                    """
                    SELECT count(*) FROM duckdb_schemas() WHERE database_name = 'lake'
                      AND schema_name IN ('RAW', 'STAGING', 'INTERMEDIATE', 'MARTS')
                    """,
                    in: place) == [["4"]])
            try await house.makeAdapter().destroy(place)
        },
        WarehouseRule("destroying leaves nothing behind, and a new one can be made in its place") { house in
            let place = try await house.provision()
            let adapter = house.makeAdapter()
            let load = try await house.numbers("shop__t", count: 3, in: place)
            _ = try await adapter.commit(house.batch(load), to: place, fence: FencingToken(1))
            #expect(try await !house.remains(of: place).isEmpty)
            try await adapter.destroy(place)
            #expect(try await house.remains(of: place) == [])
            try await adapter.destroy(place)
            try await house.finish(place)
            #expect(try await adapter.plan(place).isEmpty)
            try await adapter.destroy(place)
            #expect(try await house.remains(of: place) == [])
        },
        WarehouseRule("names that cannot be a warehouse's are refused before anything is made") { house in
            let adapter = house.makeAdapter()
            for (slug, environment) in [("a-b", "dev"), ("", "dev"), ("a\"b", "dev"), ("../x", "dev"), ("a", "test")] {
                let place = WarehousePlace(
                    organization: TimeSource.system.makeID(), slug: slug, environment: environment)
                let problem = #expect(throws: Problem.self) { try adapter.validate(place) }
                #expect(problem?.code == .invalidInput)
            }
        },
    ]
}

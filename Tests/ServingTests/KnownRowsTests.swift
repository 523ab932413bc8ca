import Foundation
import Kernel
import Serving
import Synchronization
import Testing
import Warehousing

@Suite("Rows that are known", .timeLimit(.minutes(10)))
struct KnownRowsTests {
    private let place = WarehousePlace(
        organization: OrganizationID(UUID()), slug: "acme", environment: "dev")

    /// A warehouse that counts what it is asked, and a clock that tests move.
    private final class House: Sendable {
        private struct State {
            var asked = 0
            var version = "1"
            var isAway = false
            var now = ContinuousClock.now
        }

        private let state = Mutex(State())

        var asked: Int { state.withLock { $0.asked } }
        var now: ContinuousClock.Instant { state.withLock { $0.now } }
        var version: String { state.withLock { $0.version } }

        func ask() throws -> [String] {
            try state.withLock { state in
                state.asked += 1
                if state.isAway { throw Problem(.engineUnavailable, "Away.") }
                return ["of \(state.version), asked \(state.asked)"]
            }
        }

        func change(to version: String) { state.withLock { $0.version = version } }
        func wait(_ time: Duration) { state.withLock { $0.now += time } }
        func takeAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
    }

    private func known(_ house: House) -> KnownRows<[String]> {
        KnownRows(now: { house.now }, measure: { $0.count })
    }

    private func rows(
        _ known: KnownRows<[String]>, _ house: House, _ sql: String = "SELECT 1"
    ) async throws -> String? {
        try await known.rows(sql, limit: 10, in: place, at: house.version) { try house.ask() }.first
    }

    @Test("a statement is asked once for each version of the warehouse")
    func once() async throws {
        let house = House()
        let known = known(house)
        #expect(try await rows(known, house) == "of 1, asked 1")
        #expect(try await rows(known, house) == "of 1, asked 1")
        #expect(try await rows(known, house, "SELECT 2") == "of 1, asked 2")
        house.change(to: "2")
        #expect(try await rows(known, house) == "of 2, asked 3")
    }

    @Test("those who ask at once wait for one query, and are all told when it fails")
    func together() async throws {
        let house = House()
        let known = known(house)
        let (mayAnswer, answer) = AsyncStream<Void>.makeStream()
        let place = place
        let tasks = (0..<20).map { _ in
            Task {
                try await known.rows("SELECT 1", limit: 10, in: place, at: "1") {
                    for await _ in mayAnswer {}
                    return try house.ask()
                }.first
            }
        }
        answer.finish()
        for task in tasks { #expect(try await task.value?.hasPrefix("of 1") == true) }
        // Whoever came after its end was told from memory.
        #expect(house.asked == 1)
        house.takeAway(true)
        await #expect(throws: Problem.self) { try await rows(known, house, "SELECT 2") }
        house.takeAway(false)
        #expect(try await rows(known, house, "SELECT 2") == "of 1, asked 3")
    }

    @Test("after a minute it is asked again, while the old rows are told; after two they are over")
    func time() async throws {
        let house = House()
        let known = known(house)
        _ = try await rows(known, house)
        house.wait(.seconds(59))
        #expect(try await rows(known, house) == "of 1, asked 1")
        house.wait(.seconds(2))
        house.takeAway(true)
        #expect(try await rows(known, house) == "of 1, asked 1")
        house.wait(.seconds(60))
        house.takeAway(false)
        #expect(try await rows(known, house)?.hasPrefix("of 1, asked 1") == false)
    }

    @Test("what was asked for lately is asked ahead of time when a warehouse that has changed rests, nothing else is")
    func ahead() async throws {
        let house = House()
        let known = known(house)
        _ = try await rows(known, house, "SELECT 1")
        house.wait(.seconds(299))
        _ = try await rows(known, house, "SELECT 2")
        let version: (WarehousePlace) async throws -> String? = { _ in house.version }
        await known.renewChanged(version)
        await known.renewChanged(version)
        #expect(house.asked == 2)
        // It changes from one look to the next, and then it does not.
        for next in ["2", "3"] {
            house.change(to: next)
            await known.renewChanged(version)
            #expect(house.asked == 2)
        }
        house.wait(.seconds(2))
        await known.renewChanged(version)
        #expect(house.asked == 3)
        await known.renewChanged(version)
        #expect(house.asked == 3)
        #expect(try await rows(known, house, "SELECT 2") == "of 3, asked 3")
        // Nobody has asked for this one in five minutes.
        #expect(try await rows(known, house, "SELECT 1") == "of 3, asked 4")
    }

    @Test("rows that have become too many are not asked for again by themselves")
    func tooMany() async throws {
        let house = House()
        let known = KnownRows<[String]>(now: { house.now }, measure: { _ in house.version == "1" ? 1 : 200_000 })
        let version: (WarehousePlace) async throws -> String? = { _ in house.version }
        _ = try await rows(known, house)
        house.change(to: "2")
        for _ in 0..<4 { await known.renewChanged(version) }
        #expect(house.asked == 2)
        #expect(try await rows(known, house) == "of 2, asked 3")
    }

    @Test("what cannot be asked ahead of time is tried once for each version, and whoever asks is told")
    func inVain() async throws {
        let house = House()
        let known = known(house)
        let version: (WarehousePlace) async throws -> String? = { _ in house.version }
        _ = try await rows(known, house)
        house.change(to: "2")
        house.takeAway(true)
        for _ in 0..<4 { await known.renewChanged(version) }
        #expect(house.asked == 2)
        await #expect(throws: Problem.self) { try await rows(known, house) }
        house.takeAway(false)
        #expect(try await rows(known, house) == "of 2, asked 4")
        // A warehouse that is gone, or whose catalogue does not answer, is left.
        house.change(to: "3")
        for _ in 0..<2 { await known.renewChanged { _ in nil } }
        for _ in 0..<2 { await known.renewChanged { _ in throw Problem(.metadataUnavailable, "Away.") } }
        #expect(house.asked == 4)
    }
}

import Foundation
import Jobs
import Kernel
import Testing

@Suite("Plans of schedules")
struct SchedulePlanTests {
    private static let anchor = Date(timeIntervalSince1970: 1_790_000_000.75)
    private let hourly: ScheduleClock
    private let birth = Date(timeIntervalSince1970: 1_790_000_000)

    init() throws { hourly = try ScheduleClock(.every(hours: 1), anchor: Self.anchor) }

    private func decide(
        _ clock: ScheduleClock? = nil, next: Double, _ catchUp: CatchUp = .latest, busy: Bool = false, now: Double
    ) -> SchedulePlan.Decision {
        SchedulePlan.decide(
            clock: clock ?? hourly, nextAt: birth + next * 3600, catchUp: catchUp, isBusy: busy, now: birth + now * 3600
        )
    }

    private func expect(
        _ decision: SchedulePlan.Decision, fires: Double?, skipped: Int = 0, next: Double?,
        waits: SchedulePlan.Wait? = nil, _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(decision.firing == fires.map { birth + $0 * 3600 }, sourceLocation: place)
        #expect(decision.skipped == skipped, sourceLocation: place)
        #expect(decision.nextAt == next.map { birth + $0 * 3600 }, sourceLocation: place)
        #expect(decision.waits == waits, sourceLocation: place)
    }

    @Test("what is not due waits for its time, with every policy", arguments: CatchUp.allCases)
    func notDue(catchUp: CatchUp) {
        expect(decide(next: 1, catchUp, now: 0.999), fires: nil, next: 1, waits: .time)
        expect(decide(next: 1, catchUp, busy: true, now: 0.5), fires: nil, next: 1, waits: .time)
    }

    @Test("what is due fires once, and the next is one interval on", arguments: CatchUp.allCases)
    func due(catchUp: CatchUp) {
        expect(decide(next: 1, catchUp, now: 1), fires: 1, next: 2)
        expect(decide(next: 1, catchUp, now: 1.2), fires: 1, next: 2)
    }

    @Test("while the run before goes on nothing is decided", arguments: CatchUp.allCases)
    func busy(catchUp: CatchUp) {
        expect(decide(next: 1, catchUp, busy: true, now: 1), fires: nil, next: 1, waits: .run)
        expect(decide(next: 1, catchUp, busy: true, now: 9.5), fires: nil, next: 1, waits: .run)
    }

    @Test("'latest' makes one run of all that was missed, named by the latest")
    func latest() {
        expect(decide(next: 1, .latest, now: 5.5), fires: 5, skipped: 4, next: 6)
        expect(decide(next: 1, .latest, now: 8760), fires: 8760, skipped: 8759, next: 8761)
    }

    @Test("'all' makes one run for each, the oldest first")
    func all() {
        expect(decide(next: 1, .all, now: 5.5), fires: 1, next: 2)
        expect(decide(next: 5, .all, now: 5.5), fires: 5, next: 6)
        expect(decide(next: 1, .all, now: 100), fires: 1, next: 2)
        expect(decide(next: 1, .all, now: 101), fires: 2, skipped: 1, next: 3)
    }

    @Test("'none' leaves out what is more than a quarter of an hour late")
    func leftOut() throws {
        expect(decide(next: 1, .none, now: 1.25), fires: 1, next: 2)
        expect(decide(next: 1, .none, now: 1.26), fires: nil, skipped: 1, next: 2, waits: .time)
        expect(decide(next: 1, .none, now: 5.5), fires: nil, skipped: 5, next: 6, waits: .time)
        expect(decide(next: 1, .none, now: 5.1), fires: 5, skipped: 4, next: 6)
        // Several within the grace: the latest alone.
        let often = try ScheduleClock(.every(minutes: 5), anchor: Self.anchor)
        expect(decide(often, next: 1, .none, now: 1.2), fires: 1 + 10.0 / 60, skipped: 2, next: 1.25)
    }

    @Test("a clock that jumps a year ahead starts one run with 'latest', at most a hundred with 'all'")
    func ahead() {
        var (next, runs, skipped): (Date?, [Date], Int) = (birth + 3600, [], 0)
        let now = birth + 8760 * 3600
        while let at = next {
            let decision = SchedulePlan.decide(clock: hourly, nextAt: at, catchUp: .all, isBusy: false, now: now)
            skipped += decision.skipped
            next = decision.nextAt
            guard let firing = decision.firing else { break }
            runs.append(firing)
        }
        #expect(runs.count == 100 && skipped == 8660)
        #expect(runs == runs.sorted() && Set(runs).count == 100)
        #expect(runs.last == now && next == now + 3600)
    }

    @Test("a clock that jumps back fires nothing again")
    func back() {
        let first = decide(next: 10, now: 10)
        expect(first, fires: 10, next: 11)
        for now in stride(from: 9.9, through: -5000, by: -77) {
            expect(decide(next: 11, now: now), fires: nil, next: 11, waits: .time)
        }
    }

    @Test("the grid of an interval never drifts, whatever late it is looked at, and also lies before its anchor")
    func grid() throws {
        let clock = try ScheduleClock(.every(minutes: 7), anchor: Self.anchor)
        var (next, dice): (Date, Dice) = (birth + 420, Dice(seed: 1))
        for _ in 0..<2000 {
            let now = next.addingTimeInterval(Double.random(in: 0...2000, using: &dice))
            let decision = SchedulePlan.decide(clock: clock, nextAt: next, catchUp: .latest, isBusy: false, now: now)
            let firing = try #require(decision.firing)
            #expect(firing.timeIntervalSince(birth).truncatingRemainder(dividingBy: 420) == 0)
            #expect(firing >= next && firing <= now && now.timeIntervalSince(firing) < 420)
            next = try #require(decision.nextAt)
        }
        #expect(hourly.next(after: birth - 7300) == birth - 7200)
        #expect(hourly.previous(before: birth) == birth - 3600)
        #expect(hourly.previous(before: birth + 0.5) == birth)
        #expect(hourly.next(after: birth - 0.5) == birth)
        #expect(hourly.next(after: birth) == birth + 3600)
    }

    @Test("a stored instant that is none of the trigger's fires nothing that lies before it")
    func changed() {
        expect(decide(next: 1.5, now: 1.75), fires: nil, next: 2, waits: .time)
        expect(decide(next: 1.5, now: 3.5), fires: 3, skipped: 1, next: 4)
        expect(decide(next: 1.5, .all, now: 3.5), fires: 2, next: 3)
    }

    @Test("markers and other sources do not go by the clock")
    func events() throws {
        for trigger in [ScheduleTrigger.file(location: "/in"), .after(source: "shop")] {
            let clock = try ScheduleClock(trigger, anchor: birth)
            expect(decide(clock, next: 0, now: 5), fires: nil, next: nil, waits: .event)
            #expect(clock.upcoming(5, after: birth).isEmpty)
            #expect(throws: Problem.self) { try clock.instants(from: birth, through: birth + 1, limit: 9) }
        }
    }

    @Test("random clocks, pauses and policies: never an instant twice, never one back", arguments: 0..<40)
    func walks(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        let triggers: [ScheduleTrigger] = [
            .every(minutes: 5), .every(hours: 6), .cron(expression: "*/10 * * * *", timeZone: "Europe/Berlin"),
            .cron(expression: "30 2 * * *", timeZone: "Europe/Berlin"),
            .cron(expression: "0 9 * * 1-5", timeZone: "Pacific/Apia"),
        ]
        let clock = try ScheduleClock(try #require(triggers.randomElement(using: &dice)), anchor: birth)
        var now = birth
        var next = try #require(clock.next(after: birth))
        let first = next
        var (fired, skipped): ([Date], Int) = ([], 0)
        for _ in 0..<400 {
            let jump = dice.one(in: 10) ? Double.random(in: -100_000...400_000, using: &dice) : 0
            now = now.addingTimeInterval(Double.random(in: 0...40_000, using: &dice) + jump)
            let catchUp = try #require(CatchUp.allCases.randomElement(using: &dice))
            let decision = SchedulePlan.decide(
                clock: clock, nextAt: next, catchUp: catchUp, isBusy: dice.one(in: 3), now: now)
            let following = try #require(decision.nextAt)
            #expect(following >= next)
            #expect((decision.firing == nil) == (decision.waits != nil))
            if let firing = decision.firing {
                #expect(firing >= next && firing <= now && firing < following)
                fired.append(firing)
            }
            skipped += decision.skipped
            next = following
        }
        #expect(fired.count > 20 && fired == fired.sorted() && Set(fired).count == fired.count)
        // Each instant has fired or was skipped: none is lost, none counted twice.
        #expect(clock.count(from: first, through: next.addingTimeInterval(-1)) == fired.count + skipped)
    }

    @Test("a backfill has the instants of its range, both ends included")
    func backfill() throws {
        let daily = try ScheduleClock(.cron(expression: "30 2 * * *", timeZone: "Europe/Berlin"), anchor: birth)
        let days = try daily.instants(
            from: utc("2026-03-28T01:30:00Z"), through: utc("2026-03-30T00:30:00Z"), limit: 3)
        #expect(
            days == [try utc("2026-03-28T01:30:00Z"), try utc("2026-03-29T01:00:00Z"), try utc("2026-03-30T00:30:00Z")])
        #expect(
            try hourly.instants(from: birth, through: birth + 7200, limit: 10) == [birth, birth + 3600, birth + 7200])
        #expect(try hourly.instants(from: birth + 0.5, through: birth + 7199.5, limit: 10) == [birth + 3600])
        #expect(try hourly.instants(from: birth + 1, through: birth + 2, limit: 10).isEmpty)
        let long = try #require(throws: Problem.self) {
            try hourly.instants(from: birth, through: birth + 8760 * 3600, limit: 100)
        }
        #expect(long.code == .invalidInput && long.detail.contains("8761"))
        let wrong = try #require(throws: Problem.self) {
            try hourly.instants(from: birth, through: birth - 1, limit: 9)
        }
        #expect(wrong.code == .invalidInput)
    }

    @Test("the next five times are shown in order")
    func upcoming() throws {
        let clock = try ScheduleClock(.cron(expression: "0 6 * * MON-FRI", timeZone: "Europe/Berlin"), anchor: birth)
        let berlin = try zone("Europe/Berlin")
        #expect(
            clock.upcoming(5, after: try utc("2026-10-22T12:00:00Z")).map { $0.wall(berlin) } == [
                "2026-10-23 06:00 +02:00", "2026-10-26 06:00 +01:00", "2026-10-27 06:00 +01:00",
                "2026-10-28 06:00 +01:00", "2026-10-29 06:00 +01:00",
            ])
        #expect(clock.upcoming(0, after: birth).isEmpty)
    }
}

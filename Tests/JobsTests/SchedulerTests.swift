import Foundation
import Jobs
import Kernel
import Postgres
import Synchronization
import TestHouse
import Testing

@Suite("The scheduler", .timeLimit(.minutes(10)))
struct SchedulerTests {
    private static let moment = Date(timeIntervalSince1970: 1_800_000_000)
    private static let mark = ScheduleMark(key: "day=1/_SUCCESS", writtenAt: moment)

    /// Deals with all that is due. Looks at locations go on as long as the scheduler is there.
    private func tick(_ scheduler: Scheduler) async throws { while try await scheduler.tick() > 0 {} }

    @Test("what one schedule cannot do is told of it, and keeps no schedule and no window after it waiting")
    func failing() async throws {
        try await JobHouse.use { house in
            for name in ["bad", "good"] { try await house.put(name, .every(minutes: 60)) }
            try await house.makeDue("bad", minutes: 2)
            try await house.makeDue("good", minutes: 1)
            try await house.putWindow()
            try await tick(house.scheduler(failing: "bad"))
            #expect(try await house.runs(of: "good") == 1)
            #expect(try await house.schedule("good").problem == nil)
            #expect(try await house.isWindowOpen())
            #expect(try await house.runs(of: "bad") == 0)
            #expect(try await house.schedule("bad").problem?.code == "internal")
        }
    }

    @Test("markers that the database cannot hold are told of their schedules, and others fire")
    func unfitMarkers() async throws {
        try await JobHouse.use { house in
            let noise = (0..<5000).map { _ in UInt8.random(in: 0x21...0x7E) }
            let keys = [
                "long": String(decoding: noise, as: UTF8.self), "nul": "a\0b/_SUCCESS", "plain": Self.mark.key,
            ]
            for name in keys.keys.sorted() { try await house.put(name, .file(location: "raw/\(name)")) }
            let scheduler = house.scheduler { schedule in
                [ScheduleMark(key: keys[schedule.name] ?? "", writtenAt: Self.moment)]
            }
            try await tick(scheduler)
            try await house.firing(of: "plain")
            try await house.metadata.database.wait(
                until: "(SELECT count(*) FROM weir.schedules WHERE problem IS NOT NULL) = 2")
            #expect(try await house.schedule("plain").problem == nil)
            // It waits for a minute now, as after any failure.
            try await tick(scheduler)
            #expect(try await house.schedule("long").problem?.code == "internal")
            #expect(try await house.schedule("nul").problem?.code == "internal")
        }
    }

    @Test("locations that never answer keep no other schedule, no window and no other organization waiting")
    func slow() async throws {
        try await JobHouse.use { house in
            let other = try await house.metadata.addOrganization("other")
            for number in 1...6 { try await house.put("slow_\(number)", .file(location: "raw/slow")) }
            try await house.put("landed", .file(location: "raw/landed"), of: other)
            try await house.put("often", .every(minutes: 60))
            try await house.makeDue("often", minutes: 1)
            try await house.putWindow()
            let scheduler = house.scheduler { schedule in
                if schedule.organization == other { return [Self.mark] }
                await cancellation()
                throw CancellationError()
            }
            try await tick(scheduler)
            #expect(try await house.runs(of: "often") == 1)
            #expect(try await house.isWindowOpen())
            try await house.firing(of: "landed")
            try await tick(scheduler)
        }
    }

    @Test("a look that takes too long ends, and the schedule says what to do")
    func timedOut() async throws {
        try await JobHouse.use { house in
            try await house.put("slow", .file(location: "raw/slow"))
            let scheduler = house.scheduler(patience: .milliseconds(50)) { _ in
                await cancellation()
                throw CancellationError()
            }
            try await tick(scheduler)
            try await house.metadata.database.wait(
                until: "EXISTS (SELECT FROM weir.schedules WHERE problem IS NOT NULL)")
            let problem = try await house.schedule("slow").problem
            #expect(problem?.code == "timed_out")
            #expect(problem?.hint?.contains("narrower prefix") == true)
            try await tick(scheduler)
        }
    }

    @Test("a location is looked at by one server at a time, and never twice at once")
    func once() async throws {
        try await JobHouse.use { house in
            try await house.put("landed", .file(location: "raw/landed"))
            let looks = Looks()
            let (isBegun, mayEnd) = (Signal(), Signal())
            let scheduler = house.scheduler { _ in
                looks.begin()
                defer { looks.end() }
                await isBegun.open()
                await mayEnd.wait()
                return [Self.mark]
            }
            let another = house.scheduler { _ in
                Issue.record("another server looks at the same time")
                return []
            }
            #expect(try await scheduler.tick() == 1)
            #expect(try await another.tick() == 0)
            await isBegun.wait()
            // As if the look had taken longer than its claim was good for.
            try await house.makeDue("landed", minutes: 1)
            #expect(try await scheduler.tick() == 1)
            await mayEnd.open()
            try await house.firing(of: "landed")
            // What the first look found was not of use any more.
            #expect(looks.counts == [2, 1])
            try await tick(scheduler)
            #expect(try await house.runs(of: "landed") == 1)
        }
    }

    @Test("looks end with their scheduler")
    func ends() async throws {
        try await JobHouse.use { house in
            try await house.put("slow", .file(location: "raw/slow"))
            let (isBegun, isCancelled) = (Signal(), Signal())
            var scheduler: Scheduler? = house.scheduler { _ in
                await isBegun.open()
                await cancellation()
                await isCancelled.open()
                throw CancellationError()
            }
            try await scheduler?.tick()
            await isBegun.wait()
            scheduler = nil
            await isCancelled.wait()
        }
    }

    private static func firing(_ day: Int) -> Firing {
        let instant = Date(timeIntervalSince1970: Double(day) * 86_400)
        return Firing(instant: instant, key: instant.rfc3339, cause: "backfill of schedule days", priority: -10)
    }

    @Test("of two backfills that overlap one waits for the other, and neither fails")
    func backfills() async throws {
        try await JobHouse.use { house in
            try await house.put("days", .every(hours: 24))
            let schedule = try await house.schedule("days")
            let scheduler = house.scheduler()
            let (pool, organization) = (house.metadata.application, house.organization)
            let database = house.metadata.database
            let other = try await pool.transaction(organization: organization) { connection in
                let first = try await scheduler.fire(schedule, Self.firing(1), on: connection)
                #expect(first.isNew)
                let other = Task {
                    try await pool.transaction(organization: organization) { connection in
                        try await scheduler.fire(schedule, Self.firing(2), on: connection).isNew
                    }
                }
                try await database.wait(
                    until: """
                        EXISTS (SELECT FROM pg_stat_activity
                          WHERE datname = current_database() AND wait_event_type = 'Lock')
                        """)
                let second = try await scheduler.fire(schedule, Self.firing(2), on: connection)
                #expect(second.isNew)
                return other
            }
            #expect(try await other.value == false)
            #expect(try await house.runs(of: "days") == 2)
        }
    }
}

/// Counts looks at a location.
private final class Looks: Sendable {
    private struct State {
        var begun = 0
        var now = 0
        var most = 0
    }

    private let state = Mutex(State())

    func begin() {
        state.withLock { state in
            state.begun += 1
            state.now += 1
            state.most = max(state.most, state.now)
        }
    }

    func end() { state.withLock { $0.now -= 1 } }

    /// How many there were, and how many at once.
    var counts: [Int] { state.withLock { [$0.begun, $0.most] } }
}

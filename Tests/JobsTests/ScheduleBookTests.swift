import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("A schedule that is changed", .timeLimit(.minutes(10)))
struct ScheduleBookTests {
    @Test("keeps what was missed when only tables or the catch-up policy change")
    func missed() async throws {
        try await JobHouse.use { house in
            try await house.put("often", .every(minutes: 60))
            try await house.makeDue("often", minutes: 90)
            let before = try await house.schedule("often")
            try await house.put("often", .every(minutes: 60), tables: ["notes"], catchUp: .all)
            let after = try await house.schedule("often")
            #expect(after.plan.tables == ["notes"] && after.plan.catchUp == .all)
            #expect(after.nextAt == before.nextAt && after.anchor == before.anchor)
            try await house.scheduler().tick()
            #expect(try await house.runs(of: "often") == 1)
            // The second of the two that were missed.
            #expect(try await house.schedule("often").nextAt == before.nextAt?.addingTimeInterval(3600))
        }
    }

    @Test("keeps the run that it is to follow")
    func woken() async throws {
        try await JobHouse.use { house in
            try await house.put("follows", .after(source: "other"))
            try await house.metadata.database.script(
                "UPDATE weir.schedules SET woken_by = gen_random_uuid(), look_at = now()")
            let before = try await house.schedule("follows")
            try await house.put("follows", .after(source: "other"), tables: ["notes"])
            #expect(try await house.schedule("follows").wokenBy == before.wokenBy)
            try await house.scheduler().tick()
            #expect(try await house.runs(of: "follows") == 1)
        }
    }

    @Test("keeps markers that have had no run")
    func marked() async throws {
        try await JobHouse.use { house in
            let mark = ScheduleMark(key: "day=1/_SUCCESS", writtenAt: Date(timeIntervalSince1970: 1_800_000_000))
            try await house.put("landed", .file(location: "raw/landed"))
            try await house.put("landed", .file(location: "raw/landed"), tables: ["notes"], marks: [mark])
            let scheduler = house.scheduler { _ in [mark] }
            try await scheduler.tick()
            try await house.firing(of: "landed")
            try await scheduler.tick()
            #expect(try await house.runs(of: "landed") == 1)
        }
    }

    @Test("begins anew with another trigger, by the database's clock")
    func anew() async throws {
        try await JobHouse.use { house in
            let wrong = TimeSource(now: { Date(timeIntervalSince1970: 0) }, makeUUID: { UUID() })
            let begun: SQL = """
                SELECT count(*) FROM weir.schedules WHERE woken_by IS NULL AND next_at > now()
                  AND anchor BETWEEN now() - interval '1 minute' AND now()
                """
            try await house.put("often", .every(minutes: 60), time: wrong)
            #expect(try await house.metadata.database.number(begun) == 1)
            try await house.makeDue("often", minutes: 90)
            try await house.put("often", .every(minutes: 120), time: wrong)
            #expect(try await house.metadata.database.number(begun) == 1)
            try await house.scheduler().tick()
            #expect(try await house.runs(of: "often") == 0)
        }
    }
}

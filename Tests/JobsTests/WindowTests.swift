import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

/// A person's pause and a maintenance window hold the same key.
@Suite("Maintenance windows and pauses", .timeLimit(.minutes(10)))
struct WindowTests {
    private let key = "warehouse/x"

    private func enqueue(_ house: JobHouse) async throws {
        try await house.enqueue([JobSpec(kind: "a", payload: try JSONValue(0), after: [], limits: [key])])
    }

    private func open(_ name: String, minutes: Int = 600, in house: JobHouse) async throws {
        try await MaintenanceWindows(pool: house.metadata.application).put(
            name, key: key, expression: "* * * * *", timeZone: "UTC", minutes: minutes, because: nil, id: UUID(),
            of: house.organization, now: Date())
        // Those that were open already open anew each minute.
        try await scheduler(house).tick()
        #expect(try await windows(house).allSatisfy { $0.openUntil != nil })
    }

    private func scheduler(_ house: JobHouse) -> Scheduler {
        Scheduler(
            pool: house.metadata.application, observe: { _ in },
            makeRun: { _, _, _, _ in throw Problem(.internal, "No schedule is due.") }, findMarks: { _ in [] })
    }

    private func windows(_ house: JobHouse) async throws -> [MaintenanceWindows.Window] {
        try await MaintenanceWindows(pool: house.metadata.application).all(of: house.organization)
    }

    private func remove(_ name: String, in house: JobHouse) async throws {
        try await MaintenanceWindows(pool: house.metadata.application).remove(name, of: house.organization)
    }

    private func pause(_ reason: String, hours: Double = 100, in house: JobHouse) async throws {
        try await JobLimits(pool: house.metadata.application).pause(
            key, of: house.organization, until: Date().addingTimeInterval(hours * 3600), because: reason)
    }

    private func resume(in house: JobHouse) async throws {
        try await JobLimits(pool: house.metadata.application).resume(key, of: house.organization)
    }

    /// Why no job of the key may start; nil if one may.
    private func held(_ house: JobHouse) async throws -> String? {
        let rows = try await house.metadata.database.query(
            "SELECT CASE WHEN held_until > now() THEN held_because END AS why FROM weir.limits WHERE key = \(key)")
        return try rows.first?.optional("why")
    }

    /// As a worker finds it a moment later.
    private func isClaimed(_ house: JobHouse) async throws -> Bool {
        try await house.queue.wakeJobs()
        return try await house.claim("a") != nil
    }

    @Test("a pause of a key that a window holds stays when the window is removed")
    func windowFirst() async throws {
        try await JobHouse.use { house in
            try await open("nightly", in: house)
            try await enqueue(house)
            #expect(try await isClaimed(house) == false)
            #expect(try await held(house) == "the maintenance window nightly")
            try await pause("moving house", in: house)
            #expect(try await held(house) == "moving house")
            try await remove("nightly", in: house)
            #expect(try await held(house) == "moving house")
            #expect(try await isClaimed(house) == false)
            try await resume(in: house)
            #expect(try await isClaimed(house))
        }
    }

    @Test("a window that opens over a pause, however long, leaves it as it was")
    func pauseFirst() async throws {
        try await JobHouse.use { house in
            try await pause("moving house", hours: 1, in: house)
            try await enqueue(house)
            try await open("nightly", in: house)
            #expect(try await held(house) == "the maintenance window nightly")
            try await remove("nightly", in: house)
            #expect(try await held(house) == "moving house")
            #expect(try await isClaimed(house) == false)
            try await resume(in: house)
            #expect(try await isClaimed(house))
        }
    }

    @Test("to resume a key that a window holds lifts the pause, not the window")
    func resume() async throws {
        try await JobHouse.use { house in
            try await open("nightly", in: house)
            try await pause("moving house", in: house)
            try await enqueue(house)
            try await resume(in: house)
            #expect(try await held(house) == "the maintenance window nightly")
            #expect(try await isClaimed(house) == false)
            let problem = await #expect(throws: Problem.self) { try await resume(in: house) }
            #expect(problem?.code == .conflict)
            try await remove("nightly", in: house)
            #expect(try await held(house) == nil)
            #expect(try await isClaimed(house))
        }
    }

    @Test("of two windows the one that is left holds the key, and a window that is over holds nothing")
    func twoWindows() async throws {
        try await JobHouse.use { house in
            try await open("short", minutes: 10, in: house)
            try await open("long", in: house)
            try await enqueue(house)
            #expect(try await held(house) == "the maintenance window long")
            try await remove("long", in: house)
            #expect(try await held(house) == "the maintenance window short")
            #expect(try await isClaimed(house) == false)
            try await house.metadata.database.script(
                """
                UPDATE weir.maintenance_windows SET open_until = now() - interval '1 second';
                UPDATE weir.limits SET window_until = now() - interval '1 second'
                """)
            #expect(try await windows(house).map(\.openUntil) == [nil])
            #expect(try await isClaimed(house))
        }
    }

    @Test("a window that was open before they were told apart is still a window after the migration, not a pause")
    func migration() async throws {
        // The roles belong to the whole server.
        try await MetadataDatabase.use { _ in }
        try await TestFolder.use { folder in
            let files = try FileManager.default.contentsOfDirectory(atPath: MetadataDatabase.migrations)
            for file in files where file < "0015" {
                try FileManager.default.copyItem(
                    atPath: "\(MetadataDatabase.migrations)/\(file)", toPath: "\(folder)/\(file)")
            }
            try await TestDatabase.use { database in
                let owner = try await database.connect()
                try await Migrator(folder: folder).migrate(owner)
                try await database.script(
                    """
                    INSERT INTO weir.organizations (organization_id, slug, name) VALUES (gen_random_uuid(), 'acme', 'acme');
                    INSERT INTO weir.maintenance_windows (window_id, organization_id, name, key, expression, time_zone,
                        minutes, next_at)
                      SELECT gen_random_uuid(), organization_id, 'nightly', 'w', '* * * * *', 'UTC', 60, now()
                      FROM weir.organizations;
                    INSERT INTO weir.limits (key, organization_id, paused_until, paused_because, paused_window)
                      SELECT key, organization_id, now() + interval '1 hour', 'upgrade', window_id
                      FROM weir.maintenance_windows;
                    INSERT INTO weir.limits (key, organization_id, paused_until, paused_because)
                      SELECT 'p', organization_id, now() + interval '1 hour', 'a person' FROM weir.organizations
                    """)
                try await Migrator(folder: MetadataDatabase.migrations).migrate(owner)
                let found = try await database.query(
                    """
                    SELECT l.key, l.held_because, l.paused_until IS NULL AS is_window, w.open_until = l.held_until AS is_open
                    FROM weir.limits l LEFT JOIN weir.maintenance_windows w ON w.key = l.key ORDER BY l.key
                    """)
                #expect(try found.map { try $0.optional("held_because") } == ["a person", "upgrade"])
                #expect(try found.map { try $0.bool("is_window") } == [false, true])
                #expect(try found.last?.bool("is_open") == true)
                await owner.close()
            }
        }
    }
}

import Foundation
import Kernel
import Synchronization
import Testing
import Wire
import WireSamples

@testable import CommandLine

/// What commands print, to the byte.
@Suite struct PrintedTests {
    @Test("--json prints what the API answered, on one line; where the answer is empty, nothing")
    func json() async throws {
        try await withServer { folder in
            for (command, key) in [
                (["schedules"], "schedules"), (["workers"], "workers"), (["limits"], "limits"),
                (["windows"], "windows"), (["notifications"], "subscriptions"),
                (["notifications", "deliveries"], "deliveries"), (["expectations"], "expectations"),
                (["runs"], "runs"), (["runs", "watch", Sample.id], "run"), (["schedules", "show", "nightly"], "name"),
                (["runs", "retry", Sample.id], "run"), (["clone", "--source", "shop", "--detach"], "is_new"),
            ] {
                let said = try await said(command + ["--json", "--data", folder])
                #expect(said.status == 0, "\(command): \(said.error)")
                let object = try JSONSerialization.jsonObject(with: Data(said.out.utf8)) as? [String: Any]
                #expect(object?[key] != nil, "\(command)")
                #expect(said.out.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
            }
            let gone = try await said(["schedules", "delete", "nightly", "--json", "--data", folder])
            #expect(gone.status == 0 && gone.out.isEmpty && gone.error.isEmpty)
        }
    }

    @Test("wrong usage is one line on standard error that says what would be right")
    func usage() async throws {
        let recorder = Recorder()
        let transcript = Mutex("")
        try await withServer(LiveHouse(), recorder) { folder in
            let schedule = ["schedules", "set", "x", "--source", "shop"]
            for command in [
                ["runs", "--state", "DONE"], ["runs", Sample.id, "--state", "FAILED"], ["runs", "watch", "1"],
                ["runs", "retry"], ["runs", "retry", Sample.id, Sample.id, "--from", "load"], schedule,
                schedule + ["--every", "6"], schedule + ["--every", "90s"],
                schedule + ["--every", "6h", "--after", "e"],
                schedule + ["--every", "6h", "--time-zone", "UTC"], schedule + ["--every", "6h", "--tables", ","],
                ["limits", "set", "organization"], ["limits", "set", "organization", "--none", "--most", "1"],
                ["limits", "set", "organization", "--most", "-1"],
                ["limits", "pause", "organization", "--for", "soon"],
                ["windows", "set", "x", "--key", "y"], ["notifications", "add"], ["notifications", "test", "1"],
                ["expect", "shop"], ["expect", "shop", "--fresh-within", "1.5h"],
            ] {
                let said = try await said(command + ["--data", folder])
                #expect(said.status == 2 && said.out.isEmpty, "\(command)")
                #expect(said.error.split(separator: "\n").count == 1, "\(command)")
                transcript.withLock { $0 += "$ weir \(command.joined(separator: " "))\n\(said.error)" }
            }
        }
        try expectGolden(transcript.withLock { $0 }, "usage.txt")
        #expect(recorder.take().isEmpty)
    }

    @Test("what the server did not expect is said with its correlation id, and nothing raw")
    func unexpected() async throws {
        try await withServer { folder in
            let said = try await said(["query", "RAW", "--data", folder])
            #expect(said.status == 1)
            #expect(said.error.contains(/^weir: .* \(correlation id [0-9a-f-]{32,36}\)\n$/), "\(said.error)")
        }
    }

    @Test("a clone's idempotency key is sent, and a run that is there already is said to be")
    func idempotency() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            let clone = ["clone", "--source", "shop", "--detach", "--data", folder, "--idempotency-key"]
            let again = try await said(clone + ["seen"])
            #expect(again.out.hasPrefix("Run \(Sample.id) was begun by an earlier request of this key: http://"))
            let new = try await said(clone + ["new"])
            #expect(new.out.hasPrefix("Run \(Sample.id) has begun: http://"))
        }
        #expect(house.asked.withLock { $0.map(\.idempotencyKey) } == ["seen", "new"])
    }

    @Test("without a terminal a job that is held back says why, once for each reason; one behind another job does not")
    func waiting() throws {
        let scratch = try Scratch()
        let display = ProgressDisplay(output: scratch.output, clock: { 0 })
        func show(_ waiting: String?, ready: Bool) {
            var load = Sample.job("load", .pending, waiting: waiting)
            load.readyAt = ready ? WireSamples.moment : nil
            display.show(.event(.run(Sample.run(.running, [load]))))
        }
        show("waiting for validate", ready: false)
        show("waiting because extract of run 1 holds the only place of load/acme_dev", ready: true)
        show("waiting because extract of run 1 holds the only place of load/acme_dev", ready: true)
        show("paused at organization: moving\nhouse", ready: true)
        #expect(
            try scratch.text() == """
                load: waiting because extract of run 1 holds the only place of load/acme_dev
                load: paused at organization: moving\\nhouse

                """)
    }

    @Test("times are shown in UTC and in the schedule's time zone, with the offset of that day")
    func zones() throws {
        let berlin = TriggerPreview(
            words: "At 06:00", next: ["2027-03-26T05:00:00.000Z", "2027-03-29T04:00:00.000Z", "soon"])
        let text = ScheduleText(style: .plain)
        #expect(
            text.text(of: berlin, zone: "Europe/Berlin") == """
                when      At 06:00
                next      2027-03-26 05:00 UTC  Fri 2027-03-26 06:00 +01:00 (Europe/Berlin)
                          2027-03-29 04:00 UTC  Mon 2027-03-29 06:00 +02:00 (Europe/Berlin)
                          soon

                """)
        for zone in [nil, "UTC", "Nowhere/Else"] {
            #expect(!text.text(of: berlin, zone: zone).contains("+"))
        }
        let newfoundland = try #require(TimeZone(identifier: "America/St_Johns"))
        let moments = ["2026-11-01T04:29:59.999Z", "2026-11-01T04:30:00Z"]
        #expect(
            moments.compactMap { Moment($0)?.text(in: newfoundland) }
                == ["Sun 2026-11-01 01:59 -02:30", "Sun 2026-11-01 01:00 -03:30"])
    }
}

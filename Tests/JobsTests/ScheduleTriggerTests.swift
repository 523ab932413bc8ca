import Foundation
import Jobs
import Kernel
import Testing

@Suite("Triggers of schedules")
struct ScheduleTriggerTests {
    @Test(
        "keep their form as JSON",
        arguments: [
            (.every(minutes: 360), #"{"kind":"every","minutes":360}"#),
            (
                .cron(expression: "0 6 * * *", timeZone: "Europe/Berlin"),
                #"{"expression":"0 6 * * *","kind":"cron","time_zone":"Europe/Berlin"}"#
            ),
            (.file(location: "s3://lake/landing"), #"{"kind":"file","location":"s3://lake/landing"}"#),
            (.after(source: "shop"), #"{"kind":"after","source":"shop"}"#),
        ] as [(ScheduleTrigger, String)])
    func json(trigger: ScheduleTrigger, text: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(trigger), as: UTF8.self) == text)
        #expect(try JSONDecoder().decode(ScheduleTrigger.self, from: Data(text.utf8)) == trigger)
        #expect(throws: Never.self) { try trigger.check() }
    }

    @Test(
        "of unknown kinds, or with parts missing, say what is missing",
        arguments: [
            ("{}", "'kind', one of every, cron, file, after"), (#"{"kind":"never"}"#, "'never'"),
            (#"{"kind":"every"}"#, "'minutes'"), (#"{"kind":"every","minutes":"6"}"#, "'minutes'"),
            (#"{"kind":"every","minutes":1.5}"#, "'minutes'"),
            (#"{"kind":"cron","expression":"@daily"}"#, "'time_zone'"),
            (#"{"kind":"cron","time_zone":"UTC"}"#, "'expression'"), (#"{"kind":"file"}"#, "'location'"),
            (#"{"kind":"after","source":null}"#, "'source'"), (#"{"kind":7}"#, "'kind'"),
        ])
    func incomplete(text: String, says: String) throws {
        let problem = try #require(throws: Problem.self) {
            try JSONDecoder().decode(ScheduleTrigger.self, from: Data(text.utf8))
        }
        #expect(problem.code == .invalidInput)
        #expect(problem.detail.contains(says), "\(problem)")
    }

    @Test(
        "that cannot work are refused",
        arguments: [
            (.every(minutes: 4), "4 minutes"), (.every(minutes: 0), "0 minutes"), (.every(minutes: -60), "-60"),
            (.every(hours: 8761), "out of range"), (.every(hours: .max), "out of range"),
            (.cron(expression: "0 0 30 2 *", timeZone: "UTC"), "never fires"),
            (.cron(expression: "61 * * * *", timeZone: "UTC"), "minute"),
            (.cron(expression: "@daily", timeZone: "Europe/Atlantis"), "'Europe/Atlantis'"),
            (.cron(expression: "@daily", timeZone: ""), "time zone"),
            (.cron(expression: "@daily", timeZone: "GMT+2"), "'GMT+2'"),
            (.cron(expression: "@daily", timeZone: "EST"), "'EST'"),
            (.cron(expression: "@daily", timeZone: "europe/berlin"), "'europe/berlin'"),
            (.cron(expression: "@daily", timeZone: "../etc/passwd"), "time zone"),
            (.file(location: ""), "place"), (.file(location: "landing"), "'landing'"),
            (.file(location: "s3://"), "place"),
            (.file(location: "s3:///x"), "place"), (.file(location: "https://x/y"), "place"),
            (.file(location: "/data/../etc"), "watched"), (.file(location: "/data/a\nb"), "watched"),
            (.file(location: "/" + String(repeating: "x", count: 2000)), "watched"),
            (.after(source: ""), "source"), (.after(source: "My Shop"), "'My Shop'"),
        ] as [(ScheduleTrigger, String)])
    func refused(trigger: ScheduleTrigger, says: String) throws {
        let problem = try #require(throws: Problem.self) { try trigger.check() }
        #expect(problem.code == .invalidInput)
        #expect(problem.detail.contains(says), "\(problem)")
        #expect(!problem.description.contains("\n"))
        #expect(problem.detail.count < 200)
        #expect(throws: Problem.self) { try ScheduleClock(trigger, anchor: .now) }
    }

    @Test(
        "at the ends of their ranges are taken",
        arguments: [
            .every(minutes: 5), .every(hours: 8760), .cron(expression: "@daily", timeZone: "UTC"),
            .cron(expression: "@daily", timeZone: "America/Argentina/Buenos_Aires"),
            .cron(expression: "@daily", timeZone: "Asia/Kolkata"), .file(location: "/"), .file(location: "s3://bucket"),
        ] as [ScheduleTrigger])
    func taken(trigger: ScheduleTrigger) throws {
        #expect(throws: Never.self) { try trigger.check() }
    }

    @Test(
        "read as words",
        arguments: [
            (.every(hours: 6), "every 6 hours"), (.every(hours: 1), "every hour"),
            (.every(minutes: 90), "every 90 minutes"),
            (.every(hours: 24), "every day"), (.every(hours: 168), "every 7 days"),
            (.cron(expression: "0 6 * * *", timeZone: "Europe/Berlin"), "At 06:00 (Europe/Berlin)"),
            (.cron(expression: "junk", timeZone: "UTC"), "junk (UTC)"),
            (.file(location: "s3://lake/in"), "when a _SUCCESS marker arrives under s3://lake/in"),
            (.after(source: "shop"), "after shop has succeeded"),
        ] as [(ScheduleTrigger, String)])
    func words(trigger: ScheduleTrigger, expected: String) {
        #expect(trigger.words == expected)
    }
}

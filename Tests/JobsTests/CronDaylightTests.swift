import Foundation
import Jobs
import Testing

@Suite("Cron expressions where clocks change")
struct CronDaylightTests {
    struct Case: CustomTestStringConvertible {
        let name: String
        let zone: String
        let expression: String
        let after: String
        let expected: [String]

        var testDescription: String { "\(name): \(expression) in \(zone)" }
    }

    static let fixedTimes = [
        Case(
            name: "a time in the gap fires at its end", zone: "Europe/Berlin", expression: "30 2 * * *",
            after: "2026-03-27T12:00:00Z",
            expected: ["2026-03-28 02:30 +01:00", "2026-03-29 03:00 +02:00", "2026-03-30 02:30 +02:00"]),
        Case(
            name: "several times in the gap fire once, together with its end", zone: "Europe/Berlin",
            expression: "0,20,40 2,3 * * *", after: "2026-03-28T23:00:00Z",
            expected: ["2026-03-29 03:00 +02:00", "2026-03-29 03:20 +02:00", "2026-03-29 03:40 +02:00"]),
        Case(
            name: "only a day with such a time fires at the gap's end", zone: "Europe/Berlin",
            expression: "30 2 * * MON-SAT", after: "2026-03-28T12:00:00Z",
            expected: ["2026-03-30 02:30 +02:00"]),
        Case(
            name: "a time that comes twice fires the first time", zone: "Europe/Berlin", expression: "30 2 * * *",
            after: "2026-10-24T12:00:00Z",
            expected: ["2026-10-25 02:30 +02:00", "2026-10-26 02:30 +01:00"]),
        Case(
            name: "asked between both passes, the second does not fire", zone: "Europe/Berlin",
            expression: "0,30 2,3 * * *", after: "2026-10-25T01:10:00Z",
            expected: ["2026-10-25 03:00 +01:00", "2026-10-25 03:30 +01:00", "2026-10-26 02:00 +01:00"]),
        Case(
            name: "spring", zone: "America/New_York", expression: "15 2 * * *", after: "2026-03-07T12:00:00Z",
            expected: ["2026-03-08 03:00 -04:00", "2026-03-09 02:15 -04:00"]),
        Case(
            name: "autumn", zone: "America/New_York", expression: "30 1 * * *", after: "2026-10-31T12:00:00Z",
            expected: ["2026-11-01 01:30 -04:00", "2026-11-02 01:30 -05:00"]),
        Case(
            name: "a gap of half an hour", zone: "Australia/Lord_Howe", expression: "15 2 * * *",
            after: "2026-10-02T20:00:00Z",
            expected: ["2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"]),
        Case(
            name: "half an hour that comes twice", zone: "Australia/Lord_Howe", expression: "45 1 * * *",
            after: "2026-04-04T00:00:00Z",
            expected: ["2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"]),
        Case(
            name: "a gap at midnight", zone: "America/Sao_Paulo", expression: "0 0 * * *",
            after: "2018-11-03T12:00:00Z",
            expected: ["2018-11-04 01:00 -02:00", "2018-11-05 00:00 -02:00"]),
        Case(
            name: "midnight comes twice", zone: "America/Sao_Paulo", expression: "30 23 * * *",
            after: "2018-02-17T12:00:00Z",
            expected: ["2018-02-17 23:30 -02:00", "2018-02-18 23:30 -03:00"]),
        Case(
            name: "a gap at midnight", zone: "Asia/Beirut", expression: "0 0 * * *", after: "2026-03-28T12:00:00Z",
            expected: ["2026-03-29 01:00 +03:00", "2026-03-30 00:00 +03:00"]),
        Case(
            name: "the month's first second is left out", zone: "Asia/Beirut", expression: "@monthly",
            after: "1988-05-20T00:00:00Z", expected: ["1988-06-01 01:00 +03:00"]),
        Case(
            name: "a day that was left out fires when the next begins", zone: "Pacific/Apia", expression: "0 6 * * *",
            after: "2011-12-29T00:00:00Z",
            expected: ["2011-12-29 06:00 -10:00", "2011-12-31 00:00 +14:00", "2011-12-31 06:00 +14:00"]),
        Case(
            name: "a weekly run of that day", zone: "Pacific/Apia", expression: "0 6 * * FRI",
            after: "2011-12-28T00:00:00Z", expected: ["2011-12-31 00:00 +14:00", "2012-01-06 06:00 +14:00"]),
        Case(
            name: "no clock changes", zone: "UTC", expression: "30 2 * * *", after: "2026-03-28T12:00:00Z",
            expected: ["2026-03-29 02:30 +00:00", "2026-03-30 02:30 +00:00"]),
    ]

    static let elapsedTime = [
        Case(
            name: "nothing in the gap, and on time after it", zone: "Europe/Berlin", expression: "*/30 * * * *",
            after: "2026-03-29T00:15:00Z",
            expected: ["2026-03-29 01:30 +01:00", "2026-03-29 03:00 +02:00", "2026-03-29 03:30 +02:00"]),
        Case(
            name: "a gap does not bring a run forward", zone: "Europe/Berlin", expression: "30 * * * *",
            after: "2026-03-29T00:15:00Z", expected: ["2026-03-29 01:30 +01:00", "2026-03-29 03:30 +02:00"]),
        Case(
            name: "both passes", zone: "Europe/Berlin", expression: "0 * * * *", after: "2026-10-24T23:30:00Z",
            expected: ["2026-10-25 02:00 +02:00", "2026-10-25 02:00 +01:00", "2026-10-25 03:00 +01:00"]),
        Case(
            name: "a hour that is restricted in steps", zone: "Europe/Berlin", expression: "0 */2 * * *",
            after: "2026-03-28T23:00:00Z", expected: ["2026-03-29 04:00 +02:00", "2026-03-29 06:00 +02:00"]),
        Case(
            name: "every minute of an hour that comes twice", zone: "America/New_York", expression: "*/30 1 * * *",
            after: "2026-10-31T12:00:00Z",
            expected: [
                "2026-11-01 01:00 -04:00", "2026-11-01 01:30 -04:00", "2026-11-01 01:00 -05:00",
                "2026-11-01 01:30 -05:00",
                "2026-11-02 01:00 -05:00",
            ]),
        Case(
            name: "half an hour back", zone: "Australia/Lord_Howe", expression: "*/15 * * * *",
            after: "2026-04-04T14:25:00Z",
            expected: [
                "2026-04-05 01:30 +11:00", "2026-04-05 01:45 +11:00", "2026-04-05 01:30 +10:30",
                "2026-04-05 01:45 +10:30",
                "2026-04-05 02:00 +10:30",
            ]),
        Case(
            name: "half an hour on", zone: "Australia/Lord_Howe", expression: "0 * * * *",
            after: "2026-10-03T14:45:00Z",
            expected: ["2026-10-04 03:00 +11:00"]),
        Case(
            name: "a day that was left out", zone: "Pacific/Apia", expression: "0 * * * *",
            after: "2011-12-30T08:30:00Z",
            expected: ["2011-12-29 23:00 -10:00", "2011-12-31 00:00 +14:00", "2011-12-31 01:00 +14:00"]),
        Case(
            name: "a gap at midnight", zone: "Asia/Beirut", expression: "*/30 * * * *", after: "2026-03-28T21:15:00Z",
            expected: ["2026-03-28 23:30 +02:00", "2026-03-29 01:00 +03:00"]),
    ]

    @Test("a time of the day fires once a day, also on the days on which clocks change", arguments: fixedTimes)
    func fixed(example: Case) throws { try check(example) }

    @Test("wildcards go by elapsed time", arguments: elapsedTime)
    func elapsed(example: Case) throws { try check(example) }

    private func check(_ example: Case) throws {
        let (expression, zone) = (try CronExpression(example.expression), try zone(example.zone))
        var moments = [try utc(example.after)]
        for _ in example.expected {
            moments.append(try #require(expression.next(after: moments[moments.count - 1], in: zone)))
        }
        #expect(moments.dropFirst().map { $0.wall(zone) } == example.expected)
        // And back the same way.
        for (earlier, later) in zip(moments.dropFirst(), moments.dropFirst(2)) {
            #expect(expression.previous(before: later, in: zone) == earlier)
        }
    }

    @Test("counts agree with visiting each, across every change", arguments: (fixedTimes + elapsedTime))
    func counts(example: Case) throws {
        let (expression, zone, start) = (
            try CronExpression(example.expression), try zone(example.zone), try utc(example.after)
        )
        for days in [0.01, 0.5, 1, 3, 40, 400] {
            let end = start.addingTimeInterval(days * 86_400)
            let visited = expression.firings(
                after: start.addingTimeInterval(-1), before: end.addingTimeInterval(1), in: zone)
            #expect(expression.count(from: start, through: end, in: zone) == visited.count)
        }
    }
}

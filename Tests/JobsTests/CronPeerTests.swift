import Foundation
import Jobs
import Testing

/// The same questions to programs of others, in Python: Tests/Kits/Peers/croniter_oracle.py.
///
/// They need the test environment of scripts/bootstrap, or WEIR_TEST_PYTHON; without it these tests fail.
///
/// Where the peers differ by intent, the script asks them nothing or says so:
/// - croniter knows no difference between fixed and elapsed time: its wildcards fire at a gap's end and in one pass of
///   an hour that comes twice. It is asked in UTC and, in zones, up to the first change of the clock.
/// - crondst gives each firing that a gap left out, all at the gap's end; here they are one. It reads no `L`, `#`, `?`
///   and no weekdays that go round, and takes every change of the clock to begin or end at a whole hour.
@Suite("Peers of cron expressions", .timeLimit(.minutes(10)))
struct CronPeerTests {
    struct Answer: Decodable {
        let expression: String
        let zone: String
        let after: Int
        let next: [Int]
        let previous: [Int]
    }

    struct Zone: Decodable {
        let zone: String
        let changes: [[Int]]
    }

    @Test("croniter fires at the same moments, forward and back", arguments: [1, 2])
    func croniter(seed: Int) throws {
        let answers = try Self.ask(Answer.self, "croniter", "\(seed)", "1500")
        #expect(answers.count == 1500)
        try compare(answers)
    }

    @Test(
        "crondst, which follows Vixie's cron, fires at the same moments around changes of the clock", arguments: [1, 2])
    func crondst(seed: Int) throws {
        let answers = try Self.ask(Answer.self, "crondst", "\(seed)", "1500")
        #expect(answers.count == 1500)
        try compare(answers)
    }

    @Test("zones change their offsets when the system's time zone database says so")
    func zones() throws {
        let names = [
            "Europe/Berlin", "Europe/Dublin", "Europe/Moscow", "America/New_York", "America/Sao_Paulo",
            "America/St_Johns",
            "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kwajalein", "Asia/Beirut",
            "Asia/Kathmandu",
            "Africa/Casablanca", "Antarctica/Troll", "UTC",
        ]
        let answers = try Self.ask(Zone.self, ["zones"] + names)
        #expect(answers.map(\.zone) == names)
        for answer in answers {
            let zone = try zone(answer.zone)
            var (found, moment): ([[Int]], Date) = ([], Date(timeIntervalSince1970: 0))
            var offset = zone.secondsFromGMT(for: moment)
            while let change = zone.nextDaylightSavingTimeTransition(after: moment),
                change.timeIntervalSince1970 < 2_145_916_800
            {
                let after = zone.secondsFromGMT(for: change)
                #expect(zone.secondsFromGMT(for: change.addingTimeInterval(-1)) == offset)
                // Winter time that becomes standard time changes nothing on the wall.
                if after != offset { found.append([Int(change.timeIntervalSince1970), after]) }
                (moment, offset) = (change, after)
            }
            #expect(found == answer.changes, "\(answer.zone)")
        }
    }

    private func compare(_ answers: [Answer]) throws {
        for answer in answers {
            let (expression, zone) = (try CronExpression(answer.expression), try zone(answer.zone))
            func walk(_ count: Int, _ step: (Date) -> Date?) throws -> [Int] {
                var moments = [Date(timeIntervalSince1970: Double(answer.after))]
                for _ in 0..<count { moments.append(try #require(step(moments[moments.count - 1]), "\(answer)")) }
                return moments.dropFirst().map { Int($0.timeIntervalSince1970) }
            }
            let next = try walk(answer.next.count) { expression.next(after: $0, in: zone) }
            #expect(next == answer.next, "\(answer.expression) in \(answer.zone) after \(answer.after)")
            let previous = try walk(answer.previous.count) { expression.previous(before: $0, in: zone) }
            #expect(previous == answer.previous, "\(answer.expression) in \(answer.zone) before \(answer.after)")
        }
    }

    private static func ask<Line: Decodable>(_: Line.Type, _ arguments: String...) throws -> [Line] {
        try ask(Line.self, arguments)
    }

    private static func ask<Line: Decodable>(_: Line.Type, _ arguments: [String]) throws -> [Line] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python =
            ProcessInfo.processInfo.environment["WEIR_TEST_PYTHON"]
            ?? root.appending(path: ".venv-tests/bin/python").path
        try #require(
            FileManager.default.isExecutableFile(atPath: python),
            "There is no \(python). Run scripts/bootstrap --tests, or set WEIR_TEST_PYTHON.")
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [root.appending(path: "Tests/Kits/Peers/croniter_oracle.py").path] + arguments
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "croniter_oracle.py failed; its words are above.")
        return try output.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(Line.self, from: $0) }
    }
}

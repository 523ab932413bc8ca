import Foundation
import Jobs
import Kernel
import Testing

@Suite("Any cron expression", .timeLimit(.minutes(10)))
struct CronPropertyTests {
    /// A zone and the moment of a change in it, or none.
    static let places: [(zone: String, moment: String)] = [
        ("Europe/Berlin", "2026-03-29T01:00:00Z"), ("Europe/Berlin", "2026-10-25T01:00:00Z"),
        ("America/New_York", "2026-03-08T07:00:00Z"), ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"), ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"), ("Asia/Beirut", "2026-03-28T22:00:00Z"),
        ("Asia/Beirut", "2026-10-24T21:00:00Z"), ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("America/Sao_Paulo", "2018-02-18T02:00:00Z"), ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
        ("UTC", "2028-02-29T00:00:00Z"), ("UTC", "2026-12-31T23:00:00Z"), ("Asia/Kathmandu", "1985-12-31T18:30:00Z"),
    ]

    @Test("fires exactly at the minutes that a person with a watch would find", arguments: 0..<15)
    func byTheMinute(place: Int) throws {
        let (name, moment) = Self.places[place]
        let (zone, change) = (try zone(name), Int(try utc(moment).timeIntervalSince1970))
        var dice = Dice(seed: UInt64(place))
        var firings = 0
        for _ in 0..<50 {
            let sample = CronSample(dice: &dice)
            guard let expression = try? CronExpression(sample.text) else { continue }
            let start = (change - 86_400 - Int.random(in: 0..<20, using: &dice) * 1800) / 60 * 60
            let end = change + 36 * 3600
            let expected = sample.byTheMinute(after: start, before: end, in: zone)
            let first = Date(timeIntervalSince1970: Double(start))
            let last = Date(timeIntervalSince1970: Double(end))
            let found = expression.firings(after: first, before: last, in: zone)
            #expect(found.map { Int($0.timeIntervalSince1970) } == expected, "\(sample) in \(name)")
            #expect(
                expression.count(from: first.addingTimeInterval(1), through: last.addingTimeInterval(-1), in: zone)
                    == expected.count)
            firings += expected.count
        }
        #expect(firings > 1000, "hardly anything fired: the samples show nothing")
    }

    @Test("fires later each time, on days that it means, and back the same way", arguments: 0..<8)
    func walks(seed: UInt64) throws {
        var dice = Dice(seed: seed &+ 100)
        for _ in 0..<60 {
            let sample = CronSample(dice: &dice)
            guard let expression = try? CronExpression(sample.text) else { continue }
            let zone = try zone(try #require(Self.places.randomElement(using: &dice)).zone)
            let start = Date(timeIntervalSince1970: Double(Int.random(in: 0..<3_000_000_000, using: &dice)) + 0.5)
            var visited = [start]
            for _ in 0..<15 {
                let before = visited[visited.count - 1]
                let next = try #require(expression.next(after: before, in: zone), "\(sample)")
                #expect(next > before)
                visited.append(next)
            }
            // A moment without a match is one for which a gap stands.
            for moment in visited.dropFirst() {
                let second = Int(moment.timeIntervalSince1970)
                let offset = zone.secondsFromGMT(for: moment)
                let before = zone.secondsFromGMT(for: moment.addingTimeInterval(-1))
                let isMeant = sample.means(second + offset)
                #expect(isMeant || (!sample.isElapsed && offset > before), "\(sample) at \(moment.rfc3339)")
            }
            for (earlier, later) in zip(visited.dropFirst(), visited.dropFirst(2)) {
                #expect(expression.previous(before: later, in: zone) == earlier, "\(sample) in \(zone.identifier)")
                let midst = earlier.addingTimeInterval(later.timeIntervalSince(earlier) / 2)
                #expect(expression.next(after: midst, in: zone) == later)
                #expect(expression.previous(before: midst, in: zone) == earlier)
            }
            let inclusive = expression.count(from: start, through: visited[visited.count - 1], in: zone)
            #expect(inclusive == visited.count - 1)
        }
    }

    @Test("reads back from what it prints, and says something in words", arguments: 0..<4)
    func roundTrip(seed: UInt64) throws {
        var dice = Dice(seed: seed &+ 200)
        for _ in 0..<500 {
            let sample = CronSample(dice: &dice)
            guard let expression = try? CronExpression(sample.text) else { continue }
            #expect(try CronExpression(expression.description) == expression)
            #expect(!expression.words.isEmpty)
        }
    }

    @Test("the search is quick where firings are forty years apart: leap days that are Mondays")
    func quick() throws {
        let (rare, berlin) = (try CronExpression("0 0 * 2 MON#5"), try zone("Europe/Berlin"))
        let clock = ContinuousClock()
        let spent = try clock.measure {
            for day in 0..<100 {
                let start = try utc("2072-03-01T00:00:00Z").addingTimeInterval(Double(day) * 86_400)
                #expect(rare.next(after: start, in: berlin)?.wall(berlin) == "2112-02-29 00:00 +01:00")
            }
        }
        // Minute by minute it would be 2.1 thousand million steps; with fields it is some hundred months.
        #expect(spent < .seconds(10))
    }
}

@Suite("Bytes that claim to be a cron expression", .timeLimit(.minutes(10)))
struct CronFuzzTests {
    /// 8 × 150,000 = 1.2 million texts.
    private static let rounds = 150_000
    private static let seeds = [
        "*/15 * * * *", "0 6 * * MON-FRI", "5-50/5 3/10 1,15,L JAN-MAR/2 FRI-MON", "0 0 ? * MON#2", "@daily",
        "0 0 29 2 *",
        "59 23 31 12 7", "0 0 30 2 *", "0 0 L * 0-7", "@annually",
    ].map { Array($0.utf8) }
    private static let likely = Array("*/,-#?@LW 0123456789JANmonSUN\t".utf8)

    @Test("is read, or refused with a sentence; nothing else happens", arguments: 0..<8)
    func fuzz(seed: UInt64) throws {
        var dice = Dice(seed: seed &+ 300)
        var (read, refused) = (0, 0)
        for _ in 0..<Self.rounds {
            let text = String(decoding: Self.bytes(&dice), as: UTF8.self)
            do {
                let expression = try CronExpression(text)
                read += 1
                // Whatever is taken fires, and prints as itself.
                if read.isMultiple(of: 20) {
                    #expect(
                        expression.next(after: .init(timeIntervalSince1970: 1_780_000_000), in: .gmt) != nil, "\(text)")
                    #expect(try CronExpression(expression.description) == expression, "\(text)")
                    #expect(!expression.words.isEmpty)
                }
            } catch let problem as Problem {
                refused += 1
                let isGood =
                    problem.code == .invalidInput && !problem.detail.isEmpty && problem.detail.utf8.count < 400
                    && !problem.detail.utf8.contains(0x0A)
                if !isGood { Issue.record("\(text.debugDescription): \(problem)") }
            }
        }
        #expect(read + refused == Self.rounds)
        #expect(
            read > Self.rounds / 50 && refused > Self.rounds / 4,
            "\(read) read, \(refused) refused: the mix shows little")
    }

    /// One in four is noise, one in four is made of what expressions are made of, the rest are expressions with damage.
    private static func bytes(_ dice: inout Dice) -> [UInt8] {
        switch dice.next() % 4 {
        case 0: return (0..<Int(dice.next() % 40)).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
        case 1: return (0..<Int(dice.next() % 30)).map { _ in likely[Int(dice.next() % UInt64(likely.count))] }
        default:
            var bytes = seeds[Int(dice.next() % UInt64(seeds.count))]
            for _ in 0..<(1 + dice.next() % 3) {
                let place = Int(dice.next() % UInt64(bytes.count + 1))
                let byte =
                    dice.one(in: 4)
                    ? UInt8(truncatingIfNeeded: dice.next()) : likely[Int(dice.next() % UInt64(likely.count))]
                switch dice.next() % 3 {
                case 0: bytes.insert(byte, at: place)
                case 1: if place < bytes.count { bytes[place] = byte }
                default: if place < bytes.count { bytes.remove(at: place) }
                }
            }
            return bytes
        }
    }
}

import Foundation
import Kernel
import Testing

@Suite("Moments")
struct MomentTests {
    @Test(
        "print as RFC 3339 in UTC, also before 1970",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-0.5, "1969-12-31T23:59:59.500Z"),
            (-86_400, "1969-12-31T00:00:00.000Z"), (-86_400.25, "1969-12-30T23:59:59.750Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"), (951_868_799.875, "2000-02-29T23:59:59.875Z"),
            (-2_203_891_200, "1900-03-01T00:00:00.000Z"), (-2_203_891_201, "1900-02-28T23:59:59.000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000Z"), (-62_135_596_800, "0001-01-01T00:00:00.000Z"),
        ] as [(Double, String)])
    func rfc3339(seconds: Double, expected: String) {
        let moment = Date(timeIntervalSince1970: seconds)
        #expect(moment.rfc3339 == expected)
        #expect(moment.utcDay == String(expected.prefix(10)))
    }

    @Test("have the day that Foundation's calendar gives, through four centuries")
    func days() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        for day in stride(from: -80_000, through: 80_000, by: 37) {
            let moment = Date(timeIntervalSince1970: Double(day) * 86_400)
            let parts = calendar.dateComponents([.year, .month, .day], from: moment)
            let printed = moment.utcDay.split(separator: "-").map { Int($0) }
            #expect(printed == [parts.year, parts.month, parts.day])
        }
    }

    @Test("days count back to the number that they were made of, through nine centuries")
    func daysBack() {
        for day in -200_000...130_000 where CivilDate(daysSince1970: day).daysSince1970 != day {
            Issue.record("day \(day) becomes \(CivilDate(daysSince1970: day))")
        }
        #expect(CivilDate(year: 2000, month: 2, day: 29).daysSince1970 == 11_016)
    }
}

@Suite("Ids")
struct IdentifierTests {
    @Test("print and travel in lower case")
    func lowerCase() throws {
        let id = try #require(RunID("0E5F8B1A-0000-4000-8000-ABCDEFABCDEF"))
        #expect(id.description == "0e5f8b1a-0000-4000-8000-abcdefabcdef")
        let data = try JSONEncoder().encode([id])
        #expect(String(decoding: data, as: UTF8.self) == #"["0e5f8b1a-0000-4000-8000-abcdefabcdef"]"#)
        #expect(try JSONDecoder().decode([RunID].self, from: data) == [id])
    }

    @Test("are not made of other text", arguments: ["", "x", "0e5f8b1a", "0e5f8b1a-0000-4000-8000-abcdefabcdeg"])
    func junk(text: String) {
        #expect(JobID(text) == nil)
    }
}

import Foundation
import Jobs
import Kernel
import Testing

@Suite("Cron expressions")
struct CronTests {
    @Test(
        "are read in every form that crontab(5) has, and some of Quartz",
        arguments: [
            ("*/15 * * * *", "0,15,30,45 * * * *"), ("5-50/5 1 * * *", "5,10,15,20,25,30,35,40,45,50 1 * * *"),
            ("3/10 1 * * *", "3,13,23,33,43,53 1 * * *"), ("0 22/1 * * *", "0 22,23 * * *"),
            ("0 0 1 jan *", "0 0 1 1 *"), ("0 0 1 Jan-MAR/2,dec *", "0 0 1 1,3,12 *"),
            ("0 0 * * mon", "0 0 * * 1"), ("0 0 * * 7", "0 0 * * 0"), ("0 0 * * Sun", "0 0 ? * SUN"),
            ("0 0 * * FRI-MON", "0 0 * * 5,6,0,1"), ("0 0 * * 5-7", "0 0 * * 5,6,0"), ("0 0 * * 7-2", "0 0 * * 0-2"),
            ("0 0 * * 0-7", "0 0 * * 0,1,2,3,4,5,6"), ("0 0 * * FRI-MON/2", "0 0 * * FRI,SUN"),
            ("0 0 * * SAT-SUN", "0 0 * * 6,0"), ("0 0 * * 1/2", "0 0 * * 1,3,5"),
            ("0 0 ? * MON-FRI", "0 0 * * 1-5"), ("\t0  6 * *\r\n* ", "0 6 * * *"),
            ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"),
            ("@monthly", "0 0 1 * *"), ("@YEARLY", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"),
            ("0,0,0 0 * * *", "0 0 * * *"), ("007 0 * * *", "7 0 * * *"), ("59 23 31 12 6", "59 23 31 12 SAT"),
        ])
    func forms(text: String, same: String) throws {
        let (one, other) = (try CronExpression(text), try CronExpression(same))
        let (start, berlin) = (try utc("2026-01-01T00:00:00Z"), try zone("Europe/Berlin"))
        var (first, second) = (start, start)
        for _ in 0..<60 {
            first = try #require(one.next(after: first, in: berlin))
            second = try #require(other.next(after: second, in: berlin))
            #expect(first == second)
        }
        #expect(try CronExpression(one.description) == one)
        #expect(try CronExpression(one.description).description == one.description)
    }

    @Test(
        "fire on the days that they mean",
        arguments: [
            // POSIX: one of both is enough when both are restricted …
            ("0 0 13 * FRI", "2026-02-01", ["02-06", "02-13", "02-20", "02-27", "03-06", "03-13"]),
            ("0 0 1,15 * 1", "2026-06-01", ["06-08", "06-15", "06-22", "06-29", "07-01", "07-06"]),
            // … and crontab(5): a field with a * in it is not restricted.
            ("0 0 */10 * MON", "2026-05-31", ["06-01", "08-31", "09-21", "12-21"]),
            ("0 0 13 * */5", "2026-01-31", ["02-13", "03-13", "09-13", "11-13", "12-13"]),
            ("0 0 L * *", "2026-01-01", ["01-31", "02-28", "03-31", "04-30", "05-31"]),
            ("0 0 L 2 *", "2027-12-31", ["2028-02-29", "2029-02-28"]),
            ("0 0 15,L * *", "2026-02-01", ["02-15", "02-28", "03-15"]),
            ("0 0 L * MON#1", "2026-01-31", ["02-02", "02-28", "03-02", "03-31"]),
            ("0 0 * * MON#2", "2026-01-01", ["01-12", "02-09", "03-09"]),
            ("0 0 * * 7#5", "2026-01-01", ["03-29", "05-31", "08-30", "11-29"]),
            ("0 0 * * MON#1,FRI#1", "2026-01-01", ["01-02", "01-05", "02-02", "02-06"]),
            ("0 0 31 * *", "2026-01-31", ["03-31", "05-31", "07-31", "08-31", "10-31", "12-31"]),
            ("0 0 29 2 *", "2026-01-01", ["2028-02-29", "2032-02-29", "2036-02-29"]),
            // No leap day in 2100.
            ("0 0 29 2 *", "2096-03-01", ["2104-02-29"]),
            // The longest wait that there is.
            ("0 0 * 2 MON#5", "2072-03-01", ["2112-02-29"]),
        ])
    func days(text: String, after: String, expected: [String]) throws {
        let expression = try CronExpression(text)
        var moment = try utc("\(after)T12:00:00Z")
        for day in expected {
            moment = try #require(expression.next(after: moment, in: .gmt))
            #expect(moment.rfc3339.hasSuffix("\(day)T00:00:00.000Z") || moment.rfc3339.contains("-\(day)T00:00:00"))
        }
    }

    @Test("pass the ends of hours, days, months and years")
    func ends() throws {
        let every = try CronExpression("* * * * *")
        for (before, after) in [
            ("2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z"), ("2028-02-28T23:59:30Z", "2028-02-29T00:00:00Z"),
            ("2027-02-28T23:59:59Z", "2027-03-01T00:00:00Z"), ("1969-12-31T23:58:59Z", "1969-12-31T23:59:00Z"),
        ] {
            #expect(every.next(after: try utc(before), in: .gmt) == (try utc(after)))
        }
        let yearly = try CronExpression("@yearly")
        #expect(yearly.previous(before: try utc("2027-01-01T00:00:00Z"), in: .gmt) == (try utc("2026-01-01T00:00:00Z")))
        #expect(yearly.previous(before: try utc("2027-01-01T00:00:01Z"), in: .gmt) == (try utc("2027-01-01T00:00:00Z")))
    }

    @Test("have no next firing outside of the years 1 to 9999, and do not fail there")
    func edges() throws {
        let daily = try CronExpression("@daily")
        for seconds in [Double.nan, .infinity, -.infinity, 1e300, -1e300, 253_402_300_800, -62_135_596_801] {
            #expect(daily.next(after: Date(timeIntervalSince1970: seconds), in: .gmt) == nil)
            #expect(daily.previous(before: Date(timeIntervalSince1970: seconds), in: .gmt) == nil)
            #expect(daily.count(from: Date(timeIntervalSince1970: seconds), through: .now, in: .gmt) == 0)
        }
        #expect(daily.next(after: .distantPast, in: .gmt) == nil)
        #expect(daily.next(after: .distantFuture, in: .gmt) != nil)
    }

    @Test(
        "that cannot be are refused in one line that names the field and the value",
        arguments: [
            ("", ["empty"], "Write minute, hour"), ("   ", ["empty"], "Write minute"),
            ("* * * *", ["4 fields"], "day-of-week"), ("*", ["1 field;"], "minute, hour"),
            ("0 0 6 * * *", ["6 fields"], "seconds"), ("0 0 6 * * ? 2027", ["7 fields"], "year"),
            ("1 2 3 4 5 6 7 8", ["8 fields"], "minute, hour"),
            ("60 * * * *", ["minute", "'60'", "0 to 59"], nil), ("* 24 * * *", ["hour", "'24'", "0 to 23"], nil),
            ("* * 0 * *", ["day-of-month", "'0'", "1 to 31"], nil), ("* * 32 * *", ["day-of-month", "'32'"], nil),
            ("* * * 13 *", ["month", "'13'", "1 to 12"], nil), ("* * * * 8", ["day-of-week", "'8'", "0 to 7"], nil),
            ("* * * * MON-9", ["day-of-week", "'MON-9'"], nil), ("-1 * * * *", ["minute", "'-1'"], "0 to 59"),
            ("+1 * * * *", ["minute", "'+1'", "cannot be read"], nil), ("1.5 * * * *", ["minute", "'1.5'"], nil),
            ("99999999999999999999 * * * *", ["minute", "cannot be read"], nil),
            ("x * * * *", ["minute", "'X'"], "0 to 59"), ("* * * FOO *", ["month", "'FOO'"], "JAN to DEC"),
            ("* * * * JAN", ["day-of-week", "'JAN'"], "SUN to SAT"), ("* MON * * *", ["hour", "'MON'"], "0 to 23"),
            ("1,,2 * * * *", ["minute", "'1,,2'", "empty place"], "1,15,30"), (", * * * *", ["minute", "empty"], nil),
            ("1- * * * *", ["minute", "'1-'"], nil), ("1-2-3 * * * *", ["minute", "'1-2-3'"], nil),
            ("50-10 * * * *", ["minute", "'50-10'", "ends before"], "50-59,0-10"),
            ("0 22-2 * * *", ["hour", "'22-2'"], "22-23,0-2"),
            ("0 0 1 NOV-FEB *", ["month", "'NOV-FEB'"], "11-12,1-2"),
            ("*/0 * * * *", ["minute", "'*/0'", "1 to 59"], "every"), ("*/90 * * * *", ["minute", "'*/90'"], "every"),
            ("0 */24 * * *", ["hour", "'*/24'", "1 to 23"], "*/2"), ("*/x * * * *", ["minute", "'*/X'"], nil),
            ("*/ * * * *", ["minute", "'*/'"], nil), ("1/2/3 * * * *", ["minute", "'1/2/3'"], nil),
            ("? * * * *", ["minute", "'?'"], "*"), ("L * * * *", ["minute", "'L'"], "0 to 59"),
            ("0 0 L/2 * *", ["day-of-month", "'L/2'"], nil),
            ("0 0 L-3 * *", ["day-of-month", "'L-3'"], "stands alone"),
            ("0 0 15W * *", ["day-of-month", "'15W'"], "W"), ("0 0 LW * *", ["day-of-month", "'LW'"], "W"),
            ("0 0 * * FRIL", ["day-of-week", "'FRIL'"], "last weekday"), ("0 0 * * L", ["day-of-week", "'L'"], "L"),
            ("0 0 * * MON#6", ["day-of-week", "'MON#6'", "1 to 5"], "second Monday"),
            ("0 0 * * MON#", ["day-of-week", "'MON#'"], nil), ("0 0 * * #2", ["day-of-week", "'#2'"], nil),
            ("0 0 * * MON-FRI#2", ["day-of-week", "'MON-FRI#2'"], nil),
            ("0 0 1#2 * *", ["day-of-month", "'1#2'"], "MON#2"),
            ("0 0 * * MON#2/2", ["day-of-week", "'MON#2/2'", "step"], nil),
            ("H * * * *", ["minute", "'H'"], "Jenkins"),
            ("@reboot", ["'@reboot'"], "@daily"), ("@every 5m", ["'@every'", "stand alone"], "@daily"),
            ("@", ["'@'"], "@daily"), ("@daily x", ["stand alone"], nil),
            ("0 0 30 2 *", ["'0 0 30 2 *'", "never fires"], "day"), ("0 0 31 4,6 *", ["never fires"], nil),
            ("0 0 31 2,4,6,9,11 *", ["never fires"], nil), ("0 0 */30 2 MON", [], nil),
            ("0 0 30/1 feb ?", ["never fires"], nil), ("\u{0}* * * * *", ["minute", "\u{FFFD}*"], nil),
            ("ſun * * * *", ["minute"], nil), ("0 0 * * ſun", ["day-of-week", "cannot be read"], nil),
            ("\u{661} * * * *", ["minute", "cannot be read"], nil), ("*\u{301} * * * *", ["minute"], nil),
        ] as [(String, [String], String?)])
    func refused(text: String, says: [String], hints: String?) throws {
        guard !says.isEmpty else {
            #expect(throws: Never.self) { try CronExpression(text) }
            return
        }
        let problem = try #require(throws: Problem.self) { try CronExpression(text) }
        #expect(problem.code == .invalidInput)
        for word in says { #expect(problem.detail.contains(word), "\(problem)") }
        if let hints { #expect(problem.hint?.contains(hints) == true, "\(problem)") }
        #expect(!problem.description.contains("\n"))
    }

    @Test("that are very long are refused without showing them whole")
    func long() throws {
        let list = Array(repeating: "1", count: 10_000).joined(separator: ",")
        let problem = try #require(throws: Problem.self) { try CronExpression("\(list) * * * *") }
        #expect(problem.detail.contains("500 bytes"))
        let word = String(repeating: "x", count: 400)
        let other = try #require(throws: Problem.self) { try CronExpression("\(word) * * * *") }
        #expect(other.detail.count < 100)
    }

    @Test(
        "read as plain English",
        arguments: [
            ("0 6 * * MON-FRI", "At 06:00 on Monday to Friday"), ("0 6 * * *", "At 06:00"), ("@daily", "At 00:00"),
            ("30 6,18 * * *", "At 06:30 and 18:30"), ("0 6,12,18 * * *", "At 06:00, 12:00 and 18:00"),
            ("* * * * *", "Every minute"), ("*/15 * * * *", "Every 15 minutes"), ("@hourly", "Every hour"),
            ("0 */2 * * *", "Every 2 hours"), ("30 * * * *", "At minute 30 of every hour"),
            ("*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
            ("*/15 9-17 * * 1-5", "Every 15 minutes of the hours 9 to 17 on Monday to Friday"),
            ("5 */5 * * *", "At minute 5 of the hours 0, 5, 10, 15 and 20"),
            ("* 6 * * *", "Every minute of the hour 6"), ("0 0 1 * *", "At 00:00 on day 1 of the month"),
            ("0 0 1,15 * *", "At 00:00 on days 1 and 15 of the month"),
            ("0 0 1-7 * *", "At 00:00 on days 1 to 7 of the month"),
            ("0 0 L * *", "At 00:00 on the last day of the month"),
            ("0 0 15,L * *", "At 00:00 on day 15 and the last day of the month"),
            ("0 0 * * MON#2", "At 00:00 on the second Monday of the month"),
            ("0 0 * * SAT,SUN", "At 00:00 on Saturday and Sunday"), ("0 0 * * FRI-MON", "At 00:00 on Friday to Monday"),
            ("0 0 13 * FRI", "At 00:00 on day 13 of the month or on Friday"),
            ("0 0 13 * */5", "At 00:00 on day 13 of the month if it is Friday or Sunday"),
            ("0 0 1-31 * FRI", "At 00:00"), ("0 0 1 1 *", "At 00:00 on day 1 of the month in January"),
            ("0 0 * 1-3,12 *", "At 00:00 in January to March and December"),
            ("0-2 8-10 * * *", "At minutes 0 to 2 of the hours 8 to 10"),
        ])
    func words(text: String, expected: String) throws {
        #expect(try CronExpression(text).words == expected)
    }
}

import Foundation
import Testing
import Wire

@testable import Console

@Suite struct AnswerTests {
    @Test func `chart data is JSON for its range and says through when it is verified`() async throws {
        let browser = try Browser()
        let answer = try await browser.get("/dashboards/shop/charts/orders_per_day/data?from=2026-11-20&to=2026-11-21")
        #expect(answer.status == 200)
        let data = try WireJSON.decode(ChartData.self, from: Data(answer.body.utf8))
        #expect(data.table.rows.count == 2)
        #expect(data.verifiedThrough == "2026-11-21T08:12:05.210Z")
        #expect(browser.operations.asked == ["shop/orders_per_day 2026-11-20 to 2026-11-21"])
    }

    @Test func `a chart's problem is problem JSON for scripts`() async throws {
        let answer = try await Browser().get("/dashboards/shop/charts/broken/data", ["Accept": "application/json"])
        #expect(answer.status == 422)
        #expect(answer.body.contains("\"code\":\"query_failed\""))
    }

    @Test func `a day that is none is refused`() async throws {
        for day in ["2026-02-30", "yesterday", "2026-1-1"] {
            #expect(try await Browser().get("/dashboards/shop?from=\(day)").status == 400)
        }
    }

    @Test func `a chart can be kept as CSV`() async throws {
        let answer = try await Browser().get("/dashboards/shop/charts/by_status/csv")
        #expect(answer["Content-Disposition"] == "attachment; filename=\"by_status.csv\"")
        #expect(answer.body == "order_id,total\r\n1,19.90\r\n")
    }

    @Test func `SQL gives a table, or its problem in one line with the SQL kept`() async throws {
        let browser = try Browser()
        let result = try await browser.post("/query", "sql=SELECT+1", ["HX-Request": "true"])
        #expect(result.status == 200)
        #expect(result.body.contains("First 24 rows in 42 ms"))
        let refused = try await browser.post("/query", "sql=DROP+TABLE+%3Cx%3E")
        #expect(refused.status == 403)
        #expect(refused.body.contains("Only SELECT statements run here"))
        #expect(refused.body.contains("DROP TABLE &lt;x&gt;</textarea>"))
        let file = try await browser.post("/query.csv", "sql=SELECT+1")
        #expect(file.body == "order_id,total\r\n1,19.90\r\n")
    }

    @Test func `assets are kept for good under their hash, and not under an old one`() async throws {
        let browser = try Browser()
        let page = try await browser.get("/sign-in", signedIn: false).body
        let match = try #require(page.firstMatch(of: /href="(\/assets\/([a-z0-9]+)\/console.css)"/))
        let answer = try await browser.get(String(match.1), signedIn: false)
        #expect(answer.status == 200)
        #expect(answer["Cache-Control"] == "public, max-age=31536000, immutable")
        #expect(answer["ETag"] == "\"\(match.2)\"")
        #expect(try await browser.get(String(match.1), ["If-None-Match": "\"\(match.2)\""]).status == 304)
        let old = try await browser.get("/assets/old/console.css")
        #expect(old["Cache-Control"] == "no-cache")
        #expect(try await browser.get("/assets/x/..%2F..%2Fetc%2Fpasswd").status == 404)
    }

    @Test func `numbers, sizes and times are written for people`() {
        #expect(Readable.count(1_234_567) == "1,234,567")
        #expect(Readable.count(-1000) == "-1,000")
        #expect(Readable.bytes(999) == "999 B")
        #expect(Readable.bytes(12_345_678) == "12.3 MB")
        #expect(Readable.bytes(999_999) == "1.0 MB")
        #expect(Readable.duration(0.04) == "0.0 s")
        #expect(Readable.duration(185) == "3 min 5 s")
        #expect(Readable.duration(7620) == "2 h 7 min")
        #expect(Moment("2026-11-21T09:26:00Z", now: Shop.now).age == "4 min ago")
        #expect(Moment("2026-09-02T10:00:00.500Z", now: Shop.now).age == "2 Sep 2026")
        #expect(Moment("2026-09-02T10:00:00.500Z", now: Shop.now).exact == "2 Sep 2026, 10:00:00 UTC")
        #expect(Moment("soon", now: Shop.now).age == "soon")
    }
}

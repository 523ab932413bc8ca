import Foundation
import Testing

/// Every page against its golden file. `WEIR_RECORD_GOLDEN=1` writes them anew; read the difference before it is kept.
@Suite struct PageTests {
    @Test(arguments: [
        "home": "/", "runs": "/runs", "run": "/runs/\(Shop.doneID)", "run-failed": "/runs/\(Shop.failedID)",
        "run-running": "/runs/\(Shop.runningID)", "run-fanned": "/runs/\(ShopHistory.fannedID)",
        "runs-filtered": "/runs?state=failed&source=billing&kind=clone", "runs-none": "/runs?search=nothing+like+it",
        "tables": "/tables", "tables-filtered": "/tables?filter=ORDERS",
        "tables-empty": "/tables?environment=prod", "table": "/tables/MARTS/fct_orders",
        "query": "/query?environment=dev&sql=SELECT+1", "dashboards": "/dashboards", "dashboard": "/dashboards/shop",
        "dashboard-range": "/dashboards/shop?from=2026-11-15&to=2026-11-21", "new-source": "/sources/new",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        try Golden.expect(answer.body, name)
    }

    @Test func `a warehouse where nothing was cloned leads to New source`() async throws {
        let browser = try Browser(FixtureOperations(.empty))
        let home = try await browser.get("/")
        try Golden.expect(home.body, "home-empty")
        #expect(home.body.contains("href=\"/sources/new\""))
        try Golden.expect(try await browser.get("/runs").body, "runs-empty")
        try Golden.expect(try await browser.get("/dashboards").body, "dashboards-empty")
    }

    @Test func `parts that are not well are named with what to do`() async throws {
        let answer = try await Browser(FixtureOperations(.unwell)).get("/")
        try Golden.expect(answer.body, "home-unwell")
        #expect(answer.body.contains("Start one with weir work"))
    }

    @Test func `an address that leads nowhere gets a page that says so`() async throws {
        let answer = try await Browser().get("/no/such/page")
        #expect(answer.status == 404)
        try Golden.expect(answer.body, "not-found")
    }

    @Test func `every page is whole HTML without inline script or style`() async throws {
        let browser = try Browser()
        for path in [
            "/", "/runs/\(Shop.runningID)", "/tables/RAW/shop__orders", "/dashboards/shop", "/sources/new",
            "/runs", "/runs/\(ShopHistory.fannedID)", "/schedules", "/schedules/nightly", "/schedules/new", "/workers",
            "/workers/windows/new", "/notifications", "/notifications/subscriptions/new",
            "/secrets", "/secrets/source%2Fdev%2Fshop/replace",
        ] {
            let body = try await browser.get(path).body
            #expect(body.hasPrefix("<!doctype html>"))
            #expect(body.contains("</html>"))
            #expect(!body.contains(" style="))
            #expect(!body.contains("<style"))
            #expect(!body.contains("<script>"))
            #expect(!body.contains(" onclick="))
            #expect(!body.contains("{{"))
        }
    }

    @Test func `only dashboards load the chart library`() async throws {
        let browser = try Browser()
        #expect(try await browser.get("/dashboards/shop").body.contains("echarts.min.js"))
        for path in ["/", "/runs", "/tables", "/query", "/sources/new", "/dashboards"] {
            #expect(try await !browser.get(path).body.contains("echarts"))
        }
    }

    @Test func `templates take values unescaped in one place only, the frame's body`() throws {
        let folder = Fixtures.root.appending(path: "Sources/Faces/Console/Resources/templates").path
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        let unescaped = try files.filter { file in
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            return text.contains("{{{") || text.contains("{{&")
        }
        #expect(unescaped == ["layout.mustache"])
    }
}

/// Golden files of `Tests/Golden/console`.
enum Golden {
    static func expect(_ page: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = Fixtures.root.appending(path: "Tests/Golden/console/\(name).html")
        let text = page.replacing(/\/assets\/[a-z0-9]+\//, with: "/assets/HASH/")
        if ProcessInfo.processInfo.environment["WEIR_RECORD_GOLDEN"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOf: file, encoding: .utf8)
        #expect(text == golden, "\(name) differs from \(file.lastPathComponent)", sourceLocation: sourceLocation)
    }
}

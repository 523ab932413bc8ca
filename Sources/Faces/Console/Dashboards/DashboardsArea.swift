import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Dashboards: the page is rendered here, each chart's data is fetched by the page for its date range.
struct DashboardsArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.getShared("/dashboards", .dashboardsRead) { try await list($0) }
        entrance.getShared("/dashboards/:name", .dashboardsRead) { try await show($0) }
        entrance.getShared("/dashboards/:name/charts/:chart/data", .dashboardsRead) { .data(try await data($0)) }
        entrance.get("/dashboards/:name/charts/:chart/csv", .dashboardsRead) { try await download($0) }
    }

    private func list(_ visit: Visit) async throws -> SharedContent {
        let dashboards = try await console.operations.dashboards(as: visit.caller)
        let view = DashboardsPage(dashboards: dashboards.map { DashboardCard($0) })
        return .page("dashboards", view: view, Heading("Dashboards", .dashboards))
    }

    private func show(_ visit: Visit) async throws -> SharedContent {
        let place = try visit.place()
        let name = try visit.call.parameter("name")
        let dashboard = try await console.operations.dashboard(name, of: place.request, as: visit.caller)
        let view = DashboardPage(dashboard, range: try range(of: visit), place: place)
        let heading = Heading(dashboard.summary.title, .dashboards, needsCharts: true)
        return .page("dashboard", view: view, heading)
    }

    private func data(_ visit: Visit) async throws -> ChartData {
        try await console.operations.chart(
            try visit.call.parameter("chart"), of: try visit.call.parameter("name"), range: try range(of: visit),
            of: try visit.place().request, as: visit.caller)
    }

    private func download(_ visit: Visit) async throws -> Response {
        let chart = try visit.call.parameter("chart")
        let export = try await console.operations.exportChart(
            chart, of: try visit.call.parameter("name"), range: try range(of: visit), of: try visit.place().request,
            as: visit.caller)
        let body = ResponseBody(asyncSequence: export.bytes.map { ByteBuffer(bytes: $0) })
        return .download("\(Slug.snakeCase(chart)).csv", type: QueryFormat.csv.contentType, body: body)
    }

    private func range(of visit: Visit) throws -> DayRange {
        let range = DayRange(from: visit.call.query["from"], to: visit.call.query["to"])
        for day in [range.from, range.to].compactMap(\.self) where Day(day) == nil {
            throw Problem(.invalidInput, "A day of the range is none.", hint: "Write days as YYYY-MM-DD.")
        }
        return range
    }
}

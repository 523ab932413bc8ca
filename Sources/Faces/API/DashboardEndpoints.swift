import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let dashboards: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/dashboards", name: "listDashboards", summary: "All dashboards.",
            answer: .json(Shapes.dashboardList, "The dashboards."),
            action: .shared(.dashboardsRead) { call, caller in
                ["dashboards": try await call.operations.dashboards(as: caller)]
            }),
        Endpoint(
            method: .get, path: "/api/v1/dashboards/{name}", name: "getDashboard",
            summary: "A dashboard with its charts, without their data.",
            parameters: [dashboardName] + Parameter.naming, answer: .json(Shapes.dashboard, "The dashboard."),
            problems: [.notFound],
            action: .shared(.dashboardsRead) { call, caller in
                try await call.operations.dashboard(call.part("name"), of: call.place, as: caller)
            }),
        Endpoint(
            method: .get, path: "/api/v1/dashboards/{name}/charts/{id}/data", name: "getChartData",
            summary: "A chart's data for a range of days: as it is drawn, or all of its rows with csv.",
            parameters: [
                dashboardName, .path("id", "The chart's id."),
                .query("from", "The first day; open if absent.", .text(format: "date")),
                .query("to", "The last day, included; open if absent.", .text(format: "date")),
                .query("format", "`json` if absent.", .words(["json", "csv"])),
            ] + Parameter.naming,
            answer: Answer(
                note: "The data.",
                contents: [
                    Answer.Content(mediaType: "application/json", schema: .shape(Shapes.chartData)),
                    Answer.Content(mediaType: "text/csv", schema: .text()),
                ],
                headers: ["X-Verified-Through": "With csv: the moment of the source's snapshot, RFC 3339."]),
            problems: [.notFound, .queryFailed, .queryTooLong, .queryTooLarge, .engineUnavailable, .busy],
            action: .signedIn(.dashboardsRead) { call, caller in try await chartData(call, caller) }),
    ]

    private static let dashboardName = Parameter.path("name", "The dashboard's name: the source's.")

    private static func chartData(_ call: Call, _ caller: Caller) async throws -> Response {
        let range = DayRange(from: call.text("from"), to: call.text("to"))
        if let from = range.from, let to = range.to, from > to {
            throw Refusal.invalid("The day `from` lies after the day `to`.")
        }
        let (chart, dashboard) = (call.part("id"), call.part("name"))
        guard call.text("format") == "csv" else {
            var data = try await call.operations.chart(
                chart, of: dashboard, range: range, of: call.place, as: caller)
            data.table = data.table.finite
            return try .json(data)
        }
        let export = try await call.operations.exportChart(
            chart, of: dashboard, range: range, of: call.place, as: caller)
        var response = try await Response.stream(
            export.bytes, contentType: QueryFormat.csv.contentType, faults: call.faults)
        response.headers[.contentDisposition] = "attachment; filename=\"\(fileName(call)).csv\""
        response.headers[.verifiedThrough] = export.verifiedThrough
        return response
    }

    /// Only characters that need no quoting in a header.
    private static func fileName(_ call: Call) -> String {
        let name = "\(call.part("name"))-\(call.part("id"))"
        return String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") ? $0 : "_" })
    }
}

import Foundation
import Kernel
import Modeling
import Warehousing
import Wire

/// Queries, tables and dashboards: all through the query engine.
extension LiveOperations {
    func query(_ request: QueryRequest, as caller: Caller) async throws -> QueryTable {
        let place = try place(
            PlaceRequest(organization: request.organization, environment: request.environment), caller)
        let limit = request.limit ?? 10_000
        guard (1...100_000).contains(limit) else {
            throw Problem(
                .invalidInput, "The limit is \(limit).", hint: "Use 1 to 100000; csv and parquet give all rows.")
        }
        return try await gateway.rows(request.sql, limit: limit, in: place)
    }

    func export(_ request: QueryRequest, as caller: Caller) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        let place = try place(
            PlaceRequest(organization: request.organization, environment: request.environment), caller)
        return try await gateway.export(request.sql, as: request.format ?? .csv, in: place)
    }

    func tables(of request: PlaceRequest, as caller: Caller) async throws -> [SchemaView] {
        try await gateway.tables(in: place(request, caller))
    }

    func preview(
        schema: String, table: String, limit: Int, of request: PlaceRequest, as caller: Caller
    ) async throws -> QueryTable {
        guard WarehouseSchema(rawValue: schema) != nil else {
            throw Problem(.notFound, "There is no schema \(schema).", hint: "Use RAW, STAGING, INTERMEDIATE or MARTS.")
        }
        let name = "\"\(schema)\".\"\(table.replacingScalar("\"", with: "\"\""))\""
        return try await gateway.rows(
            "SELECT * FROM \(name)", limit: min(max(limit, 1), 1000), in: place(request, caller))
    }

    func dashboards(as caller: Caller) async throws -> [DashboardSummary] {
        let files = DashboardFiles(modelsFolder: house.folder.models)
        return try WarehousePlace.environments.flatMap { environment in
            let place = try place(PlaceRequest(environment: environment), caller)
            return files.all(in: place).map { file in
                switch file.content {
                case .success(let dashboard): summary(of: dashboard, in: place)
                case .failure(let problem):
                    DashboardSummary(
                        name: file.name, title: file.name, organization: place.slug, environment: place.environment,
                        charts: 0, problem: problem.detail)
                }
            }
        }
    }

    func dashboard(_ name: String, of request: PlaceRequest, as caller: Caller) async throws -> DashboardView {
        let place = try place(request, caller)
        let dashboard = try DashboardFiles(modelsFolder: house.folder.models).dashboard(name, in: place)
        let days = try await days(of: dashboard, in: place)
        return DashboardView(
            summary: summary(of: dashboard, in: place),
            charts: dashboard.charts.map { chart in
                ChartView(
                    id: chart.id, title: chart.title, kind: chart.kind.rawValue, x: chart.x ?? "", y: chart.y,
                    unit: chart.unit, isDated: chart.dateColumn != nil)
            }, firstDay: days.from, lastDay: days.to)
    }

    func chart(
        _ id: String, of name: String, range: DayRange, of request: PlaceRequest, as caller: Caller
    ) async throws -> ChartData {
        let place = try place(request, caller)
        let (dashboard, sql) = try statement(of: id, of: name, range: range, in: place)
        async let through = LandedStreams(pool: house.pool).verifiedThrough(dashboard: dashboard, in: place)
        let table = try await gateway.knownRows(sql, limit: Self.drawnRows, in: place)
        return ChartData(table: table, verifiedThrough: try await through)
    }

    func exportChart(
        _ id: String, of name: String, range: DayRange, of request: PlaceRequest, as caller: Caller
    ) async throws -> ChartExport {
        let place = try place(request, caller)
        let (dashboard, sql) = try statement(of: id, of: name, range: range, in: place)
        let through = try await LandedStreams(pool: house.pool).verifiedThrough(dashboard: dashboard, in: place)
        // Whoever may look at dashboards alone holds a place of the engine for no longer than by looking.
        let bytes = try await gateway.export(sql, as: .csv, in: place, deadline: QueryGateway.deadline)
        return ChartExport(bytes: bytes, verifiedThrough: through)
    }

    /// More than a screen has pixels for; the CSV holds all.
    private static let drawnRows = 5000

    private func statement(
        of chart: String, of name: String, range: DayRange, in place: WarehousePlace
    ) throws -> (Dashboard, sql: String) {
        let dashboard = try DashboardFiles(modelsFolder: house.folder.models).dashboard(name, in: place)
        guard let found = dashboard.charts.first(where: { $0.id == chart }) else {
            throw Problem(
                .notFound, "The dashboard \(name) has no chart \(chart).",
                hint: "It may have been edited: reload the page.")
        }
        return (dashboard, try found.statement(from: range.from, through: range.to))
    }

    private func summary(of dashboard: Dashboard, in place: WarehousePlace) -> DashboardSummary {
        DashboardSummary(
            name: dashboard.name, title: dashboard.title, organization: place.slug, environment: place.environment,
            charts: dashboard.charts.count)
    }

    /// First and last day of the first dated chart drawn along days, of those that a calendar's form can hold: one row
    /// of the year 20225 takes nobody's range away.
    private func days(of dashboard: Dashboard, in place: WarehousePlace) async throws -> DayRange {
        guard let chart = dashboard.charts.first(where: { $0.dateColumn != nil && $0.kind == .line }), let x = chart.x
        else {
            return DayRange(from: nil, to: nil)
        }
        let column = "\"\(x.replacingScalar("\"", with: "\"\""))\""
        let sql = """
            SELECT min(day)::VARCHAR, max(day)::VARCHAR FROM (SELECT \(column)::DATE AS day FROM (\(try chart.statement())))
            WHERE day BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
            """
        let row = try? await gateway.knownRows(sql, limit: 1, in: place).rows.first
        return DayRange(from: row?.first?.text, to: row?.last?.text)
    }
}

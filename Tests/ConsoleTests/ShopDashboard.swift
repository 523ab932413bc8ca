import Foundation
import Kernel
import Wire

/// The shop's starter dashboard with 90 days of data.
enum ShopDashboard {
    static let view = DashboardView(
        summary: DashboardSummary(
            name: "shop", title: "Shop", organization: "acme", environment: "dev", charts: charts.count),
        charts: charts, firstDay: "2026-08-24", lastDay: "2026-11-21")

    private static let charts = [
        chart("orders_count", "Orders", "number", "", ["orders"], nil),
        chart("revenue", "Revenue", "number", "", ["total"], "EUR"),
        chart("customers", "Customers", "number", "", ["customers"], nil),
        chart("refund_share", "Refunded", "number", "", ["share"], "%"),
        chart("orders_per_day", "Orders per day", "line", "day", ["orders"], nil),
        chart("revenue_per_day", "Revenue and refunds per day", "line", "day", ["total", "refunded"], "EUR"),
        chart("by_status", "Orders by status", "bar", "status", ["orders"], nil, isDated: false),
        chart("by_country", "Customers by country", "bar", "country", ["customers"], nil, isDated: false),
        chart("empty", "Gift cards per day", "line", "day", ["cards"], nil),
        chart("broken", "Margin per day", "line", "day", ["margin"], nil),
        chart("last_orders", "Last orders", "table", "order_id", ["total"], nil, isDated: false),
    ]

    static func data(of chart: String, range: DayRange) throws -> ChartData {
        let table: QueryTable
        switch chart {
        case "orders_count": table = number("orders", "BIGINT", .integer(38_412))
        case "revenue": table = number("total", "DECIMAL(38,2)", .text("4183920.55"))
        case "customers": table = number("customers", "BIGINT", .integer(12_000))
        case "refund_share": table = number("share", "DOUBLE", .number(3.13))
        case "orders_per_day": table = daily(["orders"], range) { [.integer(300 + wave($0, 140))] }
        case "revenue_per_day":
            table = daily(["total", "refunded"], range) {
                [.text("\(32_000 + wave($0, 14_000)).50"), .text("\(900 + wave($0 + 3, 500)).00")]
            }
        case "by_status":
            table = counted("status", [("delivered", 29_110), ("shipped", 5021), ("paid", 3077), ("refunded", 1204)])
        case "by_country":
            table = counted(
                "country",
                [
                    ("Germany", 4020), ("France", 2805), ("United Kingdom of Great Britain", 1911), ("Spain", 1404),
                    ("Italy", 1033), ("Portugal", 827),
                ])
        case "empty": table = QueryTable(columns: columns("day", ["cards"]), rows: [], truncated: false, seconds: 0)
        case "last_orders": table = Shop.orders
        default:
            throw Problem(
                .queryFailed, "The column margin does not exist in MARTS.daily_orders.",
                hint: "Change the chart in the dashboard's YAML file.")
        }
        return ChartData(table: table, verifiedThrough: "2026-11-21T08:12:05.210Z")
    }

    private static func chart(
        _ id: String, _ title: String, _ kind: String, _ x: String, _ y: [String], _ unit: String?, isDated: Bool = true
    ) -> ChartView {
        ChartView(id: id, title: title, kind: kind, x: x, y: y, unit: unit, isDated: isDated)
    }

    private static func number(_ name: String, _ type: String, _ cell: Cell) -> QueryTable {
        QueryTable(columns: [QueryColumn(name: name, type: type)], rows: [[cell]], truncated: false, seconds: 0.01)
    }

    private static func columns(_ first: String, _ others: [String]) -> [QueryColumn] {
        [QueryColumn(name: first, type: first == "day" ? "DATE" : "VARCHAR")]
            + others.map { QueryColumn(name: $0, type: "DECIMAL(38,2)") }
    }

    private static func counted(_ name: String, _ values: [(String, Int64)]) -> QueryTable {
        QueryTable(
            columns: columns(name, ["orders"]).map { $0 }, rows: values.map { [.text($0.0), .integer($0.1)] },
            truncated: false, seconds: 0.01)
    }

    private static func daily(_ names: [String], _ range: DayRange, _ cells: (Int) -> [Cell]) -> QueryTable {
        let first = Moments.date("2026-08-24T00:00:00Z")
        let rows: [[Cell]] = (0..<90).compactMap { index in
            let day = first.addingTimeInterval(Double(index) * 86_400).utcDay
            guard day >= range.from ?? day, day <= range.to ?? day else { return nil }
            return [.text(day)] + cells(index)
        }
        return QueryTable(columns: columns("day", names), rows: rows, truncated: false, seconds: 0.01)
    }

    /// A week's rhythm with a slow rise.
    private static func wave(_ day: Int, _ height: Int) -> Int64 {
        let rhythm = sin(Double(day) * 2 * .pi / 7) + Double((day * 7919) % 13) / 13 + Double(day) / 60
        return Int64(Double(height) * rhythm)
    }
}

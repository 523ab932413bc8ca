import Foundation
import Wire

struct DashboardsPage: Sendable {
    let dashboards: [DashboardCard]
}

/// A dashboard in a list.
struct DashboardCard: Sendable {
    let title: String
    let address: String
    let environment: String
    let charts: String
    /// Why it cannot be opened.
    let problem: String?

    init(_ dashboard: DashboardSummary) {
        title = dashboard.title
        environment = dashboard.environment
        charts = Readable.plural(dashboard.charts, "chart")
        problem = dashboard.problem
        let suffix = environment == "dev" ? "" : "?environment=\(environment.encodedForAddress)"
        address = "/dashboards/\(dashboard.name.encodedForAddress)\(suffix)"
    }
}

struct DashboardPage: Sendable {
    let title: String
    let environment: String
    /// Carried along by the range's form; nil for `dev`, which addresses need not name.
    let carriedEnvironment: String?
    let address: String
    let range: RangeChoice?
    let tiles: [Tile]

    init(_ dashboard: DashboardView, range: DayRange, place: Place) {
        title = dashboard.summary.title
        environment = place.environment
        carriedEnvironment = place.environment == "dev" ? nil : place.environment
        let address = "/dashboards/\(dashboard.summary.name.encodedForAddress)"
        self.address = address
        let query = Self.query(range, place)
        tiles = dashboard.charts.map { Tile($0, dashboard: address, query: query) }
        self.range = RangeChoice(dashboard, range: range, address: address, place: place)
    }

    /// The fields of an address for a range: `?from=…&to=…`, or nothing.
    static func query(_ range: DayRange, _ place: Place) -> String {
        var fields: [String] = []
        if place.environment != "dev" { fields.append("environment=\(place.environment)") }
        if let from = range.from { fields.append("from=\(from)") }
        if let to = range.to { fields.append("to=\(to)") }
        return fields.isEmpty ? "" : "?" + fields.joined(separator: "&")
    }
}

/// One chart's place on the page.
struct Tile: Sendable {
    let id: String
    let title: String
    let kind: String
    let x: String
    /// The drawn columns as a JSON array.
    let y: String
    let unit: String?
    let isDated: Bool
    let isNumber: Bool
    let isTable: Bool
    let data: String
    let csv: String

    init(_ chart: ChartView, dashboard: String, query: String) {
        id = chart.id
        title = chart.title
        kind = chart.kind
        x = chart.x
        y = (try? WireJSON.encode(chart.y)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
        unit = chart.unit
        isDated = chart.isDated
        isNumber = chart.kind == "number"
        isTable = chart.kind == "table"
        let address = "\(dashboard)/charts/\(chart.id.encodedForAddress)"
        data = "\(address)/data\(query)"
        csv = "\(address)/csv\(query)"
    }
}

/// The date range: the days that the data holds, and shortcuts that end on its last day.
struct RangeChoice: Sendable {
    let from: String
    let to: String
    let first: String
    let last: String
    let presets: [Preset]

    struct Preset: Sendable {
        let label: String
        let address: String
        let isChosen: Bool
    }

    /// Nil if no chart is dated.
    init?(_ dashboard: DashboardView, range: DayRange, address: String, place: Place) {
        guard let first = dashboard.firstDay, let last = dashboard.lastDay, let end = Day(last) else { return nil }
        self.first = first
        self.last = last
        from = range.from ?? first
        to = range.to ?? last
        let spans: [(label: String, range: DayRange)] =
            [7, 30, 90].map { days in ("\(days) days", DayRange(from: end.back(days - 1).text, to: last)) }
            + [("All", DayRange(from: nil, to: nil))]
        presets = spans.map { span in
            let query = DashboardPage.query(span.range, place)
            return Preset(label: span.label, address: address + query, isChosen: span.range == range)
        }
    }
}

/// A day of the calendar, UTC.
struct Day: Sendable {
    private let date: Date

    /// Nil unless the text is a real day as `YYYY-MM-DD`.
    init?(_ text: String) {
        let style = Date.ISO8601FormatStyle().year().month().day()
        guard text.utf8.count == 10, let date = try? style.parse(text), date.utcDayText == text else { return nil }
        self.date = date
    }

    private init(date: Date) { self.date = date }

    var text: String { date.utcDayText }

    func back(_ days: Int) -> Day { Day(date: date.addingTimeInterval(-86_400 * Double(days))) }
}

extension Date {
    fileprivate var utcDayText: String { formatted(.iso8601.year().month().day()) }
}

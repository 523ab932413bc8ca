package struct DashboardSummary: Sendable, Codable {
    /// In addresses: the source's name.
    package var name: String
    package var title: String
    package var organization: String
    package var environment: String
    package var charts: Int
    /// Why its file cannot be read, in one line; nil if it can.
    package var problem: String?

    package init(
        name: String, title: String, organization: String, environment: String, charts: Int, problem: String? = nil
    ) {
        self.name = name
        self.title = title
        self.organization = organization
        self.environment = environment
        self.charts = charts
        self.problem = problem
    }
}

package struct DashboardView: Sendable, Codable {
    package var summary: DashboardSummary
    package var charts: [ChartView]
    /// First and last day that its dated charts hold; nil if none is dated.
    package var firstDay: String?
    package var lastDay: String?

    package init(summary: DashboardSummary, charts: [ChartView], firstDay: String?, lastDay: String?) {
        self.summary = summary
        self.charts = charts
        self.firstDay = firstDay
        self.lastDay = lastDay
    }
}

package struct ChartView: Sendable, Codable {
    package var id: String
    package var title: String
    /// `line`, `bar`, `number` or `table`.
    package var kind: String
    /// The column along the x axis, and the columns that are drawn.
    package var x: String
    package var y: [String]
    package var unit: String?
    /// Whether the date range applies to it.
    package var isDated: Bool

    package init(id: String, title: String, kind: String, x: String, y: [String], unit: String?, isDated: Bool) {
        self.id = id
        self.title = title
        self.kind = kind
        self.x = x
        self.y = y
        self.unit = unit
        self.isDated = isDated
    }
}

/// A chart's data for a date range: what is drawn, of which `table.truncated` says whether it is all.
package struct ChartData: Sendable, Codable {
    package var table: QueryTable
    /// The moment of the source snapshot that the data comes from, RFC 3339.
    package var verifiedThrough: String?

    package init(table: QueryTable, verifiedThrough: String?) {
        self.table = table
        self.verifiedThrough = verifiedThrough
    }
}

/// All rows of a chart for a date range as CSV, in pieces of bytes as they come.
package struct ChartExport: Sendable {
    package var bytes: AsyncThrowingStream<[UInt8], any Error>
    /// The moment of the source snapshot that the data comes from, RFC 3339.
    package var verifiedThrough: String?

    package init(bytes: AsyncThrowingStream<[UInt8], any Error>, verifiedThrough: String?) {
        self.bytes = bytes
        self.verifiedThrough = verifiedThrough
    }
}

/// Inclusive days, `YYYY-MM-DD`; nil is open.
package struct DayRange: Sendable, Codable, Hashable {
    package var from: String?
    package var to: String?

    package init(from: String?, to: String?) {
        self.from = from
        self.to = to
    }
}

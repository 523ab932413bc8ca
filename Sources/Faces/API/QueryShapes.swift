import Wire

extension Shapes {
    static let queryRequest = Shape(
        name: "QueryRequest", note: "One SELECT over one warehouse.",
        fields: [
            Field("sql", .text()),
            .open("organization", .text(), "The organization's slug; the token's own if absent."),
            .open("environment", environments, "`dev` if absent."),
            .open("format", .words(QueryFormat.allCases.map(\.rawValue)), "`json` if absent."),
            .open("limit", .integer(least: 1, most: 10_000), "Most rows of a `json` answer; 10,000 if absent."),
        ])

    static let column = Shape(
        name: "Column", note: "A column.",
        fields: [Field("name", .text()), Field("type", .text(), "DuckDB's name of the type.")])

    /// Numbers that a JSON reader may round come as texts.
    static let cell = Schema.nullable(.either([.boolean, .integer(), .number(), .text()]))

    static let queryTable = Shape(
        name: "QueryTable",
        note:
            "Columns and rows. Numbers that a JSON reader may round (beyond 2^53, decimals, NaN, infinities) are texts.",
        fields: [
            Field("columns", .list(.shape(column))),
            Field("rows", .list(.list(cell))),
            Field("truncated", .boolean, "Whether there were more rows than the limit."),
            Field("seconds", .number()),
        ])

    static let table = Shape(
        name: "Table", note: "A table or view of the warehouse.",
        fields: [
            Field("name", .text()),
            Field("kind", .words(["table", "view"])),
            Field("columns", .list(.shape(column))),
            .optional("rows", .integer(least: 0), "Known for tables."),
        ])

    static let schema = Shape(
        name: "Schema", note: "A schema of the warehouse.",
        fields: [Field("name", .text()), Field("tables", .list(.shape(table)))])

    static let schemaList = Shape(
        name: "SchemaList", note: "The warehouse's tables.", fields: [Field("schemas", .list(.shape(schema)))])

    static let dashboardSummary = Shape(
        name: "DashboardSummary", note: "A dashboard.",
        fields: [
            Field("name", .text(), "In addresses: the source's name."),
            Field("title", .text()),
            Field("organization", .text()),
            Field("environment", .text()),
            Field("charts", .integer(least: 0), "How many it has."),
            .optional("problem", .text(), "Why its file cannot be read; absent if it can."),
        ])

    static let dashboardList = Shape(
        name: "DashboardList", note: "Dashboards.", fields: [Field("dashboards", .list(.shape(dashboardSummary)))])

    static let chart = Shape(
        name: "Chart", note: "A chart's form, without its data.",
        fields: [
            Field("id", .text()),
            Field("title", .text()),
            Field("kind", .text(), "`line`, `bar`, `number` or `table`."),
            Field("x", .text(), "The column along the x axis."),
            Field("y", .list(.text()), "The columns that are drawn."),
            .optional("unit", .text()),
            Field("is_dated", .boolean, "Whether the date range applies to it."),
        ])

    static let dashboard = Shape(
        name: "Dashboard", note: "A dashboard with its charts.",
        fields: [
            Field("summary", .shape(dashboardSummary)),
            Field("charts", .list(.shape(chart))),
            .optional("first_day", .text(format: "date"), "The first day that its dated charts hold."),
            .optional("last_day", .text(format: "date")),
        ])

    static let chartData = Shape(
        name: "ChartData", note: "A chart's data: at most 5,000 rows; `truncated` says if there are more.",
        fields: [
            Field("table", .shape(queryTable)),
            .optional("verified_through", .text(format: "date-time"), "The moment of the source's snapshot."),
        ])
}

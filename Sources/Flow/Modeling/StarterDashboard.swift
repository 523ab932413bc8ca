import Connecting
import Kernel

/// The dashboard that a source starts with: figures per day and the most frequent values, for the marts that matter
/// most.
enum StarterDashboard {
    static let largest = 12

    static func dashboard(of source: String, in plan: ProjectPlan) -> Dashboard {
        let tables = plan.tables(of: source)
        let facts = tables.filter { $0.isFact && $0.landed.rows > 0 }.sorted(by: mattersMore)
        // What each table would show, the most telling first; then one chart of each in turn until there are enough.
        let offers =
            facts.prefix(4).map(factCharts)
            + tables.filter { !$0.isFact && $0.landed.rows > 0 }.sorted(by: mattersMore).prefix(4).map(tableCharts)
        var chosen = Array(repeating: 0, count: offers.count)
        var count = 1
        for turn in 0..<largest {
            for index in offers.indices where count < largest && turn < offers[index].count {
                chosen[index] += 1
                count += 1
            }
        }
        var charts = zip(offers, chosen).flatMap { Array($0.prefix($1)) } + [rowsPerTable(tables)]
        // order_item.total and order.item_total would have one.
        for (index, id) in Slug.distinct(charts.map(\.id)).enumerated() { charts[index].id = id }
        return Dashboard(name: source, title: words(source), source: source, charts: charts)
    }

    /// Money before other events, own moments before inherited ones, then more references and more rows.
    private static func mattersMore(_ left: TablePlan, _ right: TablePlan) -> Bool {
        func weight(_ table: TablePlan) -> (Int, Int, Int64, String) {
            let money = table.measures.contains { $0.kind == .sum && $0.isMoney }
            return (
                money ? 0 : 1, table.isFact ? (table.ownsMoment ? 0 : 1) : -table.referenceCount, -table.landed.rows,
                table.landed.table
            )
        }
        return weight(left) < weight(right)
    }

    private static func factCharts(_ table: TablePlan) -> [Chart] {
        guard let moment = table.moment else { return [] }
        let sums = table.measures.filter { $0.kind == .sum }.enumerated()
            .sorted { ($0.element.isMoney ? 0 : 1, $0.offset) < ($1.element.isMoney ? 0 : 1, $1.offset) }
            .prefix(2).map { perDay(table, $0.element) }
        let tops = groupings(table.enriched).prefix(2).map { top(table, table.fact, $0, date: moment.plain) }
        var charts = sums.prefix(1) + [rowsPerDay(table)] + tops.prefix(1) + sums.dropFirst() + tops.dropFirst()
        charts.append(number(table, moment))
        return Array(charts)
    }

    /// Tables without a moment: dimensions, and what no mart is made of.
    private static func tableCharts(_ table: TablePlan) -> [Chart] {
        groupings(table.enriched).prefix(2).map { column in
            table.isDimension
                ? top(table, table.dimension, column, date: nil)
                : top(table, "STAGING.\(table.staging)", column, date: nil)
        }
    }

    /// Columns of few values, as far as name and type tell, best first.
    private static func groupings(_ columns: [ModelColumn]) -> [ModelColumn] {
        let ranked = columns.enumerated().compactMap { place, column -> (rank: Int, place: Int)? in
            guard !column.isKey, !column.isForeignKey else { return nil }
            let byName = ColumnVocabulary.groupingRank(column.name)
            switch column.values {
            case .carried(.text): break
            case .carried(.boolean): return (4, place)
            default: return nil
            }
            if column.isEnumeration { return (8, place) }
            // A row's own name is seldom shared; the name of its parent is.
            let isOwnName = byName == 2 && column.parent == nil
            return byName > 0 && !isOwnName ? (column.parent == nil ? byName + 2 : byName, place) : nil
        }
        return ranked.sorted { ($1.rank, $0.place) < ($0.rank, $1.place) }.map { columns[$0.place] }
    }

    private static func perDay(_ table: TablePlan, _ measure: Measure) -> Chart {
        Chart(
            id: "\(table.daily)_\(measure.name)",
            title: "\(words(table.label)): \(spaced(measure.column.name)) per day",
            kind: .line,
            sql: """
                select day, \(SQLName.column(measure.name))
                from MARTS.\(table.daily)
                where \(Chart.dateFilter)
                order by day
                """,
            x: "day", y: [measure.name], dateColumn: "day")
    }

    private static func rowsPerDay(_ table: TablePlan) -> Chart {
        Chart(
            id: "\(table.daily)_rows", title: "\(words(table.label)): rows per day", kind: .line,
            sql: """
                select day, "rows"
                from MARTS.\(table.daily)
                where \(Chart.dateFilter)
                order by day
                """,
            x: "day", y: ["rows"], dateColumn: "day")
    }

    private static func top(_ table: TablePlan, _ model: String, _ column: ModelColumn, date: String?) -> Chart {
        let relation = model.contains(".") ? model : "MARTS.\(model)"
        return Chart(
            id: "\(model.replacing("STAGING.", with: ""))_top_\(column.name)",
            title: "\(words(table.label)): top \(spaced(column.name))", kind: .bar,
            sql: """
                select coalesce(cast(\(SQLName.column(column.name)) as varchar), '(none)') as label, count(*) as "rows"
                from \(relation)\(date == nil ? "" : "\nwhere \(Chart.dateFilter)")
                group by 1
                order by 2 desc, 1
                limit 10
                """,
            x: "label", y: ["rows"], dateColumn: date)
    }

    private static func number(_ table: TablePlan, _ moment: Moment) -> Chart {
        Chart(
            id: "\(table.fact)_rows", title: "\(words(table.label)): rows", kind: .number,
            sql: """
                select count(*) as "rows"
                from MARTS.\(table.fact)
                where \(Chart.dateFilter)
                """,
            y: ["rows"], dateColumn: moment.plain)
    }

    /// Every source has at least this chart.
    private static func rowsPerTable(_ tables: [TablePlan]) -> Chart {
        let largest = tables.sorted { ($1.landed.rows, $0.landed.table) < ($0.landed.rows, $1.landed.table) }.prefix(20)
        let counts = largest.map { table in
            let relation =
                table.isFact
                ? "MARTS.\(table.fact)" : table.isDimension ? "MARTS.\(table.dimension)" : "STAGING.\(table.staging)"
            return "select '\(table.label)' as label, count(*) as \"rows\" from \(relation)"
        }
        return Chart(
            id: "rows_per_table", title: "Rows per table", kind: .bar,
            sql: counts.joined(separator: "\nunion all\n") + "\norder by 2 desc, 1", x: "label", y: ["rows"])
    }

    /// `web_events` → `Web events`.
    private static func words(_ name: String) -> String {
        let spaced = spaced(name)
        return spaced.prefix(1).uppercased() + spaced.dropFirst()
    }

    private static func spaced(_ name: String) -> String {
        name.split(separator: "_").joined(separator: " ")
    }
}

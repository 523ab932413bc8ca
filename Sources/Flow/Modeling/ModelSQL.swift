import Connecting

/// The SQL of each model, as dbt users write it: imports as common table expressions, one column per line.
extension TablePlan {
    /// RAW's table 1:1, renamed to snake_case and typed.
    var stagingSQL: String {
        let relation = "source('\(source)', '\(landed.table)')"
        let list = columns.map { column in
            let raw = SQLName.column(column.rawName)
            let value =
                switch column.values {
                case .carried, .exactText: raw
                // Text that PostgreSQL takes for JSON and DuckDB does not is kept as a JSON string.
                case .json: "coalesce(try_cast(\(raw) as json), to_json(\(raw)))"
                case .exactDecimal:
                    "{{ exact_decimal(\(relation), \(SQLName.inTemplate(column.rawName))\(digits(of: column))) }}"
                // DuckDB does not read a plus sign in an interval.
                case .interval: "try_cast(replace(\(raw), '+', '') as interval)"
                }
            return value == column.name ? value : "\(value) as \(SQLName.column(column.name))"
        }
        return """
            with source as (

                select * from {{ \(relation) }}

            ),

            renamed as (

                select
            \(lines(list, indent: 8))
                from source

            )

            select * from renamed

            """
    }

    /// Keys are never added up, so they may use all 38 digits.
    private func digits(of column: ModelColumn) -> String { column.isKey || column.isForeignKey ? ", digits=38" : "" }

    /// The staging model with its parents' describing columns: as many rows as the staging model has.
    var intermediateSQL: String {
        let child = SQLName.column(name)
        let imports = [(child, staging)] + joins.map { (SQLName.column($0.alias), $0.reference.parent) }
        let expressions = imports.map { name, model in
            "\(name) as (\n\n    select * from {{ ref('\(model)') }}\n\n)"
        }
        let own = columns.map { "\(child).\(SQLName.column($0.name))" }
        let added = joins.flatMap { join in
            join.columns.map { column in
                let value = "\(SQLName.column(join.alias)).\(SQLName.column(column.parent))"
                return column.parent == column.name ? value : "\(value) as \(SQLName.column(column.name))"
            }
        }
        let clauses = joins.map { join in
            let pairs = zip(join.reference.columns, join.reference.parentColumns).map { column, parentColumn in
                "\(child).\(SQLName.column(column)) = \(SQLName.column(join.alias)).\(SQLName.column(parentColumn))"
            }
            return "left join \(SQLName.column(join.alias))\n    on \(pairs.joined(separator: "\n    and "))"
        }
        return """
            with \(expressions.joined(separator: ",\n\n"))

            select
            \(lines(own + added, indent: 4))
            from \(child)
            \(clauses.joined(separator: "\n"))

            """
    }

    /// A fact or a dimension: a table, so intervals stand as text, because Parquet would lose their microseconds.
    var martSQL: String {
        let list = enriched.map { column in
            let name = SQLName.column(column.name)
            return column.values == .interval ? "cast(\(name) as varchar) as \(name)" : name
        }
        return """
            select
            \(lines(list, indent: 4))
            from {{ ref('\(martInput)') }}

            """
    }

    /// One row per day on which the fact has rows. Nil if the table has no moment.
    var dailySQL: String? {
        guard let moment else { return nil }
        let list =
            ["\(moment.day) as day", "count(*) as \"rows\""]
            + measures.map { "\($0.sql) as \(SQLName.column($0.name))" }
        return """
            select
            \(lines(list, indent: 4))
            from {{ ref('\(fact)') }}
            where isfinite(\(SQLName.column(moment.column)))
            group by 1

            """
    }

    private func lines(_ items: [String], indent: Int) -> String {
        items.map { String(repeating: " ", count: indent) + $0 }.joined(separator: ",\n")
    }
}

extension Measure {
    /// Sums stay exact as long as 38 digits hold them; numbers too wide for that are added as floating-point.
    var sql: String {
        let name = SQLName.column(column.name)
        let isFloating = column.carried == .float32 || column.carried == .float64
        let finite = isFloating ? " filter (where isfinite(\(name)))" : ""
        guard kind == .sum else { return "avg(\(name))\(finite)" }
        switch column.values {
        case .carried(.decimal(let precision, _)) where precision > 28: return "sum(cast(\(name) as double))"
        case .carried(.int16), .carried(.int32), .carried(.int64): return "cast(sum(\(name)) as decimal(38, 0))"
        default: return "sum(\(name))\(finite)"
        }
    }
}

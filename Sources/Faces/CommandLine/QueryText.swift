import Wire

/// An answer to a query, as a table for people.
struct QueryText {
    let style: Style

    func text(of table: QueryTable) -> String {
        let null = style == .plain ? "" : style.hasUnicode ? "∅" : "null"
        var grid = Grid(
            columns: table.columns.map { Grid.Column($0.name.withoutControls, isNumber: isNumber($0.type)) })
        grid.rows = table.rows.map { row in row.map { $0.text?.withoutControls ?? null } }
        let lines = grid.lines(style: style) { $1 == null ? style.dim($1) : $1 }
        return (lines + footer(of: table)).map { $0 + "\n" }.joined()
    }

    private func footer(of table: QueryTable) -> [String] {
        let count = "(\(Figures.count(table.rows.count, "row")))"
        guard table.truncated else { return [count] }
        return [count, "Only the first \(Figures.count(table.rows.count, "row")) are shown; --format csv gives all."]
    }

    private func isNumber(_ type: String) -> Bool {
        let name = type.prefix { $0 != "(" }.uppercased()
        return Self.numbers.contains(name) && !type.hasSuffix("]")
    }

    private static let numbers: Set<String> = [
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
        "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BIGNUM",
    ]
}

import Wire

/// An answer's rows as a table on a page.
struct Grid: Sendable {
    let columns: [Column]
    let rows: [Row]
    let note: String
    let isEmpty: Bool

    struct Column: Sendable {
        let name: String
        let type: String
        let isNumber: Bool
    }

    struct Row: Sendable {
        let cells: [GridCell]
    }

    init(_ table: QueryTable) {
        let columns = table.columns.map {
            Column(name: $0.name, type: $0.type, isNumber: Self.isNumeric($0.type))
        }
        self.columns = columns
        rows = table.rows.map { row in
            Row(cells: zip(row, columns).map { GridCell($0, isNumber: $1.isNumber) })
        }
        isEmpty = table.rows.isEmpty
        let count = Readable.plural(table.rows.count, "row")
        let time =
            table.seconds < 1 ? "\(Int((table.seconds * 1000).rounded(.up))) ms" : Readable.duration(table.seconds)
        note = "\(table.truncated ? "First \(count)" : count) in \(time)"
    }

    /// DuckDB's numeric types stand to the right, so that digits line up.
    static func isNumeric(_ type: String) -> Bool {
        let name = type.prefix { $0 != "(" }
        return [
            "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
        ].contains(name) && !type.hasSuffix("]")
    }
}

/// One value: long ones are cut on the page, whole in the title.
struct GridCell: Sendable {
    private static let longest = 120

    let text: String?
    let whole: String?
    let isNumber: Bool

    init(_ cell: Cell, isNumber: Bool) {
        self.isNumber = isNumber
        guard let value = cell.text, value.count > Self.longest else {
            text = cell.text
            whole = nil
            return
        }
        text = "\(value.prefix(Self.longest))…"
        whole = String(value.prefix(2000))
    }
}

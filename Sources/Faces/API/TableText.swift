import Wire

extension QueryTable {
    /// JSON has no NaN and no infinities: they become texts.
    var finite: QueryTable {
        var table = self
        table.rows = rows.map { row in
            row.map { cell in
                guard case .number(let value) = cell, !value.isFinite else { return cell }
                return .text(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
            }
        }
        return table
    }
}

/// Rows and columns of text, aligned.
struct Grid {
    struct Column {
        var title: String
        var isNumber: Bool
        /// For what a reader copies: never cut, as numbers are not.
        var isWhole: Bool

        init(_ title: String, isNumber: Bool = false, isWhole: Bool = false) {
            self.title = title
            self.isNumber = isNumber
            self.isWhole = isWhole || isNumber
        }
    }

    var columns: [Column]
    var rows: [[String]] = []

    /// A line of titles, a rule and the rows. Where the style has a width, wide columns of text are cut until all fit;
    /// numbers and what is to stay whole are never cut.
    /// - Parameter paint: colours a cell after it has been measured; given the column's index and the cut text.
    func lines(style: Style, paint: (Int, String) -> String = { $1 }) -> [String] {
        let widths = fittedWidths(style)
        let titles = line(columns.map(\.title), widths, style) { style.bold($1) }
        let rule = widths.map { String(repeating: style.hasUnicode ? "─" : "-", count: $0) }.joined(separator: "  ")
        return [titles, rule] + rows.map { line($0, widths, style, paint) }
    }

    private func line(_ cells: [String], _ widths: [Int], _ style: Style, _ paint: (Int, String) -> String) -> String {
        let parts = zip(cells.indices, cells).map { index, cell in
            let text = cell.cut(to: widths[index], ellipsis: style.ellipsis)
            let blank = String(repeating: " ", count: max(0, widths[index] - text.columns))
            let painted = text.isEmpty ? "" : paint(index, text)
            if columns[index].isNumber { return blank + painted }
            return index == cells.count - 1 ? painted : painted + blank
        }
        return String(parts.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }

    private func fittedWidths(_ style: Style) -> [Int] {
        var widths = columns.enumerated().map { index, column in
            rows.reduce(column.title.columns) { max($0, $1[index].columns) }
        }
        guard let width = style.width else { return widths }
        let least = 4
        let texts = columns.indices.filter { !columns[$0].isWhole }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
        while excess > 0, let widest = texts.max(by: { widths[$0] < widths[$1] }), widths[widest] > least {
            // Down to the second widest at once, so that a cell of a million characters costs one step.
            let next = texts.filter { $0 != widest }.map { widths[$0] }.max() ?? least
            let cut = min(excess, max(1, widths[widest] - max(next, least)))
            widths[widest] -= cut
            excess -= cut
        }
        return widths
    }
}

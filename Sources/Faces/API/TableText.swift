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

    /// RFC 4180 with a header line; null is an empty field, an empty text is `""`.
    var csv: String {
        let header = columns.map { quoted($0.name) }
        let lines = [header] + finite.rows.map { row in row.map { $0.text.map(quoted) ?? "" } }
        return lines.map { $0.joined(separator: ",") + "\r\n" }.joined()
    }
}

private func quoted(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { ![0x22, 0x2C, 0x0A, 0x0D].contains($0) }
    return isPlain
        ? text : "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}

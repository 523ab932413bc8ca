import Kernel
import Yams

/// A dashboard as it stands in `dashboards/{name}.yml` of the project: charts over the warehouse, in the order in which
/// they are shown.
package struct Dashboard: Sendable, Codable, Hashable {
    /// A slug: the file's name.
    package var name: String
    package var title: String
    /// The source whose tables it shows.
    package var source: String
    package var charts: [Chart]

    package init(name: String, title: String, source: String, charts: [Chart]) {
        self.name = name
        self.title = title
        self.source = source
        self.charts = charts
    }
}

/// One chart: a SELECT and how its columns are drawn.
package struct Chart: Sendable, Codable, Hashable {
    package enum Kind: String, Sendable, Codable, Hashable, CaseIterable {
        /// `y` over the days or moments of `x`.
        case line
        /// `y` for each value of `x`.
        case bar
        /// The first row's first `y`, large.
        case number
        /// All columns, as a table.
        case table
    }

    /// Unique in the dashboard; letters, digits, `_`.
    package var id: String
    package var title: String
    package var kind: Kind
    /// One SELECT statement over the warehouse's schemas, `MARTS.daily_orders`. Where `Chart.dateFilter` stands in it,
    /// a condition on `dateColumn` is put in.
    package var sql: String
    /// The column of the result on the category axis; nil for numbers and tables.
    package var x: String?
    /// The columns of the result that are drawn.
    package var y: [String]
    /// What is shown after the values, `EUR`, `ms`.
    package var unit: String?
    /// What the date range of the dashboard filters: a column, or an expression in parentheses, of type DATE or
    /// TIMESTAMP in the scope of the `WHERE` that holds `{{date_filter}}`. Nil: the chart shows all dates always.
    package var dateColumn: String?

    /// `{{date_filter}}`.
    package static let dateFilter = "{{date_filter}}"

    package init(
        id: String, title: String, kind: Kind, sql: String, x: String? = nil, y: [String] = [], unit: String? = nil,
        dateColumn: String? = nil
    ) {
        self.id = id
        self.title = title
        self.kind = kind
        self.sql = sql
        self.x = x
        self.y = y
        self.unit = unit
        self.dateColumn = dateColumn
    }

    package enum CodingKeys: String, CodingKey {
        case id, title, kind, sql, x, y, unit
        case dateColumn = "date_column"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(String.self, forKey: .id)
        title = try values.decode(String.self, forKey: .title)
        kind = try values.decode(Kind.self, forKey: .kind)
        sql = try values.decode(String.self, forKey: .sql)
        x = try values.decodeIfPresent(String.self, forKey: .x)
        y = try values.decodeIfPresent([String].self, forKey: .y) ?? []
        unit = try values.decodeIfPresent(String.self, forKey: .unit)
        dateColumn = try values.decodeIfPresent(String.self, forKey: .dateColumn)
    }

    /// The statement to run for a range of days, both included; a nil end is open.
    /// - Parameters: days as `YYYY-MM-DD`.
    /// - Throws: `invalidInput` if a day has another form.
    package func statement(from first: String? = nil, through last: String? = nil) throws -> String {
        let conditions = try [
            first.map { "\(dateColumn ?? "") >= date '\(try Self.day($0))'" },
            last.map { "\(dateColumn ?? "") < date '\(try Self.day($0))' + interval 1 day" },
        ].compactMap(\.self)
        let isFiltered = dateColumn != nil && !conditions.isEmpty
        return sql.replacing(Self.dateFilter, with: isFiltered ? conditions.joined(separator: " and ") : "true")
    }

    private static func day(_ text: String) throws -> String {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let isDay =
            parts.map(\.count) == [4, 2, 2]
            && text.unicodeScalars.allSatisfy { $0 == "-" || ("0"..."9").contains($0) }
        guard isDay else {
            throw Problem(
                .invalidInput, "A day of the date range is not of the form YYYY-MM-DD.", hint: "Write 2026-01-31.")
        }
        return text
    }
}

extension Dashboard {
    /// Reads a dashboard's YAML.
    /// - Parameter file: its name, for the message.
    /// - Throws: `invalidInput` that says what is wrong and where.
    package init(yaml: String, file: String) throws {
        let hint = "docs/models.md describes the format."
        do {
            self = try YAMLDecoder().decode(Dashboard.self, from: yaml)
        } catch let DecodingError.keyNotFound(key, context) {
            let place = context.codingPath.map(Self.step).joined(separator: " ")
            throw Problem(
                .invalidInput, "The dashboard \(file) has no \(key.stringValue)\(place.isEmpty ? "" : " in \(place)").",
                hint: hint)
        } catch let DecodingError.dataCorrupted(context), let DecodingError.typeMismatch(_, context),
            let DecodingError.valueNotFound(_, context)
        {
            let place = context.codingPath.map(Self.step).joined(separator: " ")
            let what = place.isEmpty ? "cannot be read as YAML" : "has an unusable value at \(place)"
            throw Problem(.invalidInput, "The dashboard \(file) \(what).", hint: hint, cause: context.underlyingError)
        }
        let ids = charts.map(\.id)
        guard Set(ids).count == ids.count else {
            throw Problem(
                .invalidInput, "The dashboard \(file) has two charts of one id.", hint: "Give each its own id.")
        }
    }

    private static func step(_ key: any CodingKey) -> String {
        key.intValue.map { "\($0 + 1)" } ?? key.stringValue
    }

    /// The dashboard as YAML; reading it gives an equal dashboard.
    package func yaml() -> String {
        YAMLText.map([
            ("name", .text(name)), ("title", .text(title)), ("source", .text(source)),
            ("charts", .list(charts.map(\.yaml))),
        ]).document()
    }
}

extension Chart {
    fileprivate var yaml: YAMLText {
        var entries: [(String, YAMLText)] = [
            ("id", .text(id)), ("title", .text(title)), ("kind", .text(kind.rawValue)), ("sql", .block(sql)),
        ]
        if let x { entries.append(("x", .text(x))) }
        if !y.isEmpty { entries.append(("y", .list(y.map { .text($0) }))) }
        if let unit { entries.append(("unit", .text(unit))) }
        if let dateColumn { entries.append(("date_column", .text(dateColumn))) }
        return .map(entries)
    }
}

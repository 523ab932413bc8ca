import Connecting

/// The YAML beside the models: what they are and the tests that hold them to what the source declares.
extension ProjectPlan {
    func sourcesYAML(_ source: String) -> YAMLText {
        let tables = tables(of: source).map { table in
            properties(
                table.landed.table,
                "\(table.landed.stream.kind.words) \(table.landed.stream.name) of the source, as it was loaded.",
                columns: table.columns.filter { $0.values != .exactText }.map {
                    described($0.rawName, $0.sourceDescription)
                })
        }
        return .map([
            ("version", .number(2)),
            (
                "sources",
                .list([
                    .map([
                        ("name", .text(source)), ("database", .text(input.database)), ("schema", .text("RAW")),
                        ("tables", .list(tables)),
                    ])
                ])
            ),
        ])
    }

    func stagingYAML(_ source: String) -> YAMLText {
        models(
            tables(of: source).map { table in
                properties(
                    table.staging, "\(table.landed.table) 1:1, with names in snake_case and typed columns.",
                    tests: table.modelTests,
                    columns: table.columns.map { column in
                        described(column.name, column.sourceDescription, tests: table.tests(of: column))
                    })
            })
    }

    func intermediateYAML(_ source: String) -> YAMLText {
        models(
            tables(of: source).compactMap { table in
                guard let name = table.intermediate else { return nil }
                let parents = table.joins.map { "\($0.reference.parent) as \($0.alias)" }.joined(separator: ", ")
                return properties(
                    name, "\(table.staging) joined to its parents: \(parents). One row per row of \(table.staging).")
            })
    }

    func martsYAML(_ source: String) -> YAMLText {
        var list: [YAMLText] = []
        for table in tables(of: source) {
            if table.isFact, let moment = table.moment {
                list.append(
                    table.mart(table.fact, "One row per row of \(table.martInput); it happened at \(moment.column)."))
                list.append(dailyYAML(table, moment: moment))
            }
            if table.isDimension {
                list.append(
                    table.mart(table.dimension, "One row per row of \(table.martInput), which other tables refer to."))
            }
        }
        return models(list)
    }

    private func dailyYAML(_ table: TablePlan, moment: Moment) -> YAMLText {
        let measures = table.measures.map { measure in
            described(measure.name, "\(measure.kind == .sum ? "Sum" : "Mean") of \(measure.column.name).")
        }
        let utc = moment.type == .timestampWithTimeZone ? " in UTC" : ""
        return properties(
            table.daily,
            "\(table.fact) per day of \(moment.column)\(utc). Rows without a finite \(moment.column) are left out.",
            columns: [
                described("day", "The day\(utc).", tests: [.text("not_null"), .text("unique")]),
                described("rows", "Rows of \(table.fact) on that day.", tests: [.text("not_null")]),
            ] + measures)
    }

    private func models(_ list: [YAMLText]) -> YAMLText {
        .map([("version", .number(2)), ("models", .list(list))])
    }
}

extension TablePlan {
    fileprivate func tests(of column: ModelColumn) -> [YAMLText] {
        var tests: [YAMLText] = []
        let isKeyPart = primaryKey.contains(column.name)
        // What has no decimal or no interval in DuckDB (NaN, infinity) is null there; the exact text is not.
        let canVanish = column.values == .exactDecimal || column.values == .interval
        if isKeyPart || (!column.nullable && !canVanish) { tests.append(.text("not_null")) }
        if keys.contains([column.name]) { tests.append(.text("unique")) }
        return tests
    }

    fileprivate var modelTests: [YAMLText] {
        keyTests(keys) + references.map(hasParent)
    }

    private func hasParent(_ reference: Reference) -> YAMLText {
        test(
            "has_parent",
            [
                ("key", names(reference.columns)),
                ("to", .text("ref('\(reference.parent)')")),
                ("parent_key", names(reference.parentColumns)),
                ("tables", .list([.text(landed.table), .text(reference.parentTable)])),
            ])
    }

    /// A fact or a dimension keeps its table's key.
    fileprivate func mart(_ name: String, _ description: String) -> YAMLText {
        let columns = enriched.map { column in
            let isKey = key == [column.name]
            let origin = column.parent.map { "\(column.rawName) of \($0), " } ?? ""
            return described(
                column.name, origin + column.sourceDescription,
                tests: isKey ? [.text("not_null"), .text("unique")] : [])
        }
        return properties(name, description, tests: keyTests([key]), columns: columns)
    }

    private func keyTests(_ keys: [[String]]) -> [YAMLText] {
        keys.filter { $0.count > 1 }.map { test("unique_together", [("key", names($0))]) }
    }

    private func names(_ columns: [String]) -> YAMLText { .list(columns.map { .text(SQLName.column($0)) }) }

    private func test(_ name: String, _ arguments: [(String, YAMLText)]) -> YAMLText {
        .map([(name, .map([("arguments", .map(arguments))]))])
    }
}

extension ModelColumn {
    fileprivate var sourceDescription: String {
        switch values {
        case .exactText: "\(sourceType) in the source; its exact text."
        case .exactDecimal: "\(sourceType) in the source; null where that is no finite number."
        default: "\(sourceType) in the source."
        }
    }
}

extension SourceStream.Kind {
    fileprivate var words: String {
        switch self {
        case .table: "Table"
        case .partitionedTable: "Partitioned table"
        case .view: "View"
        case .materializedView: "Materialized view"
        case .foreignTable: "Foreign table"
        }
    }
}

/// An entry of `tables` or `models`.
private func properties(
    _ name: String, _ description: String, tests: [YAMLText] = [], columns: [YAMLText] = []
) -> YAMLText {
    var entries: [(String, YAMLText)] = [("name", .text(name)), ("description", .text(SQLName.literal(description)))]
    if !tests.isEmpty { entries.append(("data_tests", .list(tests))) }
    if !columns.isEmpty { entries.append(("columns", .list(columns))) }
    return .map(entries)
}

private func described(_ name: String, _ description: String, tests: [YAMLText] = []) -> YAMLText {
    var entries: [(String, YAMLText)] = [("name", .text(SQLName.literal(name)))]
    if !SQLName.isBare(name) { entries.append(("quote", .flag(true))) }
    entries.append(("description", .text(SQLName.literal(description))))
    if !tests.isEmpty { entries.append(("data_tests", .list(tests))) }
    return .map(entries)
}

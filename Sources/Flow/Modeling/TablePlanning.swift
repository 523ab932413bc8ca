import Connecting
import Kernel

extension ProjectPlan {
    /// The staging model of a landed stream: every column once, in snake_case, and decimals' exact text beside them.
    static func staged(_ landed: LandedStream, source: String) -> TablePlan {
        let stream = landed.stream
        let names = Slug.distinct(stream.columns.map { Slug.snakeCase($0.name) })
        let byRaw = Dictionary(zip(stream.columns.map(\.name), names), uniquingKeysWith: { first, _ in first })
        let keys = ([stream.primaryKey] + stream.uniqueKeys).map { $0.compactMap { byRaw[$0] } }
        let keyColumns = Set(keys.joined())
        var taken = Set(names)
        var columns: [ModelColumn] = []
        for (position, (column, raw)) in zip(stream.columns, RawNaming.columns(of: stream)).enumerated() {
            let values = Self.values(of: column)
            columns.append(
                ModelColumn(
                    name: names[position], rawName: raw, values: values, sourceType: column.sourceType,
                    nullable: column.nullable, isEnumeration: column.meaning == .enumeration,
                    isKey: keyColumns.contains(names[position])))
            if values == .exactDecimal {
                let name = free("\(names[position])_text", &taken)
                columns.append(
                    ModelColumn(
                        name: name, rawName: raw, values: .exactText, sourceType: column.sourceType,
                        nullable: column.nullable))
            }
        }
        var plan = TablePlan(
            source: source, landed: landed, name: Slug.snakeCase(stream.name.table), label: "", columns: columns,
            primaryKey: keys[0], uniqueKeys: Array(keys.dropFirst()).filter { !$0.isEmpty })
        plan.label = plan.name
        plan.enriched = columns
        return plan
    }

    private static func values(of column: StreamColumn) -> ModelColumn.Values {
        switch column.meaning {
        case .plain, .enumeration: .carried(column.carried)
        case .json: .json
        case .decimalText: .exactDecimal
        case .intervalText: .interval
        }
    }
}

/// The name, or the name with the first free number from 2 on.
func free(_ name: String, _ taken: inout Set<String>) -> String {
    var candidate = name
    var number = 2
    while !taken.insert(candidate).inserted {
        candidate = "\(name)_\(number)"
        number += 1
    }
    return candidate
}

extension TablePlan {
    /// Joins each parent along each reference once and names its columns.
    mutating func join(parents: [String: TablePlan]) {
        var taken = Set(columns.map(\.name))
        var aliases: Set<String> = [name]
        enriched = columns
        for reference in references {
            guard let parent = parents[reference.parent],
                parent.keys.contains(where: { Set($0) == Set(reference.parentColumns) })
            else { continue }
            let chosen = parent.describingColumns
            guard !chosen.isEmpty else { continue }
            let alias = free(alias(for: reference, parent: parent), &aliases)
            let added = chosen.map { column in
                let isPrefixed = column.name == alias || column.name.hasPrefix("\(alias)_")
                return (column, free(isPrefixed ? column.name : "\(alias)_\(column.name)", &taken))
            }
            joins.append(
                ParentJoin(reference: reference, alias: alias, columns: added.map { ($0.0.name, $0.1) }))
            enriched += added.map { column, name in
                var column = column
                column.name = name
                column.nullable = true
                column.isKey = false
                column.parent = alias
                return column
            }
        }
    }

    /// `customer` for `customer_id` and `customerid`; the parent's name where the key has several columns.
    private func alias(for reference: Reference, parent: TablePlan) -> String {
        let sameParent = references.filter { $0.parent == reference.parent }.count
        guard reference.columns.count == 1, let column = reference.columns.first else {
            return sameParent == 1 ? parent.name : "\(parent.name)_\(reference.columns.joined(separator: "_"))"
        }
        for suffix in ["_id", "_uuid", "_key", "_code", "_no", "_number", "id"] where column.hasSuffix(suffix) {
            let stem = String(column.dropLast(suffix.count))
            if !stem.isEmpty, stem.last != "_" { return stem }
        }
        return column == "id" ? parent.name : column
    }

    /// The columns that tell what a row is: at most eight, names and kinds before contacts, and always the moment.
    var describingColumns: [ModelColumn] {
        let ranked = columns.enumerated().compactMap { place, column -> (rank: Int, place: Int)? in
            guard !column.isKey, !column.isForeignKey else { return nil }
            let rank = column.name == moment?.column ? 10 : describingRank(column)
            return rank > 0 ? (rank, place) : nil
        }
        let best = ranked.sorted { ($1.rank, $0.place) < ($0.rank, $1.place) }.prefix(8)
        return best.map(\.place).sorted().map { columns[$0] }
    }

    private func describingRank(_ column: ModelColumn) -> Int {
        let byName = ColumnVocabulary.descriptiveRank(column.name)
        guard byName > 0 else { return 0 }
        switch column.values {
        case .json, .exactText, .interval, .carried(.bytes), .carried(.uuid), .carried(.time): return 0
        case .carried(.text): return column.isEnumeration ? 8 : byName
        case .carried(.boolean): return 5
        default: return ColumnVocabulary.isPrivate(column.name) ? 0 : 4
        }
    }

    /// Sums and means of the fact's own numbers; a parent's number would count once per child.
    mutating func chooseMeasures() {
        var taken: Set<String> = ["day", "rows"]
        measures = columns.compactMap { column in
            guard column.isNumber, !column.isKey, !column.isForeignKey,
                let kind = ColumnVocabulary.measure(column.name, isDecimal: column.isDecimal)
            else { return nil }
            return Measure(column: column, kind: kind, name: free("\(column.name)_\(kind.rawValue)", &taken))
        }
    }
}

import Connecting

/// A column of a model.
struct ModelColumn: Equatable {
    enum Values: Equatable {
        case carried(CarriedType)
        case json
        /// A decimal number that RAW holds as text. Its type is chosen when the model is built.
        case exactDecimal
        /// The same number's exact text, beside it.
        case exactText
        case interval
    }

    var name: String
    /// The column's name in RAW.
    var rawName: String
    var values: Values
    var sourceType: String
    var nullable: Bool
    var isEnumeration = false
    /// Part of the primary key or of another unique key.
    var isKey = false
    var isForeignKey = false
    /// The join that brought it, if it is a parent's column.
    var parent: String?

    var carried: CarriedType? {
        if case .carried(let type) = values { return type }
        return nil
    }

    var isNumber: Bool { values == .exactDecimal || carried?.isNumber == true }
    var isDecimal: Bool {
        if case .carried(.decimal) = values { return true }
        return values == .exactDecimal
    }
}

/// A foreign key between two landed tables, in the names of their staging models.
struct Reference: Equatable {
    var columns: [String]
    /// The parent's staging model and columns, and its table in RAW.
    var parent: String
    var parentTable: String
    var parentColumns: [String]
}

/// A reference along which the intermediate model joins the parent: its columns are one of the parent's keys, so the
/// join adds no rows.
struct ParentJoin: Equatable {
    var reference: Reference
    /// The name of the parent in the join, taken from the foreign key: `customer` for `customer_id`.
    var alias: String
    /// The parent's columns that are added, and their names in the child.
    var columns: [(parent: String, name: String)]

    static func == (left: ParentJoin, right: ParentJoin) -> Bool {
        left.reference == right.reference && left.alias == right.alias
            && left.columns.elementsEqual(right.columns, by: ==)
    }
}

/// The column that says when a row's event happened.
struct Moment: Equatable {
    var column: String
    var type: CarriedType

    /// The moment as a plain date or timestamp: in UTC where the source keeps time zones.
    var plain: String {
        let name = SQLName.column(column)
        return type == .timestampWithTimeZone ? "(\(name) at time zone 'UTC')" : name
    }

    /// The day of the moment, in UTC.
    var day: String { type == .date ? plain : "cast(\(plain) as date)" }
}

/// A number of a fact that its daily table sums or averages.
struct Measure: Equatable {
    var column: ModelColumn
    var kind: ColumnVocabulary.Measure
    /// The column's name in the daily table.
    var name: String
    var isMoney: Bool { ColumnVocabulary.isMoney(column.name, isDecimal: column.isDecimal) }
}

/// Everything that is generated for one landed table, as values.
struct TablePlan {
    let source: String
    let landed: LandedStream
    /// The table's name in snake_case, without source and schema.
    let name: String
    /// The name of its marts after `fct_`, `dim_` and `daily_`.
    var label: String
    /// The columns of the staging model.
    var columns: [ModelColumn]
    let primaryKey: [String]
    let uniqueKeys: [[String]]
    var references: [Reference] = []
    var joins: [ParentJoin] = []
    /// The columns of the marts' input: of the intermediate model if there is one, else of the staging model.
    var enriched: [ModelColumn] = []
    /// How many foreign keys of other tables refer to it.
    var referenceCount = 0
    var moment: Moment?
    /// Whether the moment is its own column rather than its parent's.
    var ownsMoment = false
    var isFact = false
    var measures: [Measure] = []

    var staging: String { "stg_\(landed.table)" }
    var intermediate: String? { joins.isEmpty ? nil : "int_\(landed.table)_enriched" }
    var martInput: String { intermediate ?? staging }
    var isDimension: Bool { referenceCount > 0 || references.contains { $0.parent == staging } }
    var fact: String { "fct_\(label)" }
    var dimension: String { "dim_\(label)" }
    var daily: String { "daily_\(label)" }
    /// The primary key, or else the first other unique key.
    var key: [String] { primaryKey.isEmpty ? uniqueKeys.first ?? [] : primaryKey }
    /// All keys, each once.
    var keys: [[String]] {
        ([primaryKey] + uniqueKeys).filter { !$0.isEmpty }.reduce(into: []) { all, key in
            if !all.contains(where: { Set($0) == Set(key) }) { all.append(key) }
        }
    }

    func column(_ name: String) -> ModelColumn? { columns.first { $0.name == name } }
}

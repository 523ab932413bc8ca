/// One table or view of a source, as the source declares it.
package struct SourceStream: Sendable, Hashable, Codable {
    /// The name inside the source.
    package var name: StreamName
    package var kind: Kind
    /// In the source's order.
    package var columns: [StreamColumn]
    /// Columns of the primary key, in key order; empty if there is none.
    package var primaryKey: [String]
    /// Other declared unique keys whose columns are all not null.
    package var uniqueKeys: [[String]]
    package var foreignKeys: [ForeignKey]
    /// The source's own estimate; nil if it has none.
    package var estimatedRows: Int64?
    /// Bytes on the source's disk, as it says; nil if it does not say.
    package var estimatedBytes: Int64?

    package init(
        name: StreamName, kind: Kind, columns: [StreamColumn], primaryKey: [String] = [], uniqueKeys: [[String]] = [],
        foreignKeys: [ForeignKey] = [], estimatedRows: Int64? = nil, estimatedBytes: Int64? = nil
    ) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.primaryKey = primaryKey
        self.uniqueKeys = uniqueKeys
        self.foreignKeys = foreignKeys
        self.estimatedRows = estimatedRows
        self.estimatedBytes = estimatedBytes
    }

    package enum Kind: String, Sendable, Hashable, Codable {
        case table
        case partitionedTable = "partitioned_table"
        case view
        case materializedView = "materialized_view"
        case foreignTable = "foreign_table"

        /// Whether it is taken when nobody names it.
        package var isDefault: Bool { self == .table || self == .partitionedTable }
    }
}

/// Schema and table. `description` is `schema.table`.
package struct StreamName: Sendable, Hashable, Codable, CustomStringConvertible, Comparable {
    package var schema: String
    package var table: String

    package init(schema: String, table: String) {
        self.schema = schema
        self.table = table
    }

    package var description: String { "\(schema).\(table)" }

    package static func < (left: StreamName, right: StreamName) -> Bool {
        (left.schema, left.table) < (right.schema, right.table)
    }

    /// By their bytes, as databases tell names apart: `é` as one character and as two are different names.
    package static func == (left: StreamName, right: StreamName) -> Bool {
        left.schema.utf8.elementsEqual(right.schema.utf8) && left.table.utf8.elementsEqual(right.table.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for text in [schema, table] {
            for byte in text.utf8 { hasher.combine(byte) }
            hasher.combine(UInt8(0xFF))
        }
    }
}

package struct StreamColumn: Sendable, Hashable, Codable {
    package var name: String
    /// The type as the source prints it, `numeric(10,2)`.
    package var sourceType: String
    /// How it is carried in the lake and in RAW.
    package var carried: CarriedType
    /// What it means, where the carried type alone does not tell: staging converts by it.
    package var meaning: Meaning
    package var nullable: Bool

    package init(
        name: String, sourceType: String, carried: CarriedType, meaning: Meaning = .plain, nullable: Bool = true
    ) {
        self.name = name
        self.sourceType = sourceType
        self.carried = carried
        self.meaning = meaning
        self.nullable = nullable
    }

    package enum Meaning: String, Sendable, Hashable, Codable {
        /// The carried type says it all.
        case plain
        /// Text that holds JSON.
        case json
        /// Text that holds an exact decimal number, or `NaN`, `Infinity`, `-Infinity`.
        case decimalText = "decimal_text"
        /// Text that holds an interval as `1 mon -3 days +04:05:06.123456` (months, days, time; each with its sign).
        case intervalText = "interval_text"
        /// One of a declared list of words.
        case enumeration
    }
}

/// The types that data has in Parquet files and in RAW: those that Parquet and DuckDB both hold exactly.
package enum CarriedType: Sendable, Hashable, Codable {
    case boolean, int16, int32, int64, float32, float64
    /// 0 ≤ scale ≤ precision ≤ 38.
    case decimal(precision: Int, scale: Int)
    case text, bytes, date, time, timestamp, timestampWithTimeZone, uuid

    /// The type's name in DuckDB's SQL.
    package var duckDB: String {
        switch self {
        case .boolean: "BOOLEAN"
        case .int16: "SMALLINT"
        case .int32: "INTEGER"
        case .int64: "BIGINT"
        case .float32: "FLOAT"
        case .float64: "DOUBLE"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .text: "VARCHAR"
        case .bytes: "BLOB"
        case .date: "DATE"
        case .time: "TIME"
        case .timestamp: "TIMESTAMP"
        case .timestampWithTimeZone: "TIMESTAMP WITH TIME ZONE"
        case .uuid: "UUID"
        }
    }

    package var isNumber: Bool {
        switch self {
        case .int16, .int32, .int64, .float32, .float64, .decimal: true
        default: false
        }
    }

    package var isMoment: Bool {
        switch self {
        case .date, .timestamp, .timestampWithTimeZone: true
        default: false
        }
    }
}

package struct ForeignKey: Sendable, Hashable, Codable {
    package var columns: [String]
    package var references: StreamName
    package var referencedColumns: [String]

    package init(columns: [String], references: StreamName, referencedColumns: [String]) {
        self.columns = columns
        self.references = references
        self.referencedColumns = referencedColumns
    }
}

/// `POST /api/v1/query`: one SELECT over one warehouse.
package struct QueryRequest: Sendable, Codable {
    package var sql: String
    package var organization: String?
    package var environment: String?
    package var format: QueryFormat?
    /// Most rows of a `json` answer; 10,000 if nil. The other formats give all rows.
    package var limit: Int?

    package init(
        sql: String, organization: String? = nil, environment: String? = nil, format: QueryFormat? = nil,
        limit: Int? = nil
    ) {
        self.sql = sql
        self.organization = organization
        self.environment = environment
        self.format = format
        self.limit = limit
    }
}

package enum QueryFormat: String, Sendable, Codable, CaseIterable {
    case json, csv, parquet

    package var contentType: String {
        switch self {
        case .json: "application/json"
        case .csv: "text/csv; charset=utf-8"
        case .parquet: "application/vnd.apache.parquet"
        }
    }
}

/// Columns and rows of an answer. Numbers that a JSON reader may round (beyond 2^53, decimals) are strings.
package struct QueryTable: Sendable, Codable {
    package var columns: [QueryColumn]
    package var rows: [[Cell]]
    /// Whether there were more rows than the limit.
    package var truncated: Bool
    package var seconds: Double

    package init(columns: [QueryColumn], rows: [[Cell]], truncated: Bool, seconds: Double) {
        self.columns = columns
        self.rows = rows
        self.truncated = truncated
        self.seconds = seconds
    }
}

package struct QueryColumn: Sendable, Codable, Hashable {
    package var name: String
    /// DuckDB's name of the type.
    package var type: String

    package init(name: String, type: String) {
        self.name = name
        self.type = type
    }
}

/// A value in JSON.
package enum Cell: Sendable, Codable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        }
    }

    /// For a table or a CSV field; nil for null.
    package var text: String? {
        switch self {
        case .null: nil
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .text(let value): value
        }
    }
}

/// `GET /api/v1/tables`: the tree of schemas.
package struct SchemaView: Sendable, Codable {
    package var name: String
    package var tables: [TableView]

    package init(name: String, tables: [TableView]) {
        self.name = name
        self.tables = tables
    }
}

package struct TableView: Sendable, Codable {
    package var name: String
    /// `table` or `view`.
    package var kind: String
    package var columns: [QueryColumn]
    /// Known for tables.
    package var rows: Int64?

    package init(name: String, kind: String, columns: [QueryColumn], rows: Int64?) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.rows = rows
    }
}

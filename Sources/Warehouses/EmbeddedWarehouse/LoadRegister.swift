import Connecting
import DuckDB
import Foundation
import Kernel
import Warehousing

/// `RAW._weir_loads`: every load that ever became visible, for people to read. The table of the same name in the
/// catalogue's schema is what keeps a load from being committed twice.
enum LoadRegister {
    static let table = "_weir_loads"

    static let columns = [
        Load.Column(name: "load_id", type: .uuid), Load.Column(name: "run_id", type: .uuid),
        Load.Column(name: "source", type: .text), Load.Column(name: "table_name", type: .text),
        Load.Column(name: "rows", type: .int64), Load.Column(name: "source_position", type: .text),
        Load.Column(name: "taken_at", type: .timestampWithTimeZone),
    ]

    static func copy(_ batch: LoadBatch, to path: String, key: Secret<[UInt8]>) -> String {
        let rows = batch.loads.map { load in
            let values = ["\(load.id)", "\(batch.run)", load.source, load.table].map(DuckSQL.literal)
            return """
                (\(values.joined(separator: ", ")), \(load.rows), \(DuckSQL.literal(load.position.position)), \
                \(DuckSQL.literal(load.position.takenAt)))
                """
        }
        let types = columns.map { "\($0.name)::\($0.type.duckDB) AS \($0.name)" }.joined(separator: ", ")
        let ids = columns.enumerated().map { "\($1.name): \($0 + 1)" }.joined(separator: ", ")
        return """
            COPY (SELECT \(types) FROM (VALUES \(rows.joined(separator: ", "))) AS t (\(columns.map(\.name).joined(separator: ", "))))
            TO \(DuckSQL.literal(path)) (FORMAT parquet, RETURN_STATS true, FIELD_IDS {\(ids)},
              ENCRYPTION_CONFIG {footer_key_value: from_base64('\(Data(key.reveal()).base64EncodedString())')})
            """
    }

    static func written(_ statistics: CopyStatistics) -> WrittenFile {
        WrittenFile(
            rows: statistics.rows, bytes: statistics.bytes, footerBytes: statistics.footerBytes,
            statistics: columns.map { column in
                let found = statistics.columns[DuckSQL.quoted(column.name)]
                return ColumnStatistics(
                    bytes: found?["column_size_bytes"].flatMap { Int64($0) } ?? 0, nulls: 0, minimum: nil, maximum: nil,
                    hasNaN: nil)
            })
    }
}

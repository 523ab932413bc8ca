import Connecting
import Foundation
import Kernel
import Postgres
import Warehousing

/// Writes loads into a DuckLake catalogue without copying a byte: the bronze files become data files.
///
/// The statements are those of the DuckLake 1.0 specification ("Queries", "Writing Data"; "Tables"), in one transaction
/// with the rows of `_weir_loads`. New DuckLake transactions wait meanwhile; one that is under way finds the snapshot
/// taken and tries again by itself.
struct LakeCommit {
    private let connection: PGConnection
    private let snapshot: Int64
    private var schemaVersion: Int64
    private var nextCatalogID: Int64
    private var nextFileID: Int64
    private let rawSchemaID: Int64
    private var changes: [String] = []
    private var changesSchema = false

    /// Takes the place of the next snapshot. Call inside a transaction.
    init(on connection: PGConnection) async throws {
        self.connection = connection
        try await connection.script("LOCK TABLE ducklake_snapshot IN SHARE ROW EXCLUSIVE MODE")
        let last = try await connection.query(
            """
            SELECT snapshot_id, schema_version, next_catalog_id, next_file_id FROM ducklake_snapshot
            ORDER BY snapshot_id DESC LIMIT 1
            """
        ).first
        let schema = try await connection.query(
            "SELECT schema_id FROM ducklake_schema WHERE schema_name = 'RAW' AND end_snapshot IS NULL"
        ).first
        guard let last, let schema else { throw Problem(.internal, "The lake's catalogue has no RAW schema.") }
        snapshot = try last.int("snapshot_id") + 1
        schemaVersion = try last.int("schema_version")
        nextCatalogID = try last.int("next_catalog_id")
        nextFileID = try last.int("next_file_id")
        rawSchemaID = try schema.int("schema_id")
    }

    var snapshotID: Int64 { snapshot }

    /// A file that lies in the table's folder.
    struct LinkedFile: Sendable {
        var name: String
        var written: WrittenFile
    }

    enum Mode { case replace, append }

    /// Gives a table these rows, in place of or beside what it holds. A table of other columns is replaced by a new one.
    mutating func put(
        _ files: [LinkedFile], into table: String, columns: [Load.Column], mode: Mode, key: Secret<[UInt8]>
    ) async throws {
        let existing = try await currentTable(table)
        let id: Int64
        if let existing, existing.columns == columns.map({ Self.column($0) }) {
            id = existing.id
            if mode == .replace { try await endFiles(of: id) }
        } else {
            if let existing { try await drop(existing.id) }
            id = try await create(table, columns)
        }
        try await add(files, to: id, columns: columns, key: key)
    }

    /// Writes the snapshot itself.
    func finish(message: String) async throws {
        try await connection.query(
            """
            INSERT INTO ducklake_snapshot (snapshot_id, snapshot_time, schema_version, next_catalog_id, next_file_id)
            VALUES (\(snapshot), clock_timestamp(), \(schemaVersion), \(nextCatalogID), \(nextFileID))
            """)
        try await connection.query(
            """
            INSERT INTO ducklake_snapshot_changes (snapshot_id, changes_made, author, commit_message)
            VALUES (\(snapshot), \(changes.joined(separator: ",")), 'weirhouse', \(message))
            """)
    }

    private struct Table {
        let id: Int64
        /// `name type` in order.
        let columns: [String]
    }

    private static func column(_ column: Load.Column) -> String { "\(column.name) \(column.type.duckLake)" }

    private func currentTable(_ name: String) async throws -> Table? {
        let found = try await connection.query(
            """
            SELECT table_id FROM ducklake_table
            WHERE table_name = \(name) AND schema_id = \(rawSchemaID) AND end_snapshot IS NULL
            """
        ).first
        guard let found else { return nil }
        let id = try found.int("table_id")
        let columns = try await connection.query(
            """
            SELECT column_name || ' ' || column_type AS declared FROM ducklake_column
            WHERE table_id = \(id) AND end_snapshot IS NULL AND parent_column IS NULL ORDER BY column_order
            """)
        return Table(id: id, columns: try columns.map { try $0.string("declared") })
    }

    private mutating func create(_ name: String, _ columns: [Load.Column]) async throws -> Int64 {
        let id = nextCatalogID
        nextCatalogID += 1
        nextSchemaVersion()
        try await connection.query(
            """
            INSERT INTO ducklake_table
              (table_id, table_uuid, begin_snapshot, schema_id, table_name, path, path_is_relative)
            VALUES (\(id), gen_random_uuid(), \(snapshot), \(rawSchemaID), \(name), \(name + "/"), true)
            """)
        for (index, column) in columns.enumerated() {
            try await connection.query(
                """
                INSERT INTO ducklake_column (column_id, begin_snapshot, table_id, column_order, column_name, column_type,
                  default_value, nulls_allowed, default_value_type, default_value_dialect)
                VALUES (\(index + 1), \(snapshot), \(id), \(index + 1), \(column.name), \(column.type.duckLake),
                  'NULL', true, 'literal', 'duckdb')
                """)
        }
        try await connection.query(
            """
            INSERT INTO ducklake_schema_versions (begin_snapshot, schema_version, table_id)
            VALUES (\(snapshot), \(schemaVersion), \(id))
            """)
        changes.append("created_table:\(SQL.quoted("RAW")).\(SQL.quoted(name))")
        return id
    }

    private mutating func drop(_ id: Int64) async throws {
        for table in ["ducklake_table", "ducklake_column", "ducklake_data_file", "ducklake_delete_file"] {
            try await connection.query(
                """
                UPDATE \(.identifier(table)) SET end_snapshot = \(snapshot) WHERE table_id = \(id) AND end_snapshot IS NULL
                """)
        }
        nextSchemaVersion()
        changes.append("dropped_table:\(id)")
    }

    /// A snapshot raises the schema's version once, however many tables it makes.
    private mutating func nextSchemaVersion() {
        if !changesSchema { schemaVersion += 1 }
        changesSchema = true
    }

    private mutating func endFiles(of id: Int64) async throws {
        for table in ["ducklake_data_file", "ducklake_delete_file"] {
            try await connection.query(
                """
                UPDATE \(.identifier(table)) SET end_snapshot = \(snapshot) WHERE table_id = \(id) AND end_snapshot IS NULL
                """)
        }
        try await connection.query(
            "UPDATE ducklake_table_stats SET record_count = 0, file_size_bytes = 0 WHERE table_id = \(id)")
        try await connection.query("DELETE FROM ducklake_table_column_stats WHERE table_id = \(id)")
        changes.append("deleted_from_table:\(id)")
    }

    private mutating func add(
        _ files: [LinkedFile], to id: Int64, columns: [Load.Column], key: Secret<[UInt8]>
    ) async throws {
        let stats = try await connection.query(
            "SELECT next_row_id FROM ducklake_table_stats WHERE table_id = \(id)"
        ).first
        var nextRow = try stats?.int("next_row_id") ?? 0
        // DuckLake keeps no empty files.
        let filled = files.filter { $0.written.rows > 0 }
        for file in filled {
            try await add(file, to: id, firstRow: nextRow, key: key)
            nextRow += file.written.rows
        }
        let rows = filled.reduce(0) { $0 + $1.written.rows }
        let bytes = filled.reduce(0) { $0 + $1.written.bytes }
        if stats == nil {
            try await connection.query(
                """
                INSERT INTO ducklake_table_stats (table_id, record_count, next_row_id, file_size_bytes)
                VALUES (\(id), \(rows), \(nextRow), \(bytes))
                """)
        } else {
            try await connection.query(
                """
                UPDATE ducklake_table_stats SET record_count = record_count + \(rows), next_row_id = \(nextRow),
                  file_size_bytes = file_size_bytes + \(bytes) WHERE table_id = \(id)
                """)
        }
        if !filled.isEmpty { changes.append("inserted_into_table:\(id)") }
    }

    private mutating func add(_ file: LinkedFile, to id: Int64, firstRow: Int64, key: Secret<[UInt8]>) async throws {
        let fileID = nextFileID
        nextFileID += 1
        let base64 = Data(key.reveal()).base64EncodedString()
        try await connection.query(
            """
            INSERT INTO ducklake_data_file (data_file_id, table_id, begin_snapshot, path, path_is_relative, file_format,
              record_count, file_size_bytes, footer_size, row_id_start, encryption_key)
            VALUES (\(fileID), \(id), \(snapshot), \(file.name), true, 'parquet', \(file.written.rows),
              \(file.written.bytes), \(file.written.footerBytes), \(firstRow), \(base64))
            """)
        for (index, statistics) in file.written.statistics.enumerated() {
            try await connection.query(
                """
                INSERT INTO ducklake_file_column_stats (data_file_id, table_id, column_id, column_size_bytes, value_count,
                  null_count, min_value, max_value, contains_nan)
                VALUES (\(fileID), \(id), \(index + 1), \(statistics.bytes), \(file.written.rows - statistics.nulls),
                  \(statistics.nulls), \(statistics.minimum), \(statistics.maximum), \(statistics.hasNaN))
                """)
        }
    }
}

extension CarriedType {
    /// DuckLake's name of the type (DuckLake 1.0 specification, "Data Types").
    var duckLake: String {
        switch self {
        case .boolean: "boolean"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .float32: "float32"
        case .float64: "float64"
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .text: "varchar"
        case .bytes: "blob"
        case .date: "date"
        case .time: "time"
        case .timestamp: "timestamp"
        case .timestampWithTimeZone: "timestamptz"
        case .uuid: "uuid"
        }
    }
}

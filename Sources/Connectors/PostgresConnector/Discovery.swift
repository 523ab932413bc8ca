import Connecting
import Kernel
import Postgres

/// Reads PostgreSQL's catalogue (PostgreSQL documentation, chapter 53) into streams.
struct Discovery {
    private let connection: PGConnection

    init(_ connection: PGConnection) { self.connection = connection }

    func streams() async throws -> [DiscoveredStream] {
        let scale = try await moneyScale()
        let columns = try await columnsByTable(types: TypeCarrying(moneyScale: scale))
        let keys = try await keysByTable()
        let foreignKeys = try await foreignKeysByTable()
        return try await connection.query(Self.tables).map { row in
            let oid = try row.int("oid")
            let name = StreamName(schema: try row.string("schema"), table: try row.string("name"))
            let stream = SourceStream(
                name: name, kind: try kind(row.string("kind")), columns: columns[oid] ?? [],
                primaryKey: keys[oid]?.primary ?? [], uniqueKeys: keys[oid]?.unique ?? [],
                foreignKeys: foreignKeys[oid] ?? [], estimatedRows: try row.optionalInt("rows"),
                estimatedBytes: try row.optionalInt("bytes"))
            return DiscoveredStream(stream: stream, refusal: try refusal(of: stream, row))
        }
    }

    private func refusal(of stream: SourceStream, _ row: PGRow) throws -> StreamFailure? {
        if try !row.bool("readable") {
            return StreamFailure(
                Problem(
                    .sourcePermission, "This user may not read \(stream.name).",
                    hint: "Grant it: GRANT SELECT ON \(stream.name) TO the user."))
        }
        if stream.columns.isEmpty {
            return StreamFailure(
                Problem(.unsupported, "\(stream.name) has no columns.", hint: "There is nothing to clone."))
        }
        return nil
    }

    private func kind(_ relkind: String) -> SourceStream.Kind {
        switch relkind {
        case "p": .partitionedTable
        case "v": .view
        case "m": .materializedView
        case "f": .foreignTable
        default: .table
        }
    }

    private func moneyScale() async throws -> Int {
        let rows = try await connection.query("SELECT scale(0::money::numeric) AS scale")
        return try Int(rows.first?.int("scale") ?? 2)
    }

    private func columnsByTable(types: TypeCarrying) async throws -> [Int64: [StreamColumn]] {
        var found: [Int64: [StreamColumn]] = [:]
        for row in try await connection.query(Self.columns) {
            let carrying = types.carrying(
                of: TypeCarrying.Declared(
                    name: try row.string("base_name"), isBuiltIn: try row.bool("built_in"),
                    category: try row.string("category"), kind: try row.string("kind"),
                    modifier: try Int(row.int("modifier"))))
            found[try row.int("table"), default: []].append(
                StreamColumn(
                    name: try row.string("name"), sourceType: try row.string("printed"), carried: carrying.carried,
                    meaning: carrying.meaning, nullable: try !row.bool("not_null")))
        }
        return found
    }

    private func keysByTable() async throws -> [Int64: (primary: [String], unique: [[String]])] {
        var found: [Int64: (primary: [String], unique: [[String]])] = [:]
        for row in try await connection.query(Self.keys) {
            let table = try row.int("table")
            let columns: [String] = try row.json("columns")
            if try row.bool("is_primary") {
                found[table, default: ([], [])].primary = columns
            } else if try row.bool("not_null") {
                found[table, default: ([], [])].unique.append(columns)
            }
        }
        return found
    }

    private func foreignKeysByTable() async throws -> [Int64: [ForeignKey]] {
        var found: [Int64: [ForeignKey]] = [:]
        for row in try await connection.query(Self.foreignKeys) {
            found[try row.int("table"), default: []].append(
                ForeignKey(
                    columns: try row.json("columns"),
                    references: StreamName(schema: try row.string("schema"), table: try row.string("name")),
                    referencedColumns: try row.json("referenced_columns")))
        }
        return found
    }

    /// Partitions are read through their parent; tables of extensions and of the system are no one's data. Sizes are those
    /// of the last VACUUM or ANALYZE, with what is stored out of line: pg_table_size would wait for whoever locks a table.
    private static let tables: SQL = """
        SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
          nullif(c.reltuples, -1)::bigint AS rows,
          CASE WHEN c.relkind IN ('r', 'm') AND c.relpages > 0 THEN current_setting('block_size')::bigint
            * (c.relpages + coalesce((SELECT t.relpages FROM pg_class t WHERE t.oid = c.reltoastrelid), 0)) END AS bytes,
          has_schema_privilege(n.oid, 'USAGE') AND (has_table_privilege(c.oid, 'SELECT')
            OR NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                           AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT'))) AS readable
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
          AND n.nspname NOT LIKE 'pg\\_temp%'
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY n.nspname, c.relname
        """

    /// A domain counts as the type below it.
    private static let columns: SQL = """
        WITH RECURSIVE base AS (
          SELECT oid AS type, oid AS base, -1 AS modifier FROM pg_type WHERE typtype <> 'd'
          UNION ALL
          SELECT t.oid, b.base, CASE WHEN t.typtypmod <> -1 THEN t.typtypmod ELSE b.modifier END
          FROM pg_type t JOIN base b ON t.typbasetype = b.type WHERE t.typtype = 'd'
        )
        SELECT a.attrelid AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS printed,
          bt.typname AS base_name, bt.typnamespace = 'pg_catalog'::regnamespace AS built_in, bt.typcategory AS category, bt.typtype AS kind,
          CASE WHEN a.atttypmod <> -1 THEN a.atttypmod ELSE b.modifier END AS modifier, a.attnotnull AS not_null
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN base b ON b.type = a.atttypid
          JOIN pg_type bt ON bt.oid = b.base JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
        ORDER BY a.attrelid, a.attnum
        """

    /// Whole, valid, immediate unique indexes over plain columns.
    private static let keys: SQL = """
        SELECT i.indrelid AS table, i.indisprimary AS is_primary, bool_and(a.attnotnull) AS not_null,
          json_agg(a.attname ORDER BY k.position) AS columns
        FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, position)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
          AND k.position <= i.indnkeyatts
        GROUP BY i.indexrelid, i.indrelid, i.indisprimary ORDER BY i.indrelid, i.indexrelid
        """

    /// Those that every row was checked against: one that is NOT VALID may have rows without a parent.
    private static let foreignKeys: SQL = """
        SELECT f.conrelid AS table, n.nspname AS schema, c.relname AS name,
          (SELECT json_agg(a.attname ORDER BY k.position) FROM unnest(f.conkey) WITH ORDINALITY k (number, position)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number) AS columns,
          (SELECT json_agg(a.attname ORDER BY k.position) FROM unnest(f.confkey) WITH ORDINALITY k (number, position)
             JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number) AS referenced_columns
        FROM pg_constraint f JOIN pg_class c ON c.oid = f.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE f.contype = 'f' AND f.convalidated AND f.conparentid = 0 ORDER BY f.conrelid, f.conname
        """
}

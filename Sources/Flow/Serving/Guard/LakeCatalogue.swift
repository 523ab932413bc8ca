import DuckDB
import Warehousing

/// The relations that a person's SQL may read, as they stand in one transaction.
struct LakeCatalogue: Sendable {
    /// The name of the database, `lake`.
    let database: String
    /// By schema, then by name, both in lower case.
    private let relations: [String: [String: Relation]]
    /// Macros that somebody made in the lake, in lower case: their names are closed to queries.
    let macros: Set<String>
    /// Tables that have a column of the name `filename`, which hides DuckLake's own.
    let tablesWithFileName: Set<String>

    enum Relation: Sendable {
        case table
        /// `CREATE VIEW …` as DuckDB prints it.
        case view(sql: String)
    }

    /// Where unqualified names are looked up, in order.
    static let searchPath: [WarehouseSchema] = [.marts, .intermediate, .staging, .raw]

    init(database: String, session: DuckSession) throws {
        self.database = database
        let name = DuckSQL.literal(database)
        var relations: [String: [String: Relation]] = [:]
        let rows = try session.run(
            """
            SELECT schema_name, table_name, NULL FROM duckdb_tables() WHERE database_name = \(name)
            UNION ALL
            SELECT schema_name, view_name, sql FROM duckdb_views() WHERE database_name = \(name) AND NOT internal
            """
        ).collect()
        for row in rows {
            guard let schema = row[0].string, let table = row[1].string else { continue }
            let relation = row[2].string.map { Relation.view(sql: $0) } ?? .table
            relations[SQLName.lower(schema), default: [:]][SQLName.lower(table)] = relation
        }
        self.relations = relations
        macros = Set(
            try session.run("SELECT function_name FROM duckdb_functions() WHERE database_name = \(name)").collect()
                .compactMap { $0[0].string.map(SQLName.lower) })
        tablesWithFileName = Set(
            try session.run(
                """
                SELECT schema_name || '.' || table_name FROM duckdb_columns()
                WHERE database_name = \(name) AND lower(column_name) = 'filename'
                """
            ).collect().compactMap { $0[0].string.map(SQLName.lower) })
    }

    /// Whether a schema of that name is part of the lake but none of the four.
    func hasForeignSchema(_ schema: String) -> Bool {
        !LakeCatalogue.isLakeSchema(schema) && relations[schema] != nil
    }

    static func isLakeSchema(_ schema: String) -> Bool {
        searchPath.contains { SQLName.lower($0.rawValue) == schema }
    }

    func relation(schema: String, name: String) -> Relation? {
        LakeCatalogue.isLakeSchema(schema) ? relations[schema]?[name] : nil
    }

    /// The schemas that hold a relation of this name, in the order of the search path.
    func schemas(holding name: String) -> [String] {
        LakeCatalogue.searchPath.map { SQLName.lower($0.rawValue) }.filter { relations[$0]?[name] != nil }
    }
}

/// Names as DuckDB compares them: case counts for nothing in ASCII, and only there.
enum SQLName {
    static func lower(_ name: String) -> String {
        String(decoding: name.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }
}

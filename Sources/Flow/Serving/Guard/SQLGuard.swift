import DuckDB
import Kernel

/// Decides whether a person's SQL reads nothing but its own lake.
///
/// DuckDB itself parses the text, in an instance that has nothing attached and no access to anything; the tree is then
/// walked, and whatever is not known to be harmless is refused. Views are walked like the query that reads them.
final class SQLGuard: Sendable {
    /// Longest text, bytes of UTF-8.
    static let longest = 100_000
    /// Longest tree, bytes of JSON.
    private static let largestTree = 8_000_000

    static let tooLong = Problem(
        .queryRefused, "This SQL is longer than \(longest) bytes.", hint: "Model a part of it first.")

    private let parser: DuckConnection
    private let functions: FunctionPolicy
    private let trees = TreeCache()

    /// - Throws: `internal` if DuckDB cannot be started.
    init(library: DuckDBLibrary) async throws {
        let database = try DuckDatabase(
            library,
            settings: [
                "memory_limit": "256MB", "threads": "1", "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false", "temp_directory": "",
            ])
        parser = try database.connect()
        try await parser.execute("SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true")
        functions = try await parser.perform { try FunctionPolicy($0) }
    }

    /// SQL that may run.
    struct Approved: Sendable {
        /// The text to run, which for SHOW TABLES is a query of Weirhouse's own.
        let sql: String
        /// Whether it can stand inside `COPY (…) TO`.
        let isQuery: Bool
    }

    /// - Throws: `queryRefused` if the text is more than one SELECT over the lake; `queryFailed` if it cannot be parsed or
    ///   names a relation that is not there.
    func approve(_ sql: String, catalogue: LakeCatalogue) async throws -> Approved {
        guard sql.utf8.count <= SQLGuard.longest else { throw SQLGuard.tooLong }
        let tree = try await parse(sql)
        if let listing = listing(of: tree, catalogue) { return Approved(sql: listing, isQuery: true) }
        var walker = SyntaxWalker(catalogue: catalogue, functions: functions)
        try walker.walk(node: tree)
        var usesFileName = walker.namesFileName
        var tables = walker.tables
        var left = walker.views
        var seen: Set<String> = []
        while let view = left.popFirst() {
            guard seen.insert(view).inserted else { continue }
            let inner = try await walk(view: view, catalogue)
            left.formUnion(inner.views)
            tables.formUnion(inner.tables)
            usesFileName = usesFileName || inner.namesFileName
        }
        guard !usesFileName || tables.isSubset(of: catalogue.tablesWithFileName) else {
            throw Problem(
                .queryRefused, "The column filename is not open to queries, since it names files of the lake.",
                hint: "Rename a column of your own in a model.")
        }
        return Approved(sql: sql, isQuery: tree["from_table"]?["type"]?.text != "SHOW_REF")
    }

    private func walk(view: String, _ catalogue: LakeCatalogue) async throws -> SyntaxWalker {
        let parts = view.split(separator: ".", maxSplits: 1)
        let schema = String(parts[0])
        guard parts.count == 2, case .view(let sql)? = catalogue.relation(schema: schema, name: String(parts[1])) else {
            throw Problem(.internal, "A view vanished while it was checked.")
        }
        do {
            var walker = SyntaxWalker(catalogue: catalogue, functions: functions, home: schema)
            try walker.walk(node: try await definition(sql))
            return walker
        } catch let problem as Problem where problem.code != .internal {
            throw Problem(
                .queryRefused, "The view \(oneLine(view)) is not open to queries. \(problem.detail)",
                hint: "Change its model to read the lake alone.")
        }
    }

    private func definition(_ sql: String) async throws -> SyntaxTree {
        if let known = await trees[sql] { return known }
        let tree = try await parse(try ViewDefinition.query(in: sql))
        await trees.keep(tree, for: sql)
        return tree
    }

    /// The tree of the one SELECT that `sql` is.
    private func parse(_ sql: String) async throws -> SyntaxTree {
        // DuckDB's C API would stop reading there.
        guard !sql.utf8.contains(0) else { throw Problem(.queryRefused, "This SQL holds a NUL character.") }
        let json = try await parser.perform { session in
            try session.run(
                "SELECT json_serialize_sql(\(DuckSQL.literal(sql)), skip_null := true, skip_empty := true, skip_default := true)"
            ).collect().first?[0].string ?? ""
        }
        guard json.utf8.count <= SQLGuard.largestTree else {
            throw Problem(.queryRefused, "This SQL is too complex.", hint: "Model a part of it first.")
        }
        let tree = try SyntaxTree.parse(json)
        guard tree["error"]?.isTrue == false else { throw StatementKind.problem(of: sql, tree) }
        let statements = tree["statements"]?.elements ?? []
        guard let node = statements.first?["node"] else {
            throw Problem(.queryFailed, "There is no SQL to run.")
        }
        guard statements.count == 1 else {
            throw Problem(.queryRefused, "Only one statement is allowed at a time; these are \(statements.count).")
        }
        return node
    }

    /// What stands for SHOW TABLES and its kin: a query over the lake alone.
    private func listing(of tree: SyntaxTree, _ catalogue: LakeCatalogue) -> String? {
        guard let source = tree["from_table"], source["type"]?.text == "SHOW_REF", source["query"] == nil,
            let columns = tree["select_list"]?.elements, columns.count == 1, columns[0]["class"]?.text == "STAR",
            case .object(let members) = tree, members.count == 4
        else { return nil }
        var schemas = WarehouseSchemaNames.all
        switch source["show_type"]?.text {
        case "SHOW_UNQUALIFIED":
            guard ["\"tables\"", "__show_tables_expanded"].contains(source["table_name"]?.text ?? "") else {
                return nil
            }
        case "SHOW_FROM":
            guard let schema = source["schema_name"]?.text, source["catalog_name"] == nil else { return nil }
            schemas = schemas.filter { SQLName.lower($0) == SQLName.lower(schema) }
        default: return nil
        }
        let database = DuckSQL.literal(catalogue.database)
        let names = (schemas + [""]).map(DuckSQL.literal).joined(separator: ", ")
        return """
            SELECT schema_name AS "schema", table_name AS "name", 'table' AS kind FROM duckdb_tables()
            WHERE database_name = \(database) AND schema_name IN (\(names))
            UNION ALL
            SELECT schema_name, view_name, 'view' FROM duckdb_views()
            WHERE database_name = \(database) AND schema_name IN (\(names)) ORDER BY ALL
            """
    }
}

/// Trees of view definitions, so that each is parsed once.
private actor TreeCache {
    private var trees: [String: SyntaxTree] = [:]

    subscript(_ sql: String) -> SyntaxTree? { trees[sql] }

    func keep(_ tree: SyntaxTree, for sql: String) {
        if trees.count >= 2000 { trees.removeAll() }
        trees[sql] = tree
    }
}

import Kernel

/// What may stand in FROM.
extension SyntaxWalker {
    mutating func walk(source: SyntaxTree) throws(Problem) {
        depth += 1
        defer { depth -= 1 }
        guard depth < 1200 else { throw SyntaxTree.tooDeep }
        guard case .object(let members) = source, let type = source["type"]?.text, let rules = SyntaxRules.sources[type]
        else { throw unknown("a source in FROM", source["type"]?.text) }
        for (name, member) in members where !SyntaxRules.common.contains(name) {
            guard let part = rules[name] else { throw unknown(type, name) }
            try walk(part, member)
        }
        switch type {
        case "JOIN": note(columns: source["using_columns"])
        case "BASE_TABLE": try resolve(table: source)
        case "TABLE_FUNCTION": try check(tableFunction: source["function"] ?? .null)
        case "SHOW_REF": try check(show: source)
        default: break
        }
    }

    private mutating func check(tableFunction function: SyntaxTree) throws(Problem) {
        let name = SQLName.lower(function["function_name"]?.text ?? "")
        guard function["class"]?.text == "FUNCTION", isOwn(function), !catalogue.macros.contains(name),
            functions.allowsTable(name)
        else { throw refused(function: function) }
        // The arguments, among which `name := value` is a comparison.
        try walk(.expressions, function["children"] ?? .array([]))
        let known: Set = [
            "function_name", "schema", "catalog", "children", "is_operator", "distinct", "order_bys", "export_state",
        ]
        guard case .object(let members) = function,
            members.keys.allSatisfy({ known.contains($0) || SyntaxRules.common.contains($0) })
        else { throw unknown("TABLE_FUNCTION", nil) }
    }

    /// DESCRIBE and SUMMARIZE of a query are that query; other forms stand only by themselves (`SQLGuard`).
    private func check(show source: SyntaxTree) throws(Problem) {
        guard source["query"] != nil, ["DESCRIBE", "SUMMARY"].contains(source["show_type"]?.text ?? "") else {
            throw Problem(
                .queryRefused, "SHOW is allowed only as a statement of its own.", hint: "Use SHOW TABLES by itself.")
        }
    }

    private mutating func resolve(table: SyntaxTree) throws(Problem) {
        let written = table["table_name"]?.text ?? ""
        let name = SQLName.lower(written)
        let schema = SQLName.lower(table["schema_name"]?.text ?? "")
        let database = SQLName.lower(table["catalog_name"]?.text ?? "")
        guard database.isEmpty || database == SQLName.lower(catalogue.database) else {
            throw Problem(
                .queryRefused, "The database \(oneLine(database)) is not open to queries.",
                hint: "Read the schemas RAW, STAGING, INTERMEDIATE and MARTS.")
        }
        if table["at_clause"] != nil {
            throw Problem(.queryRefused, "AT (time travel) is not allowed here.", hint: "Read the newest version.")
        }
        if schema.isEmpty, database.isEmpty {
            if scope.contains(where: { $0.contains(name) }) { return }
            return try resolve(unqualified: name, written: written)
        }
        if database.isEmpty, schema == "information_schema", !catalogue.hasForeignSchema(schema) {
            guard ["tables", "columns", "schemata"].contains(name) else { throw notOpen(schema: schema) }
            return
        }
        guard LakeCatalogue.isLakeSchema(schema) else { throw notOpen(schema: schema) }
        guard let relation = catalogue.relation(schema: schema, name: name) else {
            throw missing("\(schema.uppercased()).\(written)")
        }
        note(relation, schema, name)
    }

    private func notOpen(schema: String) -> Problem {
        Problem(
            .queryRefused, "The schema \(oneLine(schema)) is not open to queries.",
            hint: "Read RAW, STAGING, INTERMEDIATE, MARTS or information_schema.tables, .columns and .schemata.")
    }

    private mutating func resolve(unqualified name: String, written: String) throws(Problem) {
        var schemas = catalogue.schemas(holding: name)
        // A view's own schema comes first, and both are checked: whichever DuckDB takes has been walked.
        if let home, schemas.contains(home), let first = schemas.first { schemas = [home, first] }
        guard !schemas.isEmpty else { throw missing(written) }
        for schema in home == nil ? Array(schemas.prefix(1)) : schemas {
            if let relation = catalogue.relation(schema: schema, name: name) { note(relation, schema, name) }
        }
    }

    private mutating func note(_ relation: LakeCatalogue.Relation, _ schema: String, _ name: String) {
        switch relation {
        case .table: tables.insert("\(schema).\(name)")
        case .view: views.insert("\(schema).\(name)")
        }
    }

    private func missing(_ name: String) -> Problem {
        if name.contains("/") || name.contains("://") || name.contains(".") && home == nil && looksLikeFile(name) {
            return Problem(
                .queryRefused, "Files cannot be read here, and there is no table \(oneLine(name)).",
                hint: "Load the file as a source first.")
        }
        return Problem(
            .queryFailed, "There is no table or view \(oneLine(name)).", hint: "SHOW TABLES lists what there is.")
    }

    private func looksLikeFile(_ name: String) -> Bool {
        [".csv", ".parquet", ".json", ".jsonl", ".ndjson", ".tsv", ".txt", ".db", ".duckdb", ".gz", ".xlsx"]
            .contains { name.hasSuffix($0) }
    }
}

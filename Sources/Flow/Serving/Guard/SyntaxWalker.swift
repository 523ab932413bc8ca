import Kernel

/// Walks a query's tree and refuses whatever is not known to read the lake alone.
struct SyntaxWalker {
    let catalogue: LakeCatalogue
    let functions: FunctionPolicy
    /// The schema of the view whose definition is walked, where its unqualified names are looked up first.
    let home: String?
    /// The views met, by `schema.name`.
    var views: Set<String> = []
    /// The tables met.
    var tables: Set<String> = []
    /// Whether a column `filename` is named.
    private(set) var namesFileName = false
    /// The names of WITH that hold at this place.
    var scope: [Set<String>] = [[]]
    var depth = 0

    init(catalogue: LakeCatalogue, functions: FunctionPolicy, home: String? = nil) {
        self.catalogue = catalogue
        self.functions = functions
        self.home = home
    }

    // Queries ---------------------------------------------------------------------------------------------------------

    /// - Throws: `queryRefused` or, for a relation that is not there, `queryFailed`.
    mutating func walk(node: SyntaxTree) throws(Problem) {
        depth += 1
        defer { depth -= 1 }
        guard depth < 400 else { throw SyntaxTree.tooDeep }
        guard case .object(let members) = node, let type = node["type"]?.text, let rules = SyntaxRules.nodes[type]
        else {
            throw unknown("a kind of query", node["type"]?.text)
        }
        scope.append([])
        defer { scope.removeLast() }
        try walk(with: members["cte_map"])
        for (name, member) in members where name != "cte_map" && !SyntaxRules.common.contains(name) {
            guard let part = rules[name] else { throw unknown(type, name) }
            guard case .special = part else {
                try walk(part, member)
                continue
            }
            switch name {
            case "children":
                for child in try elements(member) { try walk(node: child) }
            case "right":
                // Only the repeated half sees the name of its own query.
                guard let own = members["cte_name"]?.text else { throw unknown(type, "cte_name") }
                scope.append([SQLName.lower(own)])
                defer { scope.removeLast() }
                try walk(node: member)
            default: break
            }
        }
    }

    /// `cte_map`: each name holds for those after it and for the rest of the query.
    private mutating func walk(with map: SyntaxTree?) throws(Problem) {
        guard let map else { return }
        guard case .object(let members) = map, members.keys.allSatisfy({ $0 == "map" }) else {
            throw unknown("WITH", nil)
        }
        for entry in try elements(members["map"] ?? .array([])) {
            guard case .object(let pair) = entry, let name = pair["key"]?.text, case .object(let info)? = pair["value"],
                pair.count == 2
            else { throw unknown("WITH", nil) }
            for (key, member) in info {
                switch key {
                case "aliases", "materialized": break
                case "key_targets": try walk(.expressions, member)
                case "query": try walk(.statement, member)
                default: throw unknown("WITH", key)
                }
            }
            scope[scope.count - 1].insert(SQLName.lower(name))
        }
    }

    // Parts -----------------------------------------------------------------------------------------------------------

    mutating func walk(_ part: SyntaxRules.Part, _ member: SyntaxTree) throws(Problem) {
        if case .null = member { return }
        switch part {
        case .plain, .special: break
        case .expression: try walk(expression: member)
        case .expressions: for each in try elements(member) { try walk(expression: each) }
        case .rows: for row in try elements(member) { try walk(.expressions, row) }
        case .named: for each in try elements(member) { try walk(each, ["key": .plain, "value": .expression]) }
        case .cases:
            for each in try elements(member) { try walk(each, ["when_expr": .expression, "then_expr": .expression]) }
        case .orders:
            for each in try elements(member) {
                try walk(each, ["type": .plain, "null_order": .plain, "expression": .expression])
            }
        case .modifier: try walk(modifier: member)
        case .modifiers: for each in try elements(member) { try walk(modifier: each) }
        case .statement: try walk(member, ["node": .node, "named_param_map": .special])
        case .node: try walk(node: member)
        case .source: try walk(source: member)
        case .pivots:
            for each in try elements(member) {
                try walk(each, ["pivot_expressions": .expressions, "unpivot_names": .plain, "entries": .special])
                for entry in try elements(each["entries"] ?? .array([])) {
                    try walk(entry, ["values": .plain, "alias": .plain, "star_expr": .expression, "expr": .expression])
                }
            }
        case .type: try walk(type: member)
        }
    }

    /// Walks an object that has these members and no others.
    private mutating func walk(_ object: SyntaxTree, _ rules: SyntaxRules.Members) throws(Problem) {
        guard case .object(let members) = object else { throw unknown("syntax", nil) }
        for (name, member) in members {
            guard let part = rules[name] else { throw unknown("syntax", name) }
            try walk(part, member)
        }
    }

    private mutating func walk(modifier: SyntaxTree) throws(Problem) {
        guard case .object(let members) = modifier, let type = modifier["type"]?.text,
            let rules = SyntaxRules.modifiers[type]
        else { throw unknown("a clause", modifier["type"]?.text) }
        for (name, member) in members where name != "type" {
            guard let part = rules[name] else { throw unknown(type, name) }
            try walk(part, member)
        }
    }

    /// A type is names and constants; an expression inside it is walked as one.
    private mutating func walk(type: SyntaxTree) throws(Problem) {
        switch type {
        case .object(let members):
            if members["class"] != nil { return try walk(expression: type) }
            for member in members.values { try walk(type: member) }
        case .array(let elements):
            for element in elements { try walk(type: element) }
        default: break
        }
    }

    // Expressions -----------------------------------------------------------------------------------------------------

    private mutating func walk(expression: SyntaxTree) throws(Problem) {
        depth += 1
        defer { depth -= 1 }
        guard depth < 1200 else { throw SyntaxTree.tooDeep }
        guard case .object(let members) = expression, let kind = expression["class"]?.text,
            let rules = SyntaxRules.expressions[kind]
        else {
            if expression["class"]?.text == "PARAMETER" {
                throw Problem(.queryRefused, "This SQL has parameters ($1 or ?), which have no values here.")
            }
            throw unknown("an expression", expression["class"]?.text)
        }
        for (name, member) in members where !SyntaxRules.common.contains(name) {
            guard let part = rules[name] else { throw unknown(kind, name) }
            try walk(part, member)
        }
        switch kind {
        case "FUNCTION", "WINDOW": try check(function: expression)
        case "COLUMN_REF": note(columns: expression["column_names"])
        default: break
        }
    }

    mutating func note(columns: SyntaxTree?) {
        let names = columns?.elements?.compactMap(\.text) ?? []
        if names.contains(where: { SQLName.lower($0) == "filename" }) { namesFileName = true }
    }

    private func check(function: SyntaxTree) throws(Problem) {
        let name = SQLName.lower(function["function_name"]?.text ?? "")
        guard isOwn(function), !catalogue.macros.contains(name), functions.allowsScalar(name),
            function["export_state"]?.isTrue != true
        else { throw refused(function: function) }
    }

    /// Whether a function is named without a place, or with DuckDB's own.
    func isOwn(_ function: SyntaxTree) -> Bool {
        let schema = SQLName.lower(function["schema"]?.text ?? "")
        let database = SQLName.lower(function["catalog"]?.text ?? "")
        return ["", "main", "pg_catalog"].contains(schema) && ["", "system"].contains(database)
    }

    func refused(function: SyntaxTree) -> Problem {
        let name = function["function_name"]?.text ?? ""
        return Problem(
            .queryRefused, "The function \(oneLine(name)) is not allowed here.",
            hint: "Queries may call functions that compute from their arguments; docs/queries.md says more.")
    }

    // Help -----------------------------------------------------------------------------------------------------------

    func elements(_ tree: SyntaxTree) throws(Problem) -> [SyntaxTree] {
        guard let elements = tree.elements else { throw unknown("syntax", nil) }
        return elements
    }

    func unknown(_ what: String, _ which: String?) -> Problem {
        let name = which.map { " (\(oneLine($0)))" } ?? ""
        return Problem(
            .queryRefused, "This SQL has \(what)\(name) that is not allowed here.",
            hint: "docs/queries.md says what is allowed.")
    }
}

/// A name from a person's SQL as it may stand in a message: on one line and short.
func oneLine(_ name: String) -> String {
    let line = String(
        String.UnicodeScalarView(name.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    return line.count > 80 ? "\(line.prefix(80))…" : line
}

import Kernel

/// Names as they stand in the SQL of a model: quoted where they must be, and safe from dbt's template language.
enum SQLName {
    /// A column or an alias: bare if DuckDB takes it so, else in double quotes.
    static func column(_ name: String) -> String {
        isBare(name) ? name : literal("\"\(name.replacingScalar("\"", with: "\"\""))\"")
    }

    /// Text as it is, for a file that dbt renders: no part of it is taken for a template.
    static func literal(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        let isTemplate = zip(scalars, scalars.dropFirst()).contains { $0 == "{" && ["{", "%", "#"].contains($1) }
        let escaped = isTemplate ? text.replacingScalar("{", with: "{{ '{' }}") : text
        // Jinja makes a line feed of a carriage return.
        return escaped.replacingScalar("\r", with: "{{ '\\r' }}")
    }

    /// A string literal inside a template expression.
    static func templateString(_ text: String) -> String {
        let escaped = text.replacingScalar("\\", with: "\\\\").replacingScalar("'", with: "\\'")
        return "'\(escaped.replacingScalar("\r", with: "\\r"))'"
    }

    /// A name in the SQL that a template expression passes on: quoted where needed, not escaped for the template.
    static func inTemplate(_ name: String) -> String {
        templateString(isBare(name) ? name : "\"\(name.replacingScalar("\"", with: "\"\""))\"")
    }

    static func isBare(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, first == "_" || ("a"..."z").contains(first) else { return false }
        let simple = name.unicodeScalars.allSatisfy { scalar in
            scalar == "_" || ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
        }
        return simple && !keywords.contains(name)
    }

    /// `duckdb_keywords()` of DuckDB 1.5.5 without those that it calls unreserved, and the names that dbt's and our
    /// own SQL use bare.
    private static let keywords = Set(
        """
        all analyse analyze and anti any array as asc asof asymmetric at authorization between bigint binary bit boolean
        both by case cast char character check coalesce collate collation column columns concurrently constraint create
        cross dec decimal default deferrable desc describe distinct do else end except exists extract false fetch float
        for foreign freeze from full generated glob group grouping grouping_id having ilike in initially inner inout int
        integer intersect interval into is isnull join lambda lateral leading left like limit map national natural nchar
        none not notnull null nullif numeric offset on only or order out outer overlaps overlay pivot pivot_longer
        pivot_wider placing position positional precision primary qualify real references returning right row rows
        select semi setof show similar smallint some struct substring summarize symmetric table tablesample then time
        timestamp to trailing treat trim true try_cast union unique unpack unpivot using values varchar variadic verbose
        when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi
        xmlroot xmlserialize xmltable
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}

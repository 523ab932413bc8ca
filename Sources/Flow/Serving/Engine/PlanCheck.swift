import DuckDB
import Foundation
import Kernel

/// The second wall behind `SQLGuard`: DuckDB's own plan of the query may read nothing but the lake.
enum PlanCheck {
    /// Beginnings of the names of operators that read something else: other databases, files, the instance's insides.
    private static let foreign = [
        "POSTGRES", "READ_", "PARQUET", "CSV", "JSON_READ", "GLOB", "SNIFF", "DUCKDB_", "PRAGMA", "COPY", "EXPORT",
        "ATTACH",
        "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "SET", "LOAD", "DUCKLAKE_SNAPSHOTS",
        "DUCKLAKE_OPTIONS",
        "DUCKLAKE_SETTINGS", "DUCKLAKE_LIST", "DUCKLAKE_TABLE", "EXECUTE", "QUERY", "WHICH_SECRET", "SEQ_SCAN",
        "INDEX_SCAN",
    ]
    /// The tables of `information_schema` are made of these.
    private static let ofInformationSchema: Set = ["DUCKDB_TABLES", "DUCKDB_VIEWS", "DUCKDB_COLUMNS", "DUCKDB_SCHEMAS"]

    /// - Throws: `queryRefused` if the plan holds such an operator; `DuckError` if the query cannot be planned.
    static func check(_ sql: String, in session: DuckSession) throws {
        let plan = try session.run("EXPLAIN (FORMAT json) \(sql)").collect().first?[1].string ?? "[]"
        let tree = try SyntaxTree.parse(plan)
        var left = tree.elements ?? []
        while let node = left.popLast() {
            let name = (node["name"]?.text ?? "").trimmingCharacters(in: .whitespaces).uppercased()
            guard !foreign.contains(where: name.hasPrefix) || ofInformationSchema.contains(name) else {
                throw Problem(
                    .queryRefused, "This SQL reads something beside the lake (\(name)).",
                    hint: "Read the schemas RAW, STAGING, INTERMEDIATE and MARTS.")
            }
            left += node["children"]?.elements ?? []
        }
    }
}

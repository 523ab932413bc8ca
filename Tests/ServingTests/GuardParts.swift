import DuckDB
import Foundation
import Kernel
import Testing

@testable import Serving

@Suite("Parts of the guard")
struct GuardParts {
    @Test("a view's query is found whatever its name and columns hold")
    func viewDefinitions() throws {
        for (sql, query) in [
            ("CREATE VIEW v AS SELECT 1;", " SELECT 1;"),
            ("CREATE OR REPLACE VIEW a.\"b \"\"AS\".c AS FROM t", " FROM t"),
            ("CREATE VIEW \"v\u{301}\"(\"x AS y\", z) AS SELECT 1", " SELECT 1"),
            ("create view v (a) as select 1", " select 1"),
        ] { #expect(try ViewDefinition.query(in: sql) == query) }
        for sql in [
            "", "SELECT 1", "CREATE VIEW", "CREATE VIEW v", "CREATE TABLE v AS SELECT 1", "CREATE VIEW \"v AS SELECT 1",
            "CREATE VIEW v (a AS SELECT 1",
        ] {
            #expect(throws: Problem.self, "\(sql)") { try ViewDefinition.query(in: sql) }
        }
    }

    @Test("the reader of syntax trees takes JSON and nothing else")
    func trees() throws {
        let tree = try SyntaxTree.parse(#" {"a": ["x\n\"é\u00e9\ud83d\ude00", 1.5e3, true, null, {}], "b": ""} "#)
        #expect(tree["a"]?.elements?.first?.text == "x\n\"éé😀")
        #expect(tree["a"]?.elements?[2].isTrue == true && tree["b"]?.text == "")
        let broken = [
            "", "{", "{\"a\"}", "[1,]", "{\"a\": 1, \"a\": 2}", "\"abc", "[tru]", "{\"a\":\"\\u12\"}",
            String(repeating: "[", count: 9000),
        ]
        for json in broken { #expect(throws: Problem.self, "\(json.prefix(20))") { try SyntaxTree.parse(json) } }
    }

    @Test(
        "behind the guard, the plan of a query is held against what it may read",
        arguments: [
            "FROM __ducklake_metadata_lake.weir_serving_tests.ducklake_data_file", "FROM duckdb_databases()",
            "FROM glob('/*')",
            "SELECT (SELECT max(content) FROM read_text('/etc/hostname'))", "FROM lake.MARTS.leaks_below",
            "FROM lake.MARTS.leaks_file",
            "SELECT * FROM lake.MARTS.fct_orders, duckdb_settings()", "FROM duckdb_secrets()", "FROM lake.snapshots()",
        ])
    func plans(_ sql: String) async throws {
        let lake = try await Lake.shared.value
        let problem = await #expect(throws: Problem.self) {
            try await lake.writer.perform { try PlanCheck.check(sql, in: $0) }
        }
        #expect(problem?.code == .queryRefused)
        try await lake.writer.perform {
            try PlanCheck.check("FROM lake.MARTS.fct_orders JOIN range(3) r(id) USING (id)", in: $0)
        }
    }

    @Test("functions that reach beyond their arguments are on no list")
    func functions() async throws {
        let connection = try DuckDatabase(try Lake.environment().library).connect()
        let (policy, names) = try await connection.perform { session in
            (
                try FunctionPolicy(session),
                try session.run("SELECT DISTINCT lower(function_name) FROM duckdb_functions()").collect()
            )
        }
        let allowed = names.compactMap { $0[0].string }.filter { policy.allowsScalar($0) || policy.allowsTable($0) }
        #expect(allowed.count > 500)
        let reaching = [
            "read_", "scan", "glob", "setting", "getenv", "variable", "secret", "query", "execute", "duckdb", "pragma",
            "attach", "parquet", "sleep", "nextval",
        ]
        for name in allowed { #expect(!reaching.contains(where: name.contains), "\(name)") }
    }
}

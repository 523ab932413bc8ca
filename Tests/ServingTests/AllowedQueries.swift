import DuckDB
import Foundation
import Kernel
import Serving
import Testing

@Suite("Queries that are allowed")
struct AllowedQueries {
    @Test(
        "a query over the lake runs in whatever way it is written",
        arguments: [
            "SELECT count(*) FROM fct_orders", "FROM fct_orders LIMIT 3", "TABLE fct_orders", "VALUES (1), (2)",
            "SELECT count(*) FROM MARTS.fct_orders f JOIN raw.shop__orders o USING (id)",
            "select * from LAKE.marts.FCT_ORDERS",
            "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM b -- a comment",
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t",
            "SELECT id, row_number() OVER (PARTITION BY customer ORDER BY total) FROM fct_orders QUALIFY 1 = 1",
            "SELECT customer, sum(total) FILTER (WHERE id > 3) FROM stg_orders GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL",
            "SELECT * FROM int_orders WHERE id IN (SELECT id FROM stg_orders) LIMIT 2;",
            "SELECT list_transform([1, 2], lambda x: x + 1)",
            "SELECT {'a': 1}.a, [1, 2, 3][1:2], MAP {'k': 1}['k'], '{\"a\": 1}'::JSON ->> '$.a', '1'::JSON IS NULL OR true",
            "FROM fct_orders PIVOT (sum(total) FOR customer IN ('c1', 'c2'))",
            "SELECT * FROM range(3) a POSITIONAL JOIN range(2) b",
            "UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b INTO NAME k VALUE v",
            "SELECT * FROM generate_series(1, 3) WITH ORDINALITY",
            "SELECT * FROM fct_orders f, LATERAL (SELECT f.id + 1 AS next) LIMIT 1", "SELECT unnest([1, 2, 3])",
            "SELECT date_trunc('month', now()), current_date, INTERVAL 3 DAY, strftime(DATE '2020-01-01', '%Y')",
            "SELECT COLUMNS(* EXCLUDE (id)) FROM fct_orders LIMIT 1",
            "SELECT * REPLACE (1 AS id) FROM fct_orders LIMIT 1",
            "SELECT CASE WHEN true THEN 1 END, coalesce(NULL, 2), nullif(1, 1), 3 BETWEEN 2 AND 4, 'a' COLLATE NOCASE",
            "SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 2",
            "SELECT DISTINCT ON (customer) * FROM fct_orders ORDER BY id",
            "DESCRIBE fct_orders", "SUMMARIZE stg_orders", "DESCRIBE SELECT 1", "SHOW TABLES", "SHOW TABLES FROM MARTS",
            "SHOW ALL TABLES", "SELECT table_name FROM information_schema.tables",
            "SELECT * FROM fct_orders USING SAMPLE 10",
            #"SELECT "AS x" FROM "daily ""A"" AS (""#, "SELECT * FROM \"x.csv\"",
            "SELECT * FROM (SELECT 1 AS filename)",
            "WITH \"x y\" AS (SELECT 1) FROM \"x y\"", "(SELECT 1)", "SELECT 1;  -- one\n",
            "/* two */ SELECT 'it''s; -- fine'",
            "SELECT (SELECT max(id) FROM fct_orders), EXISTS (FROM stg_orders), 3 = ANY (SELECT id FROM fct_orders)",
            "SELECT * FROM json_each('{\"a\": 1}')",
            "SELECT quantile_cont(total, 0.5), string_agg(customer, ',' ORDER BY id) FROM fct_orders",
        ])
    func allowed(_ sql: String) async throws {
        let lake = try await Lake.shared.value
        #expect(try await !lake.query(sql).rows.isEmpty)
    }

    @Test("unqualified names are found in MARTS first")
    func searchPath() async throws {
        let lake = try await Lake.shared.value
        #expect(
            try await lake.query("SELECT count(*), min(total)::VARCHAR FROM fct_orders").rows == [
                [.integer(1000), .text("0.00")]
            ])
        #expect(try await lake.query("SELECT which FROM RAW.fct_orders").rows == [[.text("the RAW one")]])
    }

    @Test("cells keep their values: what JSON would round is text")
    func cells() async throws {
        let table = try await Lake.shared.value.query(
            """
            SELECT NULL AS n, true AS b, 9007199254740992 AS i, 9007199254740993 AS j, 1.5::DOUBLE AS d, 1.50::DECIMAL(4, 2) AS m,
                'nan'::DOUBLE AS x, TIMESTAMPTZ '2026-11-21 07:30:00+00' AS t, [1, 2] AS l, 0.1::FLOAT AS f, {'a': 1}::VARIANT AS v
            """)
        #expect(
            table.rows == [
                [
                    .null, .bool(true), .integer(9_007_199_254_740_992), .text("9007199254740993"), .number(1.5),
                    .text("1.50"),
                    .text("nan"), .text("2026-11-21 07:30:00+00"), .text("[1, 2]"), .number(0.1), .text("{'a': 1}"),
                ]
            ])
        #expect(table.columns[5] == EngineColumn(name: "m", type: "DECIMAL(4,2)"))
        #expect(!table.truncated && table.seconds > 0)
    }

    @Test("an answer holds at most as many rows as asked for and says so")
    func limit() async throws {
        let lake = try await Lake.shared.value
        let cut = try await lake.client.query(lake.request("FROM range(5000)", limit: 3000))
        #expect(cut.rows.count == 3000 && cut.truncated)
        let whole = try await lake.client.query(lake.request("FROM range(3000)", limit: 3000))
        #expect(whole.rows.count == 3000 && !whole.truncated)
        let none = try await lake.client.query(lake.request("FROM fct_orders WHERE false"))
        #expect(none.rows.isEmpty && none.columns.map(\.name) == ["id", "total", "customer"])
    }

    @Test("CSV follows RFC 4180, and null differs from an empty text")
    func csv() async throws {
        let bytes = try await Lake.shared.value.export(
            #"SELECT NULL AS "a,b", '' AS e, 'x"y' AS q, 'l1' || chr(10) || 'l2' AS l, 1.50::DECIMAL(4,2) AS m, ' é' AS u"#,
            .csv)
        #expect(
            String(decoding: bytes, as: UTF8.self) == "\"a,b\",e,q,l,m,u\r\n,\"\",\"x\"\"y\",\"l1\nl2\",1.50, é\r\n")
        let big = try await Lake.shared.value.export("SELECT * FROM big", .csv)
        #expect(big.count(where: { $0 == 10 }) == 400_001)
    }

    @Test(
        "Parquet holds every row and leaves nothing behind", arguments: ["SELECT * FROM big", "FROM big; -- ends here"])
    func parquet(_ sql: String) async throws {
        let lake = try await Lake.shared.value
        let bytes = try await lake.export(sql, .parquet)
        let path = "\(lake.folder)/\(UUID().uuidString).parquet"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let row = try await lake.writer.rows("SELECT count(*), sum(i), count(DISTINCT h) FROM '\(path)'")[0]
        #expect(row.values.map(\.string) == ["400000", "79999800000", "400000"])
        // Pipes of other exports that are going on hold no bytes.
        let files = FileManager.default.enumerator(atPath: "\(lake.folder)/engine")
        while let name = files?.nextObject() as? String {
            #expect(!name.hasSuffix(".parquet") || files?.fileAttributes?[.type] as? FileAttributeType != .typeRegular)
        }
    }

    @Test("a failure before the first byte of an export is thrown at once")
    func exportFails() async throws {
        let lake = try await Lake.shared.value
        for format in [EngineFormat.csv, .parquet] {
            let problem = await #expect(throws: Problem.self) {
                _ = try await lake.client.export(lake.request("SELECT nothing FROM fct_orders", format: format))
            }
            #expect(problem?.code == .queryFailed)
        }
    }

    @Test("a reader sees each commit of another writer, also after tables and views change")
    func freshness() async throws {
        let lake = try await Lake.shared.value
        try await lake.writer.execute("CREATE TABLE lake.RAW.fresh AS SELECT 1 AS a")
        #expect(try await lake.query("SELECT a FROM fresh").rows == [[.integer(1)]])
        for round in 2...4 {
            try await lake.writer.execute("INSERT INTO lake.RAW.fresh VALUES (\(round))")
            #expect(try await lake.query("SELECT max(a) FROM fresh").rows == [[.integer(Int64(round))]])
        }
        try await lake.writer.execute("ALTER TABLE lake.RAW.fresh ADD COLUMN b VARCHAR")
        #expect(try await lake.query("SELECT * FROM fresh").columns.map(\.name) == ["a", "b"])
        try await lake.writer.execute("CREATE VIEW lake.MARTS.fresh AS SELECT count(*) AS n FROM lake.RAW.fresh")
        #expect(try await lake.query("SELECT * FROM fresh").rows == [[.integer(4)]])
        try await lake.writer.execute("CREATE OR REPLACE VIEW lake.MARTS.fresh AS SELECT * FROM duckdb_databases()")
        #expect(try await lake.problem("SELECT * FROM fresh")?.code == .queryRefused)
        try await lake.writer.execute("DROP VIEW lake.MARTS.fresh; DROP TABLE lake.RAW.fresh")
        #expect(try await lake.problem("SELECT * FROM fresh")?.code == .queryFailed)
    }

    @Test("what a person gets wrong is said in one line, without paths or connection strings")
    func messages() async throws {
        let lake = try await Lake.shared.value
        for (sql, part) in [
            ("SELEC 1", "syntax error"), ("SELECT nothing FROM fct_orders", "nothing"),
            ("SELECT * FROM nowhere", "nowhere"),
            ("SELECT 'x'::INT", "Could not convert"), ("SELECT sum(customer) FROM fct_orders", "sum"), ("", "no SQL"),
            ("SELECT 1 FROM", "syntax error"), ("SELECT abs()", "abs"),
        ] {
            let problem = try #require(try await lake.problem(sql))
            #expect(problem.code == .queryFailed)
            #expect(problem.detail.contains(part), "\(problem.detail)")
            #expect(
                !problem.detail.contains("\n") && !problem.detail.contains("password")
                    && !problem.detail.contains(lake.folder))
        }
    }
}

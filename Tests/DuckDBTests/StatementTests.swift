import DuckDB
import Foundation
import Testing

@Suite("Statements")
struct StatementTests {
    @Test("column types are named as DESCRIBE names them")
    func typeNames() async throws {
        let sql = """
            SELECT *, NULL::VARIANT AS x, NULL::GEOMETRY AS g, NULL::STRUCT("select" INT, "A" INT, "b c" DECIMAL(10,2)[], "n""q" INT) AS s,
                NULL::ENUM('it''s', 'b') AS e, NULL::MAP(VARCHAR, INT[3][]) AS m, NULL::UNION(k INT, "Or" JSON) AS u
            FROM test_all_types()
            """
        let connection = try Duck.connect()
        let described = try await connection.rows("DESCRIBE \(sql)").map { ($0[0].string, $0[1].string) }
        let inspected = try await connection.perform { try $0.inspect(sql) }
        let streamed = try await connection.stream(sql)
        #expect(inspected.kind == .select)
        #expect(inspected.columns.map(\.name) == described.map(\.0))
        #expect(inspected.columns.map(\.type) == described.map(\.1))
        #expect(streamed.columnTypes == described.map(\.1))
    }

    @Test(
        "statements are counted and their kind is told without running them",
        arguments: [
            ("INSERT INTO t VALUES (1)", DuckStatement.Kind.insert), ("SELECT ?", .select),
            ("COPY t TO 'x.csv'", .copy),
        ])
    func kinds(_ sql: String, _ kind: DuckStatement.Kind) async throws {
        let connection = try Duck.connect()
        try await connection.execute("CREATE TABLE t(a INT)")
        let (statement, one, two) = try await connection.perform { session in
            (try session.inspect(sql), try session.statementCount(sql), try session.statementCount("\(sql); SELECT 2;"))
        }
        #expect(statement.kind == kind)
        #expect((one, two) == (1, 2))
        #expect(try await connection.rows("FROM t").isEmpty)
        await #expect(throws: DuckError.self) { try await connection.perform { try $0.statementCount("SELEC 1") } }
    }

    @Test("a streamed statement that fails on the way throws instead of ending early")
    func failsOnTheWay() async throws {
        let connection = try Duck.connect()
        let cursor = try await connection.stream(
            "SELECT CASE WHEN i = 4500000 THEN error('late') ELSE i END FROM range(5000000) t(i)")
        var rows = 0
        let failure = await #expect(throws: DuckError.self) {
            while let count = try await cursor.next({ $0?.count }) { rows += count }
        }
        #expect(failure?.message.contains("late") == true)
        #expect(rows > 0 && rows < 4_500_001)
    }

    @Test("a cursor that is closed early frees its connection for the next statement")
    func closedEarly() async throws {
        let connection = try Duck.connect()
        let cursor = try await connection.stream("FROM range(1000000000)")
        _ = try await cursor.next { $0?.count }
        await cursor.close()
        #expect(try await connection.rows("SELECT 42")[0][0] == .integer(42))
    }
}

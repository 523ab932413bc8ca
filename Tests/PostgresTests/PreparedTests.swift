import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Statements that are prepared", .timeLimit(.minutes(10)))
struct PreparedTests {
    private func prepared(_ connection: PGConnection) async throws -> Int64? {
        try await connection.query("SELECT count(*) AS n FROM pg_prepared_statements").first?.int("n")
    }

    @Test("are parsed once for a connection, whatever their values")
    func once() async throws {
        try await TestDatabase.use { database in
            let connection = try await database.connect()
            for number in 0..<5 {
                let row = try await connection.queryPrepared("SELECT \(number)::int + 1 AS next").first
                #expect(try row?.int("next") == Int64(number + 1))
            }
            #expect(try await prepared(connection) == 1)
            await #expect(throws: PGError.self) { try await connection.queryPrepared("SELECT \(0)::int / 0") }
            #expect(try await connection.queryPrepared("SELECT \(7)::int + 1 AS next").first?.int("next") == 8)
            await connection.close()
        }
    }

    @Test("go on when the table has changed beneath them, or somebody has discarded them")
    func outdated() async throws {
        try await TestDatabase.use { database in
            try await database.script("CREATE TABLE changed (a int); INSERT INTO changed VALUES (1)")
            let connection = try await database.connect()
            func read() async throws -> [PGRow] { try await connection.queryPrepared("SELECT * FROM changed") }
            #expect(try await read().first?.int("a") == 1)
            try await database.script("ALTER TABLE changed ADD COLUMN b int DEFAULT 2")
            #expect(try await read().first?.int("b") == 2)
            try await connection.script("DISCARD ALL")
            #expect(try await read().first?.int("b") == 2)
            await connection.close()
        }
    }

    @Test("that are outdated inside a transaction fail it, and the next one goes well")
    func transaction() async throws {
        try await TestDatabase.use { database in
            try await database.script("CREATE TABLE changed (a int); INSERT INTO changed VALUES (1)")
            let pool = database.pool(limit: 1)
            func read() async throws -> Int {
                try await pool.transaction(organization: nil) { connection in
                    try await connection.queryPrepared("SELECT * FROM changed").count
                }
            }
            #expect(try await read() == 1)
            try await database.script("ALTER TABLE changed ADD COLUMN b int")
            let error = await #expect(throws: PGError.self) { _ = try await read() }
            #expect(error?.state == "0A000")
            #expect(try await read() == 1)
            await pool.close()
        }
    }

    @Test("are bounded: what never comes again is not kept")
    func bounded() async throws {
        try await TestDatabase.use { database in
            let connection = try await database.connect()
            for number in 0..<200 {
                let row = try await connection.queryPrepared(SQL(unsafe: "SELECT \(number) AS n")).first
                #expect(try row?.int("n") == Int64(number))
            }
            #expect(try await prepared(connection) == 64)
            await connection.close()
        }
    }

    @Test("a pool apart has connections when the other has none left")
    func apart() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 1)
            let other = pool.apart(limit: 1)
            let answer = try await pool.withConnection { _ in
                try await other.withConnection { try await $0.query("SELECT 1 AS one").first?.int("one") }
            }
            #expect(answer == 1)
            await other.close()
            await pool.close()
        }
    }
}

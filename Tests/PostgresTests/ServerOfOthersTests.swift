import Kernel
import Postgres
import TestHouse
import Testing

@Suite("A server of others", .timeLimit(.minutes(10)))
struct ServerOfOthersTests {
    @Test(
        "is heard up to the limit; what is more ends the connection, in rows, in one value, or in rows of nothing")
    func limited() async throws {
        try await TestDatabase.use { database in
            for endless: SQL in [
                "SELECT repeat('x', 1000) FROM generate_series(1, 100000)", "SELECT repeat('x', 100000000)",
                "SELECT NULL::text, NULL::text, NULL::text FROM generate_series(1, 800000)",
            ] {
                let connection = try await PGConnection.connect(database.conninfo(), mostBytes: 16 << 20)
                for _ in 0..<3 {
                    let rows = try await connection.query("SELECT repeat('x', 1000) FROM generate_series(1, 3000)")
                    #expect(rows.count == 3000)
                }
                let error = await #expect(throws: PGError.self) { try await connection.query(endless) }
                guard case .tooLong(16_777_216) = error else {
                    Issue.record("It ended with \(String(describing: error)).")
                    continue
                }
                await connection.close()
            }
        }
    }

    @Test("that begins a COPY nobody asked for is let go, and its connection with it")
    func copies() async throws {
        try await TestDatabase.use { database in
            let connection = try await PGConnection.connect(database.conninfo(), mostBytes: 16 << 20)
            await #expect(throws: PGError.self) { try await connection.script("COPY (SELECT 1) TO STDOUT") }
            await #expect(throws: PGError.self) { try await connection.query("SELECT 1") }
            #expect(!connection.isUsable)
            await connection.close()
        }
    }

    @Test("that stays silent is left for the next one, and only that")
    func nextAddress() async throws {
        let server = try SilentServer()
        defer { server.close() }
        try await TestDatabase.use { database in
            let address = try TestServer.address(database: database.name)
            var parameters = address.parameters
            let (host, port) = (parameters["host"] ?? "", parameters["port"] ?? "5432")
            parameters["password"] = address.password?.reveal()
            parameters["connect_timeout"] = "2"
            parameters["host"] = "127.0.0.1,127.0.0.1,\(host)"
            parameters["port"] = "\(server.port),1,\(port)"
            let started = ContinuousClock.now
            let connection = try await PGConnection.connect(Conninfo.text(parameters), mostBytes: 1 << 20)
            #expect(try await connection.query("SELECT 1 AS one").first?.int("one") == 1)
            // One address was waited for, once.
            #expect(ContinuousClock.now - started >= .seconds(2))
            await connection.close()

            parameters["host"] = "127.0.0.1"
            parameters["port"] = "\(server.port)"
            let error = await #expect(throws: PGError.self) {
                try await PGConnection.connect(Conninfo.text(parameters), mostBytes: 1 << 20)
            }
            #expect(error?.message.contains("timeout expired") == true)
        }
    }

    @Test("is not kept by somebody who is cancelled while connecting")
    func cancelled() async throws {
        let server = try SilentServer()
        defer { server.close() }
        let connecting = Task {
            try await PGConnection.connect(
                Secret("host=127.0.0.1 port=\(server.port) dbname=x connect_timeout=0"), mostBytes: 1 << 20)
        }
        async let left: Void = server.waitForLeaving()
        await Task.yield()
        connecting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await connecting.value }
        await left
    }

    @Test("says why it refuses somebody, as to everybody else")
    func refused() async throws {
        try await TestDatabase.use { database in
            let role = TestServer.uniqueName("refused")
            try await database.script("CREATE ROLE \(role) LOGIN PASSWORD 'right'")
            let conninfo = try TestServer.address(database: database.name, user: role, password: "wrong")
                .conninfo(session: [:])
            let plain = await #expect(throws: PGError.self) { try await PGConnection.connect(conninfo) }
            let limited = await #expect(throws: PGError.self) {
                try await PGConnection.connect(conninfo, mostBytes: 1 << 20)
            }
            #expect(plain?.message == limited?.message && plain?.message.isEmpty == false)
            try await database.script("DROP ROLE \(role)")
        }
    }
}

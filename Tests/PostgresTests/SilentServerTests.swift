import Foundation
import Kernel
import Postgres
import TestHouse
import Testing

/// Servers that are full, or that neither answer nor close: nobody waits for them longer than wanted.
@Suite("A server without an answer", .timeLimit(.minutes(10)))
struct SilentServerTests {
    @Test("does not keep a cancelled statement, and its connection is not used again")
    func silentStatement() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 1)
            let pid = try await pool.withConnection { try await backend(of: $0) }
            let statement = Task { try await pool.withConnection { try await $0.script(deaf) } }
            try await database.wait(
                until: "EXISTS (SELECT FROM pg_stat_activity WHERE pid = \(Int(pid))::int AND wait_event = 'PgSleep')")
            statement.cancel()
            await #expect(throws: CancellationError.self) { try await statement.value }
            #expect(try await pool.withConnection { try await backend(of: $0) } != pid)
            await pool.close()
        }
    }

    @Test("does not keep somebody who is cancelled while connecting")
    func silentConnecting() async throws {
        let server = try SilentServer()
        defer { server.close() }
        let connecting = Task {
            try await PGConnection.connect(Secret("host=127.0.0.1 port=\(server.port) dbname=x connect_timeout=60"))
        }
        await Task.yield()
        connecting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await connecting.value }
    }

    @Test("does not keep somebody who is cancelled while waiting for another's connection")
    func waiting() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 1)
            let (held, release) = (Signal(), Signal())
            let holder = Task {
                try await pool.withConnection { _ in
                    await held.open()
                    await release.wait()
                }
            }
            await held.wait()
            let waiter = Task { try await pool.withConnection { try await backend(of: $0) } }
            await Task.yield()
            waiter.cancel()
            await #expect(throws: CancellationError.self) { _ = try await waiter.value }
            await release.open()
            try await holder.value
            #expect(try await pool.withConnection { try await backend(of: $0) } > 0)
            await pool.close()
        }
    }

    @Test("that takes no more connections is used over those that there are")
    func full() async throws {
        try await TestDatabase.use { database in
            let role = TestServer.uniqueName("narrow")
            try await database.script("CREATE ROLE \(role) LOGIN PASSWORD 'narrow' CONNECTION LIMIT 2")
            let address = try TestServer.address(database: database.name, user: role, password: "narrow")
            let pool = PGPool(address.conninfo(session: [:]), limit: 8)
            let pids = try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<40 { group.addTask { try await pool.withConnection { try await backend(of: $0) } } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect((1...2).contains(pids.count))
            await pool.close()
            try await database.wait(until: "NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = \(role))")
            try await database.script("DROP ROLE \(role)")
        }
    }

    @Test("that is gone is not waited for by those who stand in line")
    func gone() async throws {
        let pool = PGPool(Secret("host=127.0.0.1 port=1 dbname=x"), limit: 2)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    await #expect(throws: PGError.self) { try await pool.withConnection { try await backend(of: $0) } }
                }
            }
        }
    }
}

/// Does not listen to requests to cancel it. It ends with its database.
private let deaf = """
    DO $$ BEGIN LOOP
      BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
    END LOOP; END $$
    """

private func backend(of connection: PGConnection) async throws -> Int32 {
    try await Int32(connection.query("SELECT pg_backend_pid() AS pid").first?.int("pid") ?? 0)
}

/// Takes connections and says nothing.
struct SilentServer {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, raw, &length) == 0
            }
        }
        guard bound else { throw Problem(.internal, "No port is free.") }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Takes the next connection, and returns when whoever came has gone.
    func waitForLeaving() async {
        let descriptor = descriptor
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let taken = accept(descriptor, nil, nil)
                var buffer = [UInt8](repeating: 0, count: 4096)
                while read(taken, &buffer, buffer.count) > 0 {}
                Foundation.close(taken)
                continuation.resume()
            }
        }
    }

    func close() { Foundation.close(descriptor) }
}

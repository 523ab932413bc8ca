import Glibc
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("The pool of connections", .timeLimit(.minutes(10)))
struct PoolTests {
    private actor Tally {
        private(set) var most = 0
        private var now = 0

        func enter() {
            now += 1
            most = max(most, now)
        }

        func leave() { now -= 1 }
    }

    @Test("opens no more than its limit, however many ask")
    func limit() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 3)
            let tally = Tally()
            let pids = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<24 {
                    group.addTask {
                        try await pool.withConnection { connection in
                            await tally.enter()
                            let pid = try await backend(of: connection)
                            await tally.leave()
                            return pid
                        }
                    }
                }
                return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
            }
            #expect(await tally.most <= 3)
            #expect((1...3).contains(pids.count))
            await pool.close()
        }
    }

    @Test("uses a connection again after a statement failed on it")
    func reuse() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 1)
            let before = try await pool.withConnection { try await backend(of: $0) }
            await #expect(throws: PGError.self) {
                try await pool.withConnection { try await $0.query("SELECT 1 / 0 AS x") }
            }
            await #expect(throws: PGError.self) {
                try await pool.transaction(organization: nil) { try await $0.query("SELECT nothing") }
            }
            #expect(try await pool.withConnection { try await backend(of: $0) } == before)
            await pool.close()
        }
    }

    @Test("replaces a connection that broke, and one that was left inside a transaction")
    func replaces() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 1)
            let first = try await pool.withConnection { try await backend(of: $0) }
            await #expect(throws: PGError.self) {
                try await pool.withConnection { connection in
                    #expect(try await backend(of: connection) == first)
                    try await database.query("SELECT pg_terminate_backend(\(first)::int)")
                    try await database.wait(
                        until: "NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = \(first)::int)")
                    return try await backend(of: connection)
                }
            }
            let second = try await pool.withConnection { connection in
                try await connection.script("BEGIN")
                return try await backend(of: connection)
            }
            #expect(second != first)
            let third = try await pool.withConnection { try await backend(of: $0) }
            #expect(third != second)
            await pool.close()
        }
    }

    @Test("passes a free connection on when the one who was next has been cancelled")
    func cancelledWaiter() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 1)
            let held = Signal()
            let release = Signal()
            let holder = Task {
                try await pool.withConnection { _ in
                    await held.open()
                    await release.wait()
                }
            }
            await held.wait()
            // Whatever the order in which they come to wait, those that are cancelled must not keep the others.
            let waiters = (0..<12).map { _ in Task { try await pool.withConnection { try await backend(of: $0) } } }
            for waiter in waiters.prefix(11) {
                await Task.yield()
                waiter.cancel()
            }
            await release.open()
            try await holder.value
            #expect(try await waiters[11].value > 0)
            await pool.close()
        }
    }

    @Test("gives nobody a connection that its server has ended while it was idle")
    func ended() async throws {
        try await TestDatabase.use { database in
            let pool = database.pool(limit: 4)
            let all = Signal()
            let pids = try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await pool.withConnection { connection in
                            let pid = try await Int32(
                                connection.query("SELECT pg_backend_pid() AS pid").first?.int("pid") ?? 0)
                            if await pool.usage.open == 4 { await all.open() }
                            await all.wait()
                            return pid
                        }
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(pids.count == 4)
            #expect(await pool.usage.idle == 4)
            try await database.query(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE pid <> pg_backend_pid() AND datname = current_database()
                """)
            // Their sockets are closed with the processes.
            while pids.contains(where: { kill($0, 0) == 0 }) { await Task.yield() }
            for _ in 0..<4 { try await pool.withConnection { _ = try await $0.query("SELECT 1") } }
            #expect(await pool.usage.open == 1)
            await pool.close()
        }
    }

    @Test("rolls a transaction back when its work throws or is cancelled, and forgets the organization after it")
    func rollback() async throws {
        try await TestDatabase.use { database in
            try await database.script("CREATE TABLE kept (id int)")
            let pool = database.pool(limit: 1)
            await #expect(throws: Problem.self) {
                try await pool.transaction(organization: nil) { connection in
                    try await connection.query("INSERT INTO kept VALUES (1)")
                    throw Problem(.conflict, "No.")
                }
            }
            let cancelled = Task {
                try await pool.transaction(organization: nil) { connection in
                    try await connection.query("INSERT INTO kept VALUES (2)")
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await connection.query("INSERT INTO kept VALUES (3)")
                }
            }
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            let organization = TimeSource.system.makeID(OrganizationTag.self)
            let inside = try await pool.transaction(organization: organization) { try await setting(on: $0) }
            #expect(inside == organization.description)
            #expect(try await pool.transaction(organization: nil) { try await setting(on: $0) } == "")
            #expect(try await database.number("SELECT count(*) FROM kept") == 0)
            await pool.close()
        }
    }

    @Test("cancels the statement at the server when its task is cancelled")
    func cancellation() async throws {
        try await TestDatabase.use { database in
            let blocker = try await database.connect()
            try await blocker.query("SELECT pg_advisory_lock(7)")
            let pool = database.pool(limit: 1)
            let pid = try await pool.withConnection { try await backend(of: $0) }
            let blocked = Task {
                try await pool.withConnection { try await $0.query("SELECT pg_advisory_lock(7)") }
            }
            try await database.wait(
                until: "EXISTS (SELECT FROM pg_stat_activity WHERE pid = \(pid)::int AND wait_event = 'advisory')")
            blocked.cancel()
            await #expect(throws: CancellationError.self) { try await blocked.value }
            // The request may reach the server late: nobody else gets that connection.
            #expect(try await pool.withConnection { try await backend(of: $0) } != pid)
            try await database.wait(until: "NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = \(pid)::int)")
            #expect(
                try await database.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7")
                    == 1)
            await pool.close()
            await blocker.close()
        }
    }

    @Test("says which failures another attempt may mend")
    func transient() async throws {
        try await TestDatabase.use { database in
            let error = await #expect(throws: PGError.self) { try await database.query("SELECT nothing") }
            #expect(error?.state == "42703")
            #expect(error?.isTransient == false)
            #expect(error?.asMetadataProblem.code == .internal)
            let refused = await #expect(throws: PGError.self) {
                _ = try await PGConnection.connect(Secret("host=127.0.0.1 port=1 dbname=x"))
            }
            #expect(refused?.isTransient == true)
            #expect(refused?.asMetadataProblem.code == .metadataUnavailable)
        }
    }
}

private func backend(of connection: PGConnection) async throws -> Int64 {
    try await connection.query("SELECT pg_backend_pid() AS pid").first?.int("pid") ?? 0
}

private func setting(on connection: PGConnection) async throws -> String {
    try await connection.query("SELECT coalesce(current_setting('app.organization', true), '') AS value").first?
        .string("value") ?? ""
}

package import Kernel
package import Postgres

/// An empty database of one test.
package struct TestDatabase: Sendable {
    package let name: String
    /// The superuser's.
    package let address: ConnectionAddress

    /// Makes a database, hands it to `work` and drops it, whatever comes of `work`. Do not nest.
    package static func use<Value: Sendable>(
        _ work: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        // A test that holds one gets another one without waiting: else some would wait for each other.
        guard !isHolder else { return try await make(work) }
        await Turnstile.databases.enter()
        let result = await Result { try await $isHolder.withValue(true) { try await make(work) } }
        await Turnstile.databases.leave()
        return try result.get()
    }

    @TaskLocal private static var isHolder = false

    private static func make<Value: Sendable>(_ work: (TestDatabase) async throws -> Value) async throws -> Value {
        let name = TestServer.uniqueName("weir_test")
        // template0: the server copies it even while other sessions look at template1.
        try await TestServer.administer(["CREATE DATABASE \(name) TEMPLATE template0 ENCODING 'UTF8'"])
        let worked = await Result {
            try await work(TestDatabase(name: name, address: try TestServer.address(database: name)))
        }
        // In a task of its own: the test's task may be cancelled.
        try await Task { try await TestServer.administer(["DROP DATABASE \(name) WITH (FORCE)"]) }.value
        return try worked.get()
    }

    /// The superuser's connection string, or that of a role that it turns into at sign-in.
    package func conninfo(role: String? = nil) -> Secret<String> {
        address.conninfo(session: role.map { ["role": $0] } ?? [:])
    }

    package func connect() async throws -> PGConnection { try await PGConnection.connect(conninfo()) }

    package func pool(limit: Int, role: String? = nil) -> PGPool { PGPool(conninfo(role: role), limit: limit) }

    /// Statements as the superuser, in one go.
    package func script(_ text: String) async throws {
        let connection = try await connect()
        let result = await Result { try await connection.script(text) }
        await connection.close()
        try result.get()
    }

    /// One statement as the superuser.
    @discardableResult
    package func query(_ sql: SQL) async throws -> [PGRow] {
        let connection = try await connect()
        let result = await Result { try await connection.query(sql) }
        await connection.close()
        return try result.get()
    }

    /// The one number that a statement gives.
    package func number(_ sql: SQL) async throws -> Int64 {
        guard let row = try await query("SELECT (" + sql + ")::bigint AS number").first else { return 0 }
        return try row.int("number")
    }

    /// Asks the server again and again until `condition`, SQL of type boolean, holds.
    package func wait(until condition: SQL) async throws {
        let connection = try await connect()
        let result = await Result {
            while try await connection.query("SELECT (" + condition + ") AS holds").first?.bool("holds") != true {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
        await connection.close()
        try result.get()
    }
}

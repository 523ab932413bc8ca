package import Kernel

/// A bounded set of connections to one database under one role.
package actor PGPool {
    private let conninfo: Secret<String>
    private let limit: Int
    private var idle: [PGConnection] = []
    private var open = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init(_ conninfo: Secret<String>, limit: Int) {
        self.conninfo = conninfo
        self.limit = limit
    }

    /// Runs `work` on a connection that no one else uses meanwhile. A connection that is not idle afterwards is dropped.
    /// - Throws: what `work` throws; `PGError.connection`.
    package nonisolated func withConnection<Value: Sendable>(
        _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await take()
        do {
            let value = try await work(connection)
            await give(connection)
            return value
        } catch {
            await give(connection)
            // The server went away: its other connections are as dead as this one.
            if case .connection = error as? PGError { await close() }
            throw error
        }
    }

    /// Runs `work` in a transaction in which only rows of `organization` can be seen (none, if it is nil): commits when
    /// it returns, rolls back when it throws.
    @discardableResult
    package nonisolated func transaction<Value: Sendable>(
        organization: OrganizationID?, _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        try await withConnection { connection in
            try await connection.transaction(organization: organization) { try await work(connection) }
        }
    }

    /// Closes all idle connections; those in use close when they come back.
    package func close() async {
        let connections = idle
        idle = []
        open -= connections.count
        for connection in connections { await connection.close() }
    }

    /// How the pool is used at this moment.
    package var usage: Usage {
        Usage(open: open, idle: idle.count, waiting: waiting.count, limit: limit)
    }

    package struct Usage: Sendable, Equatable {
        /// Idle ones included.
        package let open: Int
        package let idle: Int
        /// Tasks that wait for a connection.
        package let waiting: Int
        package let limit: Int
    }

    private func take() async throws -> PGConnection {
        while true {
            if Task.isCancelled {
                // It may have been woken for a connection that the next one can have.
                wakeNext()
                throw CancellationError()
            }
            if let connection = idle.popLast() { return connection }
            if open < limit {
                open += 1
                do {
                    return try await PGConnection.connect(conninfo)
                } catch {
                    open -= 1
                    wakeNext()
                    throw error
                }
            }
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    private func give(_ connection: PGConnection) async {
        // The check runs uncancelled: a cancelled task's connection is usually as good as ever.
        let usable = await Task { await connection.isUsable() }.value
        if usable {
            idle.append(connection)
        } else {
            open -= 1
            await connection.close()
        }
        wakeNext()
    }

    private func wakeNext() {
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }
}

extension PGConnection {
    /// `BEGIN`, `work`, `COMMIT`; `ROLLBACK` if `work` throws. `app.organization` is set for this transaction.
    @discardableResult
    package func transaction<Value: Sendable>(
        organization: OrganizationID?, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        let setting = organization.map { "; SELECT set_config('app.organization', '\($0)', true)" } ?? ""
        try await script("BEGIN\(setting)")
        do {
            let value = try await work()
            try await script("COMMIT")
            return value
        } catch {
            // In a task of its own: a cancelled task could not send it.
            _ = try? await Task { try await self.script("ROLLBACK") }.value
            throw error
        }
    }
}

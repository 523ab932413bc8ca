package import Kernel

/// A bounded set of connections to one database under one role.
package actor PGPool {
    private let conninfo: Secret<String>
    private let limit: Int
    private var idle: [PGConnection] = []
    private var open = 0
    /// In the order in which they came. Nobody waits while a connection is idle.
    private var line: [Waiter] = []
    private var lastTicket = 0

    private struct Waiter {
        let ticket: Int
        /// Takes a connection, or nil: a place for one that it opens itself.
        let continuation: CheckedContinuation<PGConnection?, any Error>
    }

    package init(_ conninfo: Secret<String>, limit: Int) {
        self.conninfo = conninfo
        self.limit = limit
    }

    /// Another pool of the same database and role, whose connections are taken from no one.
    package nonisolated func apart(limit: Int) -> PGPool { PGPool(conninfo, limit: limit) }

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
        Usage(open: open, idle: idle.count, waiting: line.count, limit: limit)
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
        try Task.checkCancellation()
        while let connection = idle.popLast() {
            if connection.isAlive { return connection }
            // Its server has restarted, or somebody has ended the session: that is no reason for the next one to fail.
            open -= 1
            await connection.close()
        }
        if open < limit {
            open += 1
        } else if let connection = try await waitInLine() {
            return connection
        }
        while true {
            do {
                return try await PGConnection.connect(conninfo)
            } catch let error as PGError {
                open -= 1
                // The server may have no room for more: then those that there are have to do.
                guard open > 0 else {
                    dismissLine(error)
                    throw error
                }
                if let connection = idle.popLast() { return connection }
                if let connection = try await waitInLine() { return connection }
            } catch {
                leavePlace()
                throw error
            }
        }
    }

    private func give(_ connection: PGConnection) async {
        // A cancelled task's connection is usually as good as ever.
        if !connection.isUsable {
            await connection.close()
            leavePlace()
        } else if line.isEmpty {
            idle.append(connection)
        } else {
            line.removeFirst().continuation.resume(returning: connection)
        }
    }

    /// Somebody else may open a connection.
    private func leavePlace() {
        if line.isEmpty {
            open -= 1
        } else {
            line.removeFirst().continuation.resume(returning: nil)
        }
    }

    /// - Returns: nil if there is a place to open a connection, which is counted already.
    /// - Throws: `CancellationError` at once when the task is cancelled.
    private func waitInLine() async throws -> PGConnection? {
        lastTicket += 1
        let ticket = lastTicket
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    line.append(Waiter(ticket: ticket, continuation: continuation))
                }
            }
        } onCancel: {
            Task { await self.leaveLine(ticket) }
        }
    }

    private func leaveLine(_ ticket: Int) {
        guard let index = line.firstIndex(where: { $0.ticket == ticket }) else { return }
        line.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    /// No connection is left that could come back to those who wait.
    private func dismissLine(_ error: PGError) {
        let dismissed = line
        line = []
        for waiter in dismissed { waiter.continuation.resume(throwing: error) }
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
            await rollBack()
            throw error
        }
    }

    /// In a task of its own: a cancelled task could not send it. It does not wait long for a server that is silent.
    private func rollBack() async {
        let work = Task { try await script("ROLLBACK") }
        let limit = Task {
            try await Task.sleep(for: Self.patience)
            work.cancel()
        }
        _ = try? await work.value
        limit.cancel()
    }
}

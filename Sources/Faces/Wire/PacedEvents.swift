/// When a silent stream of events sends a comment line, so that both ends notice a dead connection.
package struct Heartbeats: Sendable {
    let ticks: @Sendable () -> AsyncStream<Void>

    package init(_ ticks: @escaping @Sendable () -> AsyncStream<Void>) { self.ticks = ticks }

    package static func every(_ pause: Duration) -> Heartbeats {
        Heartbeats {
            AsyncStream { (try? await Task.sleep(for: pause)).map { _ in () } }
        }
    }
}

/// A run's events with heartbeats between them. The next event is asked for only when the last one has been sent, so
/// that nothing piles up for a slow reader.
package struct PacedEvents: Sendable {
    /// What to send next.
    package enum Piece: Sendable {
        case event(RunEvent)
        case heartbeat
        /// The events cannot go on; nothing comes after it.
        case failure(any Error)
    }

    private enum Turn {
        case piece(Piece)
        case silence
        case end
    }

    private let events: AsyncThrowingStream<RunEvent, any Error>
    private let heartbeats: Heartbeats
    private let closing: @Sendable () async throws -> Void

    /// - Parameter closing: ends the events when it returns; one that throws is over without effect.
    package init(
        _ events: AsyncThrowingStream<RunEvent, any Error>, heartbeats: Heartbeats,
        closing: @escaping @Sendable () async throws -> Void = { throw CancellationError() }
    ) {
        self.events = events
        self.heartbeats = heartbeats
        self.closing = closing
    }

    /// Gives the pieces to `send`, each after the last has been taken, until the events end.
    /// - Throws: what `send` throws: the reader is gone.
    package func each(_ send: (Piece) async throws -> Void) async throws {
        let ticks = heartbeats.ticks()
        try await withThrowingTaskGroup(of: Turn.self) { group in
            defer {
                group.cancelAll()
                // A read that is cancelled ends the events, so that their maker hears of a reader that has gone.
                group.addTask { await next() }
            }
            // Never more than one of each: an event that is there waits here until it is sent.
            group.addTask { await next() }
            group.addTask { await tick(of: ticks) }
            group.addTask { await close() }
            while let turn = try await group.next() {
                switch turn {
                case .piece(.heartbeat):
                    try await send(.heartbeat)
                    group.addTask { await tick(of: ticks) }
                case .piece(.event(let event)):
                    try await send(.event(event))
                    group.addTask { await next() }
                case .piece(.failure(let error)):
                    return try await send(.failure(error))
                case .silence: break
                case .end: return
                }
            }
        }
    }

    private func next() async -> Turn {
        do {
            for try await event in events { return .piece(.event(event)) }
            return .end
        } catch {
            return .piece(.failure(error))
        }
    }

    private func tick(of ticks: AsyncStream<Void>) async -> Turn {
        for await _ in ticks { return .piece(.heartbeat) }
        return .silence
    }

    private func close() async -> Turn {
        do {
            try await closing()
            return .end
        } catch {
            return .silence
        }
    }
}

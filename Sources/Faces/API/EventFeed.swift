import Foundation
import HTTPTypes
import Hummingbird
import ServiceLifecycle
import Wire

/// When a silent stream of events sends a comment line, so that both ends notice a dead connection.
struct Heartbeats: Sendable {
    let ticks: @Sendable () -> AsyncStream<Void>

    static func every(_ pause: Duration) -> Heartbeats {
        Heartbeats {
            AsyncStream { (try? await Task.sleep(for: pause)).map { _ in () } }
        }
    }
}

/// A run's events as `text/event-stream` (HTML standard, section 9.2, "Server-sent events").
struct EventFeed: Sendable {
    let events: AsyncThrowingStream<RunEvent, any Error>
    let heartbeats: Heartbeats
    let faults: FaultReport

    var response: Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store",
            ],
            body: ResponseBody { writer in
                try await write { try await writer.write(ByteBuffer(string: $0)) }
                try await writer.finish(nil)
            })
    }

    /// Gives the pieces to `send` until the events end, the reader goes (`send` throws) or the server shuts down.
    func write(_ send: (String) async throws -> Void) async throws {
        // Events are few (a run's log and its changes), so a slow reader cannot make the queue large.
        let (pieces, queue) = AsyncStream<String>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await pump(into: queue)
                queue.finish()
            }
            group.addTask {
                for await _ in heartbeats.ticks() { queue.yield(": heartbeat\n\n") }
            }
            group.addTask {
                try? await gracefulShutdown()
                queue.finish()
            }
            try await send("retry: 2000\n\n")
            for await piece in pieces { try await send(piece) }
            group.cancelAll()
        }
    }

    private func pump(into queue: AsyncStream<String>.Continuation) async {
        do {
            for try await event in events { queue.yield(try text(of: event)) }
        } catch {
            guard !Task.isCancelled else { return }
            let problem = String(decoding: faults.report(error), as: UTF8.self)
            queue.yield("event: problem\ndata: \(problem)\n\n")
        }
    }

    /// JSON has no line breaks outside strings and escapes them inside, so one `data` line holds it.
    private func text(of event: RunEvent) throws -> String {
        switch event {
        case .run(let detail):
            "event: run\ndata: \(String(decoding: try WireJSON.encode(detail), as: UTF8.self))\n\n"
        case .log(let line):
            "event: log\nid: \(line.sequence)\ndata: \(String(decoding: try WireJSON.encode(line), as: UTF8.self))\n\n"
        }
    }
}

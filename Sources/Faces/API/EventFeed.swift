import Foundation
import HTTPTypes
import Hummingbird
import ServiceLifecycle
import Wire

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
        try await send("retry: 2000\n\n")
        try await PacedEvents(events, heartbeats: heartbeats, closing: { try await gracefulShutdown() })
            .each { piece in
                switch piece {
                case .event(let event): try await send(try text(of: event))
                case .heartbeat: try await send(": heartbeat\n\n")
                case .failure(let error):
                    guard !Task.isCancelled else { return }
                    let problem = String(decoding: faults.report(error), as: UTF8.self)
                    try await send("event: problem\ndata: \(problem)\n\n")
                }
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

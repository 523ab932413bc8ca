import HTTPTypes
import Hummingbird
import Kernel
import NIOCore
import Wire

/// A run's events as server-sent events (HTML Living Standard, section 9.2): `run` carries the changing part of the
/// page, `log` a line of the log with its sequence as the event's id, `over` says that nothing more will come.
struct RunEventStream: Sendable {
    let pages: Pages
    let time: TimeSource
    /// Comments keep proxies from closing a quiet line, and find out readers that are gone.
    var heartbeats = Heartbeats.every(.seconds(15))

    func response(to events: AsyncThrowingStream<RunEvent, any Error>) -> Response {
        let body = ResponseBody { writer in
            try await write(events) { try await writer.write(ByteBuffer(string: $0)) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8"], body: body)
            .with("X-Accel-Buffering", "no")
    }

    /// Gives the pieces to `send` until the events end or the reader goes (`send` throws).
    func write(
        _ events: AsyncThrowingStream<RunEvent, any Error>, _ send: (String) async throws -> Void
    ) async throws {
        var isOver = false
        try await PacedEvents(events, heartbeats: heartbeats).each { piece in
            switch piece {
            case .event(let event):
                if case .run(let detail) = event { isOver = detail.run.state.isOver }
                try await send(text(of: event))
            case .heartbeat: try await send(": still here\n\n")
            // The browser asks again after its pause, and is told then what is wrong.
            case .failure: isOver = false
            }
        }
        // A stream that ends before its run does is no end: the browser asks again after its pause.
        if isOver { try await send("event: over\ndata: over\n\n") }
    }

    private func text(of event: RunEvent) -> String {
        switch event {
        case .run(let detail):
            Self.frame("run", pages.render("run-live", RunLive(detail, now: time.now())), id: nil)
        case .log(let line):
            Self.frame("log", pages.render("log-line", LogRow(line, now: time.now())), id: line.sequence)
        }
    }

    static func frame(_ name: String, _ text: String, id: Int64?) -> String {
        let lines = text.split(whereSeparator: \.isNewline).map { "data: \($0)\n" }.joined()
        return (id.map { "id: \($0)\n" } ?? "") + "event: \(name)\n\(lines)\n"
    }
}

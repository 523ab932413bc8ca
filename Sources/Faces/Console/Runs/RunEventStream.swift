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

    /// A comment this often keeps proxies from closing a quiet line, and finds out readers that are gone.
    private static let heartbeat = Duration.seconds(15)

    func response(to events: AsyncThrowingStream<RunEvent, any Error>) -> Response {
        let (pieces, source) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        let body = ResponseBody { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await send(events, to: source) }
                group.addTask { await keepAlive(source) }
                defer { group.cancelAll() }
                for try await piece in pieces { try await writer.write(piece) }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8"], body: body)
            .with("X-Accel-Buffering", "no")
    }

    private func send(
        _ events: AsyncThrowingStream<RunEvent, any Error>,
        to source: AsyncThrowingStream<ByteBuffer, any Error>.Continuation
    ) async {
        var isOver = false
        do {
            for try await event in events {
                if case .run(let detail) = event { isOver = detail.run.state.isOver }
                source.yield(ByteBuffer(string: text(of: event)))
            }
            // A stream that ends before its run does is no end: the browser asks again after its pause.
            if isOver { source.yield(ByteBuffer(string: "event: over\ndata: over\n\n")) }
            source.finish()
        } catch {
            source.finish()
        }
    }

    private func keepAlive(_ source: AsyncThrowingStream<ByteBuffer, any Error>.Continuation) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.heartbeat) } catch { return }
            source.yield(ByteBuffer(string: ": still here\n\n"))
        }
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

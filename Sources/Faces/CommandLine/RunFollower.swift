import Foundation
import Kernel
import NIOCore
import Wire

/// Follows a run to its end, through restarts of the server.
struct RunFollower: Sendable {
    typealias Pieces = any AsyncSequence<ByteBuffer, any Error>

    /// Opens the stream of events after a log line.
    let connect: @Sendable (Int64) async throws -> Pieces
    /// Waits between two attempts.
    let pause: @Sendable () async throws -> Void
    /// Attempts without any answer before it gives up: one a second, so 5 minutes.
    var patience = 300

    /// What a follower tells of.
    enum News: Sendable {
        case event(RunEvent)
        /// The server is away or back.
        case notice(String)
    }

    /// - Throws: the API's problem if it is final; `engineUnavailable` if the server stays away.
    func follow(_ tell: (News) -> Void) async throws -> RunDetail {
        var position = Int64(0)
        var failures = 0
        while true {
            var heard = false
            do {
                let over = try await listen(from: &position) { event in
                    if failures > 0, !heard { tell(.notice("The server is back.")) }
                    heard = true
                    tell(.event(event))
                }
                if let over { return over }
            } catch let problem as Problem where problem.isFinal {
                throw problem
            } catch let error as CancellationError {
                throw error
            } catch {
                // The server went away in the middle or is not there yet: the same as an early end.
            }
            if heard { failures = 0 }
            failures += 1
            guard failures <= patience else { throw givenUp }
            if failures == 1 { tell(.notice("The connection to the server was lost; waiting for it to come back.")) }
            try await pause()
        }
    }

    /// Listens on one connection; nil if it ends before the run does.
    private func listen(from position: inout Int64, _ tell: (RunEvent) -> Void) async throws -> RunDetail? {
        var parser = ServerSentEvents()
        for try await piece in try await connect(position) {
            for message in parser.read(piece.readableBytesView) {
                if let sequence = Int64(message.lastID) { position = max(position, sequence) }
                guard let event = try event(of: message) else { continue }
                tell(event)
                if case .run(let detail) = event, detail.run.state.isOver { return detail }
            }
        }
        return nil
    }

    private func event(of message: ServerSentEvents.Message) throws -> RunEvent? {
        let data = Data(message.data.utf8)
        switch message.event {
        case "run": return .run(try WireJSON.decode(RunDetail.self, from: data))
        case "log": return .log(try WireJSON.decode(LogLine.self, from: data))
        case "problem": throw try WireJSON.decode(SentProblem.self, from: data).problem
        default: return nil
        }
    }

    private var givenUp: Problem {
        Problem(
            .engineUnavailable, "The server has not come back.",
            hint: "The run goes on when it does: start it with weir up, then see weir runs.")
    }
}

extension Problem {
    /// Whether asking again cannot help.
    fileprivate var isFinal: Bool {
        switch code.retryDirective {
        case .retry: false
        case .giveUp: code != .internal
        }
    }
}

import Foundation
import Kernel
import NIOCore
import Synchronization
import Testing
import Wire

@testable import CommandLine

@Suite struct RunFollowerTests {
    /// A server that goes through a script, one connection after the other.
    private final class Script: Sendable {
        enum Connection: Sendable {
            /// Sends this, then ends or breaks off.
            case sends(String, breaks: Bool)
            case refuses(Problem)
        }

        private let rest: Mutex<[Connection]>
        private let positions = Mutex<[Int64]>([])
        private let pauses = Mutex(0)

        init(_ connections: [Connection]) { rest = Mutex(connections) }

        var asked: [Int64] { positions.withLock { $0 } }
        var waits: Int { pauses.withLock { $0 } }

        func follower(patience: Int = 300) -> RunFollower {
            RunFollower(connect: connect, pause: { self.pauses.withLock { $0 += 1 } }, patience: patience)
        }

        @Sendable private func connect(_ position: Int64) throws -> RunFollower.Pieces {
            positions.withLock { $0.append(position) }
            let away = Connection.refuses(Problem(.engineUnavailable, "away"))
            switch rest.withLock({ $0.isEmpty ? away : $0.removeFirst() }) {
            case .refuses(let problem): throw problem
            case .sends(let text, let breaks):
                return AsyncThrowingStream<ByteBuffer, any Error> { queue in
                    for byte in text.utf8 { queue.yield(ByteBuffer(bytes: [byte])) }
                    queue.finish(throwing: breaks ? IOError(errnoCode: 104, reason: "reset") : nil)
                }
            }
        }
    }

    private final class Diary: Sendable {
        private let lines = Mutex<[String]>([])
        var entries: [String] { lines.withLock { $0 } }

        func note(_ news: RunFollower.News) {
            let line =
                switch news {
                case .notice(let text): text
                case .event(.run(let detail)): detail.run.state.rawValue
                case .event(.log(let line)): "log \(line.sequence)"
                }
            lines.withLock { $0.append(line) }
        }
    }

    private let lost = "The connection to the server was lost; waiting for it to come back."

    @Test("a run is followed through a server that breaks off, stays away and comes back, without reading a line twice")
    func reconnects() async throws {
        let script = Script([
            .sends(run(.running) + log(1) + log(2) + "id: 3\ndata: cut off in the mid", breaks: true),
            .refuses(Problem(.engineUnavailable, "away")),
            .refuses(Problem(.metadataUnavailable, "not yet")),
            .sends(run(.running) + log(3), breaks: false),
            .sends(run(.success), breaks: false),
        ])
        let diary = Diary()
        let detail = try await script.follower().follow(diary.note)
        #expect(detail.run.state == .success)
        #expect(script.asked == [0, 2, 2, 2, 3])
        #expect(script.waits == 4)
        #expect(
            diary.entries == [
                "RUNNING", "log 1", "log 2", lost, "The server is back.", "RUNNING", "log 3", lost,
                "The server is back.",
                "SUCCESS",
            ])
    }

    @Test("it ends with the run, whatever the state it ends in", arguments: [StateWord.success, .failed, .cancelled])
    func ends(state: StateWord) async throws {
        let script = Script([.sends(run(state) + log(9), breaks: false)])
        #expect(try await script.follower().follow { _ in }.run.state == state)
        #expect(script.asked == [0])
    }

    @Test(
        "a problem that asking again cannot help ends it",
        arguments: [Problem.Code.notFound, .unauthenticated, .forbidden])
    func final(code: Problem.Code) async throws {
        let script = Script([.refuses(Problem(code, "no"))])
        await #expect(throws: Problem.self) { _ = try await script.follower().follow { _ in } }
        #expect(script.waits == 0)
    }

    @Test("a problem inside the stream is taken like a broken connection")
    func problemInside() async throws {
        let inside =
            #"event: problem\#ndata: {"code":"metadata_unavailable","title":"t","detail":"d","status":503}\#n\#n"#
        let script = Script([.sends(run(.running) + inside, breaks: false), .sends(run(.success), breaks: false)])
        #expect(try await script.follower().follow { _ in }.run.state == .success)
    }

    @Test("a server that stays away is given up, and the person told how to go on")
    func givesUp() async throws {
        let script = Script([.sends(run(.running), breaks: true)])
        do {
            _ = try await script.follower(patience: 5).follow { _ in }
            Issue.record("it went on")
        } catch let problem as Problem {
            #expect(problem.code == .engineUnavailable)
            #expect(problem.hint?.contains("weir up") == true)
        }
        #expect(script.asked.count == 6)
    }

    private func run(_ state: StateWord) -> String {
        "event: run\ndata: \(json(Sample.run(state, [])))\n\n"
    }

    private func log(_ sequence: Int64) -> String {
        let line = LogLine(sequence: sequence, at: "2026-11-21T07:30:00.000Z", job: "load", level: "info", text: "x")
        return "event: log\nid: \(sequence)\ndata: \(json(line))\n\n"
    }

    private func json(_ value: some Encodable) -> String {
        (try? WireJSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

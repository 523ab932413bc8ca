import AsyncHTTPClient
import Foundation
import Kernel
import NIOCore
import NIOHTTP1

/// Speaks to a query engine over its unix socket. The server has it instead of DuckDB.
package struct EngineClient: Sendable {
    private let socket: String
    /// One for the whole process and for as long as it lives. It does not try again by itself: whether the engine is
    /// waited for is decided here.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// How long an engine that starts anew is waited for.
    private let patience: Duration

    /// - Parameter socket: the engine's unix socket.
    package init(socket: String, patience: Duration = .seconds(10)) {
        self.socket = socket
        self.patience = patience
    }

    /// Runs one query and collects its rows, at most `request.limit`; `request.format` has to be `json`.
    /// - Throws: `queryRefused`, `queryFailed`, `queryTooLong`, `queryTooLarge`, `busy`; `engineUnavailable` if there is no
    ///   engine or it went away on the way; `CancellationError`, upon which the engine stops the query.
    package func query(_ request: EngineRequest) async throws -> EngineTable {
        var answer = try await start(request)
        var columns: [EngineColumn] = []
        var rows: [[EngineCell]] = []
        while let frame = try await answer.next() {
            switch frame {
            case .columns(let names): columns = names
            case .rows(let bytes): rows += try CellCoding.rows(in: bytes, columns: columns.count)
            case .end(let end):
                return EngineTable(columns: columns, rows: rows, truncated: end.truncated, seconds: end.seconds)
            case .problem(let problem): throw problem
            case .bytes: throw Problem(.internal, "The query engine answered in another format.")
            }
        }
        throw EngineClient.wentAway
    }

    /// Runs one query and gives its CSV or Parquet as it is made. All that fails before the first byte is thrown here,
    /// what fails later by the stream.
    /// - Throws: as `query`.
    package func export(_ request: EngineRequest) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        var answer = try await start(request)
        let first = try await EngineClient.piece(of: &answer)
        let rest = Mutable(answer)
        let pending = Mutable(first)
        return AsyncThrowingStream {
            if let first = pending.value {
                pending.value = nil
                return first
            }
            return first == nil ? nil : try await EngineClient.piece(of: &rest.value)
        }
    }

    /// - Throws: `engineUnavailable`.
    package func health() async throws -> EngineHealth {
        do {
            let response = try await EngineClient.client.execute(try http(.GET, "/health"), timeout: .seconds(5))
            let body = try await response.body.collect(upTo: 64 << 10)
            return try JSONDecoder().decode(EngineHealth.self, from: Data(body.readableBytesView))
        } catch {
            throw EngineClient.unavailable(error)
        }
    }

    // Pieces ----------------------------------------------------------------------------------------------------------

    private static func piece(of answer: inout Answer) async throws -> [UInt8]? {
        while let frame = try await answer.next() {
            switch frame {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .problem(let problem): throw problem
            case .columns, .rows: continue
            }
        }
        throw wentAway
    }

    /// Sends the request; an engine that is not there yet, or about to start anew, is waited for. One that goes away before
    /// its first word may have been ending when the query came: it is asked once more. (Queries only read.)
    private func start(_ request: EngineRequest) async throws -> Answer {
        guard request.sql.utf8.count <= SQLGuard.longest else { throw SQLGuard.tooLong }
        var message = try http(.POST, "/query")
        message.headers.add(name: "content-type", value: "application/json")
        message.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(request)))
        // However often it was sent away: no longer than a query may take, and an engine's start.
        let last = ContinuousClock.now + .seconds(request.deadline) + patience
        var end: ContinuousClock.Instant?
        var hasBroken = false
        var refusal: Problem?
        while true {
            do {
                // The engine ends every query by itself; the time on top is for its last words.
                let limit = TimeAmount.milliseconds(Int64((request.deadline + 30) * 1000))
                let response = try await EngineClient.client.execute(message, timeout: limit)
                switch response.status {
                case .ok:
                    // It stood in line, maybe for long: patience begins when the engine goes.
                    defer { end = nil }
                    var answer = Answer(body: response.body.makeAsyncIterator())
                    if try await answer.hasBegun() { return answer }
                    refusal = QueryTurns.closing
                case .serviceUnavailable: break
                default: throw Problem(.internal, "The query engine did not understand the request.")
                }
            } catch  where EngineClient.isAbsent(error) {
                // Nothing was sent, so asking again does nothing twice.
            } catch let error as CancellationError {
                throw error
            } catch let problem as Problem where problem.code != .engineUnavailable || hasBroken {
                throw problem
            } catch {
                if Task.isCancelled { throw CancellationError() }
                guard !hasBroken else { throw EngineClient.wentAway }
                hasBroken = true
            }
            let now = ContinuousClock.now
            let giveUp = min(end ?? now + patience, last)
            guard now < giveUp else { throw refusal ?? EngineClient.unavailable(nil) }
            end = giveUp
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func http(_ method: HTTPMethod, _ path: String) throws -> HTTPClientRequest {
        guard let url = URL(httpURLWithSocketPath: socket, uri: path) else {
            throw Problem(.internal, "The query engine's socket has a name that cannot be used.")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        // A kept connection might lead to an engine that is gone.
        request.headers.add(name: "connection", value: "close")
        if let trace = TraceContext.current { request.headers.add(name: "traceparent", value: trace.traceparent) }
        return request
    }

    /// Whether no engine took the connection.
    private static func isAbsent(_ error: any Error) -> Bool {
        if let error = error as? IOError { return [ENOENT, ECONNREFUSED].contains(error.errnoCode) }
        if let error = error as? HTTPClientError { return error == .connectTimeout }
        return false
    }

    private static func unavailable(_ cause: (any Error)?) -> Problem {
        Problem(
            .engineUnavailable, "The query engine is not running.",
            hint: "It is started again by `weir up`; try again in a moment, or see `weir status`.", cause: cause)
    }

    /// The connection broke after the query was taken: the query itself may be why, so it is not sent again.
    private static let wentAway = Problem(
        .engineUnavailable, "The query engine stopped while it worked on the query; it starts again by itself.",
        hint: "If the query reads very much, read less; otherwise try again.")

    /// The frames of one answer.
    private struct Answer {
        var body: HTTPClientResponse.Body.AsyncIterator
        var buffer: ArraySlice<UInt8> = []

        /// Read already.
        var first: EngineFrame?

        init(body: HTTPClientResponse.Body.AsyncIterator) { self.body = body }

        /// Waits for the first frame. False if the engine is closing and has not begun with the query.
        mutating func hasBegun() async throws -> Bool {
            guard let frame = try await next() else { throw EngineClient.wentAway }
            if case .problem(let problem) = frame, problem.detail == QueryTurns.closing.detail { return false }
            first = frame
            return true
        }

        mutating func next() async throws -> EngineFrame? {
            if let first {
                self.first = nil
                return first
            }
            while true {
                if let frame = try EngineFrame.take(from: &buffer) { return frame }
                do {
                    guard let part = try await body.next() else { return nil }
                    buffer = ArraySlice(Array(buffer) + Array(part.readableBytesView))
                } catch {
                    throw Task.isCancelled || error is CancellationError ? CancellationError() : EngineClient.wentAway
                }
            }
        }
    }

    /// State of a stream that has one reader at a time.
    private final class Mutable<Value>: @unchecked Sendable {
        var value: Value

        init(_ value: Value) { self.value = value }
    }
}

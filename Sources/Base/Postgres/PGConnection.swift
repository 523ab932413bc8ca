internal import CLibPQ
import Dispatch
import Foundation
package import Kernel
import Synchronization

/// One connection through libpq. Statements run one after the other on a thread of its own; cancelling the waiting task
/// asks the server to cancel the statement, and cuts the connection if the server stays silent.
package final class PGConnection: @unchecked Sendable {
    // Touched only on `queue`, except for the socket number and cancel requests.
    private let handle: OpaquePointer
    private let queue: DispatchQueue
    /// Set on `queue` when the connection is closed on purpose.
    private var isClosed = false
    /// Names of prepared statements by their text; on `queue`.
    private var prepared: [String: String] = [:]
    private var preparations = 0
    /// Whether the last call left it outside a transaction, with its connection up.
    private let isIdle = Atomic(true)
    /// Whether a cancel request was sent. The server may act on it late, upon the next statement, whoever's that is.
    private let sentCancel = Atomic(false)

    private init(handle: OpaquePointer, queue: DispatchQueue) {
        self.handle = handle
        self.queue = queue
    }

    deinit { if !isClosed { PQfinish(handle) } }

    /// Connects. `conninfo` is a libpq connection string or address (PostgreSQL documentation, 34.1.1).
    /// - Throws: `PGError.connection`; `CancellationError` at once if the task is cancelled meanwhile.
    package static func connect(_ conninfo: Secret<String>) async throws -> PGConnection {
        let queue = DispatchQueue(label: "weirhouse.postgres")
        let answer = FirstAnswer<PGConnection>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answer.expect(by: continuation)
                queue.async { answer.give(Result { try open(conninfo, on: queue) }) }
            }
        } onCancel: {
            // Nothing ends PQconnectdb early. What it still opens is closed: nobody holds it.
            answer.give(.failure(CancellationError()))
        }
    }

    private static func open(_ conninfo: Secret<String>, on queue: DispatchQueue) throws -> PGConnection {
        guard let handle = PQconnectdb(conninfo.reveal()) else {
            throw PGError.connection(message: "libpq has no memory left")
        }
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = trimmed(PQerrorMessage(handle))
            PQfinish(handle)
            throw PGError.connection(message: message)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        return PGConnection(handle: handle, queue: queue)
    }

    /// Runs one statement with its values bound.
    /// - Throws: `PGError`, also for text with a NUL character; `CancellationError` if the task was cancelled meanwhile.
    @discardableResult
    package func query(_ sql: SQL) async throws -> [PGRow] {
        let bound = try BoundValues(sql)
        return try await onQueue { handle in
            try bound.withPointers { pointers in
                try rows(of: PQexecParams(handle, bound.text, bound.count, nil, pointers, nil, nil, 0), on: handle)
            }
        }
    }

    /// Like `query`, for a statement that comes again and again: this connection parses it once.
    /// - Throws: as `query`.
    @discardableResult
    package func queryPrepared(_ sql: SQL) async throws -> [PGRow] {
        let bound = try BoundValues(sql)
        return try await onQueue { [self] handle in
            do {
                return try execute(bound, on: handle)
            } catch let error as PGError where error.isOutdatedStatement {
                // Tables have changed since it was parsed, or somebody has discarded it. The next try parses it anew.
                prepared[bound.text] = nil
                guard PQtransactionStatus(handle) == PQTRANS_IDLE else { throw error }
                return try execute(bound, on: handle)
            }
        }
    }

    /// Statements that a connection keeps; more than that are not of the kind that comes again.
    private static let mostPrepared = 64

    private func execute(_ bound: BoundValues, on handle: OpaquePointer) throws -> [PGRow] {
        try bound.withPointers { pointers in
            guard let name = try name(of: bound.text, on: handle) else {
                return try rows(
                    of: PQexecParams(handle, bound.text, bound.count, nil, pointers, nil, nil, 0), on: handle)
            }
            return try rows(of: PQexecPrepared(handle, name, bound.count, pointers, nil, nil, 0), on: handle)
        }
    }

    private func name(of text: String, on handle: OpaquePointer) throws -> String? {
        if let name = prepared[text] { return name }
        guard prepared.count < Self.mostPrepared else { return nil }
        preparations += 1
        let name = "weir_\(preparations)"
        _ = try rows(of: PQprepare(handle, name, text, 0, nil), on: handle)
        prepared[text] = name
        return name
    }

    /// Runs several statements, separated by `;`, in the simple protocol. For scripts of our own only.
    package func script(_ text: String) async throws {
        _ = try await onQueue { handle in try rows(of: PQexec(handle, text), on: handle) }
    }

    /// For work that ends by itself soon: there is no statement to cancel.
    private static let nothing: @Sendable () -> Void = {}

    /// Waits up to `milliseconds` for notifications and gives those that came.
    package func notifications(waiting milliseconds: Int32) async throws -> [PGNotification] {
        try await onQueue(cancelling: Self.nothing) { handle in
            var found = try drain(handle)
            guard found.isEmpty else { return found }
            var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, milliseconds) > 0 else { return [] }
            found = try drain(handle)
            return found
        }
    }

    /// The number of PostgreSQL's protocol and server version, `150018` for 15.18.
    package func serverVersion() async throws -> Int {
        try await onQueue { handle in Int(PQserverVersion(handle)) }
    }

    /// Whether it is idle and nothing of its past can reach the next user's statements.
    package var isUsable: Bool { isIdle.load(ordering: .acquiring) && !sentCancel.load(ordering: .acquiring) }

    /// Closes it; later calls throw `PGError.connection`.
    package func close() async {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                if !isClosed { PQfinish(handle) }
                isClosed = true
                continuation.resume()
            }
        }
    }

    private func onQueue<Value: Sendable>(
        cancelling signal: (@Sendable () -> Void)? = nil,
        _ work: @escaping @Sendable (OpaquePointer) throws -> Value
    ) async throws -> Value {
        let call = StoppableCall()
        return try await withTaskCancellationHandler {
            do {
                return try await withCheckedThrowingContinuation { continuation in
                    queue.async { [self] in
                        guard !isClosed else {
                            return continuation.resume(
                                throwing: PGError.connection(message: "the connection is closed"))
                        }
                        let result = Result { try call.run { try work(handle) } }
                        isIdle.store(
                            PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) == PQTRANS_IDLE,
                            ordering: .releasing)
                        continuation.resume(with: result)
                    }
                }
            } catch let error as PGError where error.isOfCancelling && Task.isCancelled {
                throw CancellationError()
            }
        } onCancel: {
            call.stop(signal ?? cancelling())
        }
    }

    /// How long a server that was asked to cancel a statement may be silent.
    package static let patience: Duration = .seconds(1)

    /// What is done again and again until a statement has ended.
    private func cancelling() -> @Sendable () -> Void {
        let began = ContinuousClock.now
        let request = CancelRequest()
        return { [self] in
            sentCancel.store(true, ordering: .releasing)
            if ContinuousClock.now - began < Self.patience {
                request.send(for: handle)
            } else {
                // The call on the other thread finds the connection closed, and returns.
                shutdown(PQsocket(handle), Int32(SHUT_RDWR))
            }
        }
    }
}

/// Asks a server to cancel what runs on a connection (PostgreSQL documentation, 34.7: it may be sent from any thread).
private final class CancelRequest: Sendable {
    private let isOnItsWay = Atomic(false)

    /// Returns at once: the request waits for the server's answer, which may never come.
    func send(for handle: OpaquePointer) {
        guard !isOnItsWay.exchange(true, ordering: .acquiringAndReleasing) else { return }
        guard let cancel = PQgetCancel(handle) else { return isOnItsWay.store(false, ordering: .releasing) }
        // Handed over to that thread, which frees it.
        nonisolated(unsafe) let request = cancel
        Thread.detachNewThread { [self] in
            var buffer = [CChar](repeating: 0, count: 256)
            _ = PQcancel(request, &buffer, Int32(buffer.count))
            PQfreeCancel(request)
            isOnItsWay.store(false, ordering: .releasing)
        }
    }
}

/// Resumes one who waits, once, with whatever comes first.
private final class FirstAnswer<Value: Sendable>: Sendable {
    private struct State {
        var waiting: CheckedContinuation<Value, any Error>?
        var early: Result<Value, any Error>?
        var isGiven = false
    }

    private let state = Mutex(State())

    func expect(by continuation: CheckedContinuation<Value, any Error>) {
        let early = state.withLock { state in
            if state.early == nil { state.waiting = continuation }
            return state.early
        }
        if let early { continuation.resume(with: early) }
    }

    func give(_ answer: Result<Value, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard !state.isGiven else { return nil }
            state.isGiven = true
            if state.waiting == nil { state.early = answer }
            return state.waiting.take()
        }
        waiting?.resume(with: answer)
    }
}

extension PGError {
    /// Whether a statement ends so when its task was cancelled: the server has cancelled it, or was cut off.
    fileprivate var isOfCancelling: Bool {
        if case .connection = self { return true }
        return state == "57014"
    }
}

/// A statement as libpq takes it.
private struct BoundValues: Sendable {
    let text: String
    private let values: [String?]

    /// - Throws: `PGError.result` for a NUL character: C strings end there, and the server would get less than was meant.
    init(_ sql: SQL) throws {
        (text, values) = sql.rendered()
        guard !text.utf8.contains(0), values.allSatisfy({ $0?.utf8.contains(0) != true }) else {
            throw PGError.result(message: "A value holds a NUL character, which PostgreSQL cannot store.")
        }
    }

    var count: Int32 { Int32(values.count) }

    func withPointers<Value>(_ work: ([UnsafePointer<CChar>?]) throws -> Value) rethrows -> Value {
        let owned = values.map { value in value.map { strdup($0) } }
        defer { for pointer in owned { free(pointer ?? nil) } }
        return try work(owned.map { pointer in (pointer ?? nil).map { UnsafePointer($0) } })
    }
}

/// A `NOTIFY` that arrived.
package struct PGNotification: Sendable, Hashable {
    package let channel: String
    package let payload: String
}

private func drain(_ handle: OpaquePointer) throws -> [PGNotification] {
    guard PQconsumeInput(handle) == 1 else { throw PGError.connection(message: trimmed(PQerrorMessage(handle))) }
    var found: [PGNotification] = []
    while let notification = PQnotifies(handle) {
        found.append(
            PGNotification(
                channel: String(cString: notification.pointee.relname),
                payload: String(cString: notification.pointee.extra)))
        PQfreemem(notification)
    }
    return found
}

private func rows(of result: OpaquePointer?, on handle: OpaquePointer) throws -> [PGRow] {
    guard let result else { throw PGError.connection(message: trimmed(PQerrorMessage(handle))) }
    defer { PQclear(result) }
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK: return collect(result)
    case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return []
    default: throw failure(of: result, on: handle)
    }
}

private func collect(_ result: OpaquePointer) -> [PGRow] {
    let width = PQnfields(result)
    var columns: [String: Int] = [:]
    for index in 0..<width { columns[String(cString: PQfname(result, index))] = Int(index) }
    return (0..<PQntuples(result)).map { row in
        PGRow(
            columns: columns,
            values: (0..<width).map { column in
                PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
            })
    }
}

private func failure(of result: OpaquePointer, on handle: OpaquePointer) -> PGError {
    func field(_ code: Character) -> String? {
        PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
    }
    // Field codes: PostgreSQL documentation, 55.8 "Error and Notice Message Fields".
    guard let state = field("C"), PQstatus(handle) == CONNECTION_OK || field("M") != nil else {
        return .connection(message: trimmed(PQerrorMessage(handle)))
    }
    return .server(state: state, message: field("M") ?? "", table: field("t"), constraint: field("n"))
}

private func trimmed(_ text: UnsafeMutablePointer<CChar>?) -> String {
    guard let text else { return "" }
    return String(cString: text).trimmingCharacters(in: .whitespacesAndNewlines)
}

internal import CLibPQ
import Dispatch
import Foundation
package import Kernel
import Synchronization

/// One connection through libpq. Statements run one after the other, and block no thread (PostgreSQL documentation, 34.4
/// "Asynchronous Command Processing"); cancelling the waiting task asks the server to cancel the statement, and cuts the
/// connection if the server stays silent.
package final class PGConnection: @unchecked Sendable {
    // Touched only by whoever has the turn, except for the socket's number and cancel requests.
    private let handle: OpaquePointer
    private let turn = Turn()
    /// Set when the connection is closed on purpose.
    private var isClosed = false
    /// Names of prepared statements by their text.
    private var prepared: [String: String] = [:]
    private var preparations = 0
    /// Whether the last call left it outside a transaction, with its connection up.
    private let isIdle = Atomic(true)
    /// Whether a cancel request was sent. The server may act on it late, upon the next statement, whoever's that is.
    private let sentCancel = Atomic(false)

    /// What may come over it; nil: whatever comes.
    private let limit: (mostBytes: Int, receipts: ReceiptGuard)?

    private init(handle: OpaquePointer, mostBytes: Int?) {
        self.handle = handle
        limit = mostBytes.map { ($0, ReceiptGuard(PQsocket(handle), mostBytes: $0)) }
    }

    deinit { finish() }

    private func finish() {
        limit?.receipts.end()
        if !isClosed { PQfinish(handle) }
        isClosed = true
    }

    /// Connects. `conninfo` is a libpq connection string or address (PostgreSQL documentation, 34.1.1).
    /// - Parameter mostBytes: for servers of others: how many bytes, about, may come over TCP in all. What is more ends the
    ///   connection, and the call throws `PGError.tooLong`.
    /// - Throws: `PGError.connection`; `CancellationError` at once if the task is cancelled meanwhile.
    package static func connect(_ conninfo: Secret<String>, mostBytes: Int? = nil) async throws -> PGConnection {
        let answer = FirstAnswer<PGConnection>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answer.expect(by: continuation)
                // On a thread of its own: it looks names up, and may wait for long.
                DispatchQueue(label: "weirhouse.postgres.connect").async {
                    answer.give(Result { try open(conninfo, mostBytes: mostBytes) { !answer.isGiven } })
                }
            }
        } onCancel: {
            // Nothing ends PQconnectdb early. What is still opened is closed: nobody holds it.
            answer.give(.failure(CancellationError()))
        }
    }

    private static func open(
        _ conninfo: Secret<String>, mostBytes: Int?, isWanted: @escaping @Sendable () -> Bool
    ) throws -> PGConnection {
        let handle: OpaquePointer
        if mostBytes != nil {
            var attempts = try BoundedConnect(conninfo, isWanted: isWanted)
            handle = try attempts.open()
        } else {
            guard let made = PQconnectdb(conninfo.reveal()) else {
                throw PGError.connection(message: "libpq has no memory left")
            }
            handle = made
        }
        guard PQstatus(handle) == CONNECTION_OK, PQsetnonblocking(handle, 1) == 0 else {
            let message = trimmed(PQerrorMessage(handle))
            PQfinish(handle)
            throw PGError.connection(message: message)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        return PGConnection(handle: handle, mostBytes: mostBytes)
    }

    /// Runs one statement with its values bound.
    /// - Throws: `PGError`, also for text with a NUL character; `CancellationError` if the task was cancelled meanwhile.
    @discardableResult
    package func query(_ sql: SQL) async throws -> [PGRow] {
        let bound = try BoundValues(sql)
        return try await inTurn { try await self.execute(bound) }
    }

    /// Like `query`, for a statement that comes again and again: this connection parses it once.
    /// - Throws: as `query`.
    @discardableResult
    package func queryPrepared(_ sql: SQL) async throws -> [PGRow] {
        let bound = try BoundValues(sql)
        return try await inTurn {
            do {
                return try await self.executePrepared(bound)
            } catch let error as PGError where error.isOutdatedStatement {
                // Tables have changed since it was parsed, or somebody has discarded it. The next try parses it anew.
                self.prepared[bound.text] = nil
                guard PQtransactionStatus(self.handle) == PQTRANS_IDLE else { throw error }
                return try await self.executePrepared(bound)
            }
        }
    }

    /// Runs several statements, separated by `;`, in the simple protocol. For scripts of our own only.
    package func script(_ text: String) async throws {
        _ = try await inTurn { try await self.rows { PQsendQuery(self.handle, text) } }
    }

    /// Waits for notifications until some come or the task is cancelled, and gives them; none if it was cancelled.
    package func notifications() async throws -> [PGNotification] {
        try await inTurn(isStatement: false) {
            while true {
                let found = try self.drain()
                guard found.isEmpty, !Task.isCancelled else { return found }
                await self.readable()
            }
        }
    }

    /// Those that have come already.
    package func pendingNotifications() async throws -> [PGNotification] {
        try await inTurn(isStatement: false) { try self.drain() }
    }

    /// The number of PostgreSQL's protocol and server version, `150018` for 15.18.
    package func serverVersion() async throws -> Int { try await inTurn { Int(PQserverVersion(self.handle)) } }

    /// What the server keeps of a role's password, for `PASSWORD '…'`, which takes no parameters: a SCRAM verifier
    /// (PostgreSQL documentation, 34.20, "PQencryptPasswordConn"), made here. A server may log such statements, and then
    /// the password is not in its log. Nothing in it needs quoting.
    package func verifier(of password: Secret<String>, for role: String) async throws -> Secret<String> {
        try await inTurn {
            guard let made = PQencryptPasswordConn(self.handle, password.reveal(), role, "scram-sha-256") else {
                throw PGError.connection(message: trimmed(PQerrorMessage(self.handle)))
            }
            defer { PQfreemem(made) }
            return Secret(String(cString: made))
        }
    }

    /// Whether it is idle and nothing of its past can reach the next user's statements.
    package var isUsable: Bool { isIdle.load(ordering: .acquiring) && !sentCancel.load(ordering: .acquiring) }

    /// Whether its server has not ended it meanwhile, as far as this machine knows. For whoever alone holds it, while no
    /// statement runs.
    var isAlive: Bool {
        guard !isClosed else { return false }
        var socket = pollfd(fd: PQsocket(handle), events: Int16(POLLIN) | Self.hangUp, revents: 0)
        guard socket.fd >= 0, poll(&socket, 1, 0) >= 0 else { return false }
        if socket.revents & (Int16(POLLHUP) | Int16(POLLERR) | Self.hangUp) != 0 { return false }
        // A server says things unasked, and goodbye before it hangs up.
        return socket.revents == 0 || (PQconsumeInput(handle) == 1 && PQstatus(handle) == CONNECTION_OK)
    }

    /// POLLRDHUP (poll(2)), which has the value of epoll's.
    private static let hangUp = Int16(EPOLLRDHUP.rawValue)

    /// Closes it; later calls throw `PGError.connection`.
    package func close() async {
        await turn.take()
        finish()
        turn.give()
    }

    /// For what waits for no statement.
    private static let nothing: @Sendable () -> Void = {}

    /// - Parameter isStatement: cancelling the task cancels it at the server.
    private func inTurn<Value: Sendable>(
        isStatement: Bool = true, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        let call = StoppableCall()
        return try await withTaskCancellationHandler {
            try await inTurn(call, work)
        } onCancel: {
            call.stop(isStatement ? cancelling() : Self.nothing)
        }
    }

    private func inTurn<Value: Sendable>(
        _ call: StoppableCall, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        defer { call.end() }
        await turn.take()
        defer { turn.give() }
        guard !isClosed else { throw PGError.connection(message: "the connection is closed") }
        defer {
            isIdle.store(
                PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) == PQTRANS_IDLE, ordering: .releasing)
        }
        // No cancel request is under way any more when the next one has the turn.
        defer { call.end() }
        try call.begin()
        do {
            return try await work()
        } catch let error as PGError where error.isOfCancelling && Task.isCancelled {
            throw CancellationError()
        }
    }

    /// Statements that a connection keeps; more than that are not of the kind that comes again.
    private static let mostPrepared = 64

    private func execute(_ bound: BoundValues) async throws -> [PGRow] {
        try await rows {
            bound.withPointers { PQsendQueryParams(self.handle, bound.text, bound.count, nil, $0, nil, nil, 0) }
        }
    }

    private func executePrepared(_ bound: BoundValues) async throws -> [PGRow] {
        guard let name = try await name(of: bound.text) else { return try await execute(bound) }
        return try await rows {
            bound.withPointers { PQsendQueryPrepared(self.handle, name, bound.count, $0, nil, nil, 0) }
        }
    }

    private func name(of text: String) async throws -> String? {
        if let name = prepared[text] { return name }
        guard prepared.count < Self.mostPrepared else { return nil }
        preparations += 1
        let name = "weir_\(preparations)"
        _ = try await rows { PQsendPrepare(self.handle, name, text, 0, nil) }
        prepared[text] = name
        return name
    }

    /// Sends something and takes all its results: the rows of the last, or the first error.
    private func rows(of send: () -> Int32) async throws -> [PGRow] {
        guard send() == 1 else { throw broken() }
        try await flush()
        var last = Result<[PGRow], any Error>.success([])
        while let result = try await result(after: last) {
            let found = Result { try read(result) }
            let isCopy = [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH].contains(PQresultStatus(result))
            PQclear(result)
            // Nothing here asks for a COPY, and libpq says so again and again until somebody takes it.
            guard !isCopy else {
                shutdown(PQsocket(handle), Int32(SHUT_RDWR))
                throw PGError.result(message: "the server began a COPY that nobody asked for")
            }
            if case .success = last { last = found }
        }
        return try last.get()
    }

    /// Nil when there are no more.
    /// - Throws: when the connection breaks: what the server said before, or that it broke.
    private func result(after last: Result<[PGRow], any Error>) async throws -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            await ready(toWrite: false)
            guard try consume() else {
                _ = try last.get()
                throw broken()
            }
        }
        return PQgetResult(handle)
    }

    /// Takes what has come.
    /// - Returns: false if the connection broke.
    /// - Throws: `PGError.tooLong`; the connection is cut off then: there may be no end.
    private func consume() throws -> Bool {
        let isWhole = PQconsumeInput(handle) == 1
        guard let limit else { return isWhole }
        if limit.receipts.isOver { throw PGError.tooLong(mostBytes: limit.mostBytes) }
        // Nobody asked for them, and libpq keeps them.
        while let notification = PQnotifies(handle) { PQfreemem(notification) }
        return isWhole
    }

    /// To the end; meanwhile it reads, because the server may not take more before somebody has.
    private func flush() async throws {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                await ready(toWrite: true)
                guard try consume() else { throw broken() }
            default: throw broken()
            }
        }
    }

    private func ready(toWrite: Bool) async {
        await withCheckedContinuation { continuation in
            let watch = SocketWatch.shared
            watch.begin(watch.makeWait(), for: PQsocket(handle), toWrite: toWrite) { continuation.resume() }
        }
    }

    /// Returns also when the task is cancelled.
    private func readable() async {
        let socket = PQsocket(handle)
        let wait = SocketWatch.shared.makeWait()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                SocketWatch.shared.begin(wait, for: socket, toWrite: false) { continuation.resume() }
                // It may have been cancelled before there was anything to end.
                if Task.isCancelled { SocketWatch.shared.end(wait, for: socket) }
            }
        } onCancel: {
            SocketWatch.shared.end(wait, for: socket)
        }
    }

    private func broken() -> PGError { .connection(message: trimmed(PQerrorMessage(handle))) }

    private func drain() throws -> [PGNotification] {
        guard PQconsumeInput(handle) == 1 else { throw broken() }
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

    private func read(_ result: OpaquePointer) throws -> [PGRow] {
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK:
            // Each value has its price here, however short it is.
            if let limit, Int(PQntuples(result)) * Int(PQnfields(result)) > limit.mostBytes / 8 {
                throw PGError.tooLong(mostBytes: limit.mostBytes)
            }
            return collect(result)
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return []
        default: throw failure(of: result, on: handle)
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
                // The call finds the connection closed, and returns.
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

extension PGError {
    /// Whether a statement ends so when its task was cancelled: the server has cancelled it, or was cut off.
    fileprivate var isOfCancelling: Bool {
        if case .connection = self { return true }
        return state == "57014"
    }
}

/// Lets one after the other through, in the order in which they came.
private final class Turn: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func take() async {
        await withCheckedContinuation { continuation in
            let isMine = state.withLock { state in
                guard state.isTaken else {
                    state.isTaken = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isMine { continuation.resume() }
        }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
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

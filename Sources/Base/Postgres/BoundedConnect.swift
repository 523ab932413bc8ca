internal import CLibPQ
import Foundation
import Kernel

/// Connects to a server of others, which may mean ill: never for longer than wanted, and without taking all it says.
///
/// As PQconnectdb does it (PostgreSQL documentation, 34.1), which neither ends early nor when a server talks without end.
/// Names should be looked up before (`ConnectionAddress.pinned`): one that has several addresses counts as one.
struct BoundedConnect {
    /// Of an address: certificates and a server's settings are far below.
    private static let mostBytes = 1 << 20
    /// Of an address, also if the person has asked for longer.
    private static let longest: Duration = .seconds(120)
    /// After what time it looks whether it is still wanted.
    private static let look: Duration = .milliseconds(250)

    /// By libpq's keyword.
    private var options: [String: String]
    private let timeout: Duration
    private let isWanted: @Sendable () -> Bool

    /// - Throws: `PGError.connection` for what is no connection string.
    init(_ conninfo: Secret<String>, isWanted: @escaping @Sendable () -> Bool) throws {
        options = try Conninfo.options(conninfo)
        // libpq takes less than two seconds for two, and zero for without end.
        let text = (options["connect_timeout"] ?? "0").trimmingCharacters(in: .whitespaces)
        guard let seconds = Int32(text) else {
            throw PGError.connection(message: "invalid integer value for connection option \"connect_timeout\"")
        }
        timeout = seconds > 0 ? min(.seconds(max(2, seconds)), Self.longest) : Self.longest
        self.isWanted = isWanted
    }

    private enum Outcome {
        case made(OpaquePointer)
        case failed(String)
        /// No answer of this address.
        case silent(Place)
    }

    /// Which of the addresses it is at.
    private struct Place: Equatable {
        let host: String
        let address: String
        let port: String

        init(_ handle: OpaquePointer) {
            host = text(PQhost(handle))
            address = text(PQhostaddr(handle))
            port = text(PQport(handle))
        }
    }

    /// - Returns: a connection that is up, for the caller to finish.
    /// - Throws: `PGError.connection`, `PGError.tooLong`; `CancellationError` if it is wanted no more.
    mutating func open() throws -> OpaquePointer {
        while true {
            switch try attempt() {
            case .made(let handle): return handle
            case .failed(let message): throw PGError.connection(message: message)
            case .silent(let place):
                guard leaveOut(place) else { throw PGError.connection(message: "timeout expired") }
            }
        }
    }

    /// All addresses in turn, until one answers, none is left, or one stays silent.
    private func attempt() throws -> Outcome {
        guard let handle = PQconnectStart(Conninfo.text(options).reveal()) else {
            throw PGError.connection(message: "libpq has no memory left")
        }
        var isKept = false
        defer { if !isKept { PQfinish(handle) } }
        // libpq neither waits nor reads on and on where a server does not take what it is sent. This clears its message.
        let early = text(PQerrorMessage(handle))
        if PQstatus(handle) != CONNECTION_BAD { PQsetnonblocking(handle, 1) }
        var step = PGRES_POLLING_WRITING
        var (place, end) = (Place(handle), ContinuousClock.now + timeout)
        while PQstatus(handle) != CONNECTION_BAD, step != PGRES_POLLING_FAILED {
            let socket = PQsocket(handle)
            if Place(handle) != place { (place, end) = (Place(handle), .now + timeout) }
            guard try wait(for: socket, toWrite: step == PGRES_POLLING_WRITING, until: end) else {
                return .silent(place)
            }
            let last = end
            let receipts = ReceiptGuard(socket, mostBytes: Self.mostBytes) { [isWanted] in isWanted() && .now < last }
            defer { receipts.end() }
            step = PQconnectPoll(handle)
            guard !receipts.isOver else { throw PGError.tooLong(mostBytes: Self.mostBytes) }
            if step == PGRES_POLLING_OK {
                isKept = true
                return .made(handle)
            }
        }
        let said = text(PQerrorMessage(handle))
        return .failed(
            (said.hasPrefix(early) ? said : early + said).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// - Returns: false when the time is over.
    /// - Throws: `CancellationError` if it is wanted no more.
    private func wait(for socket: Int32, toWrite: Bool, until end: ContinuousClock.Instant) throws -> Bool {
        while true {
            guard isWanted() else { throw CancellationError() }
            let rest = end - .now
            guard rest > .zero else { return false }
            var asked = pollfd(fd: socket, events: Int16(toWrite ? POLLOUT : POLLIN), revents: 0)
            let found = poll(&asked, 1, Int32(min(rest, Self.look) / .milliseconds(1)) + 1)
            if found > 0 { return true }
            if found < 0, errno != EINTR { throw PGError.connection(message: String(cString: strerror(errno))) }
        }
    }

    /// - Returns: false if none is left.
    private mutating func leaveOut(_ place: Place) -> Bool {
        var lists = ["host", "hostaddr", "port"].map { ConnectionAddress.list(options[$0]) }
        let count = max(lists[0].count, lists[1].count)
        func at(_ index: Int, _ list: Int) -> String {
            lists[list].count == 1 ? lists[list][0] : index < lists[list].count ? lists[list][index] : ""
        }
        let found = (0..<count).first { index in
            (at(index, 1).isEmpty ? at(index, 0) == place.host : at(index, 1) == place.address)
                && (at(index, 2).isEmpty || at(index, 2) == place.port)
        }
        guard let found, count > 1 else { return false }
        for list in lists.indices where lists[list].count > 1 { lists[list].remove(at: found) }
        for (list, keyword) in ["host", "hostaddr", "port"].enumerated() where options[keyword] != nil {
            options[keyword] = lists[list].joined(separator: ",")
        }
        return true
    }
}

private func text(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "" }

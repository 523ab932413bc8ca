internal import CLibPQ
import Foundation
import Synchronization

/// Waits for the sockets of all connections, on one thread (epoll(7)): a connection that waits for its server holds none.
final class SocketWatch: Sendable {
    static let shared = SocketWatch()

    /// By descriptor: the number of the wait, and what to call.
    private let waiting = Mutex([Int32: (wait: Int, ready: @Sendable () -> Void)]())
    private let waits = Atomic(0)
    private let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))

    private init() {
        let thread = Thread { [self] in run() }
        thread.name = "weirhouse.postgres"
        thread.start()
    }

    /// A number for a wait.
    func makeWait() -> Int { waits.add(1, ordering: .relaxed).newValue }

    /// Calls `ready` once: when the socket can be read, or written if that is asked for, when it has failed, or when the
    /// wait is ended. There is one wait for a socket at a time.
    func begin(_ wait: Int, for socket: Int32, toWrite: Bool, _ ready: @escaping @Sendable () -> Void) {
        waiting.withLock { $0[socket] = (wait, ready) }
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLONESHOT.rawValue
        if toWrite { event.events |= EPOLLOUT.rawValue }
        event.data.fd = socket
        // Once, so that it is not told again of what the connection has yet to read. A socket that was closed has left.
        if epoll_ctl(descriptor, EPOLL_CTL_MOD, socket, &event) != 0,
            epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event) != 0
        {
            // Whoever reads it finds out what is wrong.
            end(wait, for: socket)
        }
    }

    /// Ends a wait before the socket is ready, if it is still going on.
    func end(_ wait: Int, for socket: Int32) {
        let ready = waiting.withLock { waiting in
            waiting[socket]?.wait == wait ? waiting.removeValue(forKey: socket)?.ready : nil
        }
        ready?()
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(descriptor, &events, Int32(events.count), -1)
            guard count > 0 else { continue }
            let ready = waiting.withLock { waiting in
                events.prefix(Int(count)).compactMap { waiting.removeValue(forKey: $0.data.fd)?.ready }
            }
            for call in ready { call() }
        }
    }
}

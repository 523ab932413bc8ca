import Foundation
import Synchronization

/// Cuts a socket off when more has come over it than is wanted, or nobody wants it any more, whatever reads it meanwhile:
/// libpq takes a message of gigabytes in one call.
final class ReceiptGuard: Sendable {
    /// How often it looks. In that time some tens of megabytes can come, on the fastest lines.
    private static let pauseMicroseconds: UInt32 = 20_000

    private static let watched = Mutex<(guards: [ObjectIdentifier: ReceiptGuard], isRunning: Bool)>(([:], false))

    /// A duplicate: libpq may close its own, and the number may be another socket's then.
    private let descriptor: Int32
    private let mostBytes: Int
    private let isWanted: @Sendable () -> Bool
    private let over = Atomic(false)

    /// - Parameter mostBytes: that may come in all, since the socket was made.
    init(_ socket: Int32, mostBytes: Int, isWanted: @escaping @Sendable () -> Bool = { true }) {
        descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        self.mostBytes = mostBytes
        self.isWanted = isWanted
        let isFirst = Self.watched.withLock { watched in
            watched.guards[ObjectIdentifier(self)] = self
            defer { watched.isRunning = true }
            return !watched.isRunning
        }
        guard isFirst else { return }
        let thread = Thread { Self.run() }
        thread.name = "weirhouse.receipts"
        thread.start()
    }

    deinit { close(descriptor) }

    /// Whether too much has come; the socket is cut off then.
    var isOver: Bool {
        if !over.load(ordering: .acquiring), Self.received(over: descriptor) > mostBytes {
            over.store(true, ordering: .releasing)
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
        return over.load(ordering: .acquiring)
    }

    /// It looks no more.
    func end() { Self.watched.withLock { _ = $0.guards.removeValue(forKey: ObjectIdentifier(self)) } }

    private static func run() {
        while true {
            let guards = watched.withLock { watched in
                watched.isRunning = !watched.guards.isEmpty
                return Array(watched.guards.values)
            }
            guard !guards.isEmpty else { return }
            for each in guards where !each.isOver && !each.isWanted() { shutdown(each.descriptor, Int32(SHUT_RDWR)) }
            usleep(pauseMicroseconds)
        }
    }

    /// How many bytes have come over a socket since it was made, read or not; 0 for those that stay on this machine
    /// (unix(7)). With TLS those are sent bytes, hardly more than what they mean.
    ///
    /// `tcpi_bytes_received` of Linux's `tcp_info` (tcp(7), TCP_INFO; linux/tcp.h), which glibc's own cuts short.
    private static func received(over socket: Int32) -> Int {
        let place = 128
        var (info, length) = ([UInt8](repeating: 0, count: place + 8), socklen_t(place + 8))
        guard getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0, length == place + 8 else {
            return 0
        }
        return info.withUnsafeBytes { Int(clamping: $0.loadUnaligned(fromByteOffset: place, as: UInt64.self)) }
    }
}

import Glibc
import Modeling
import Synchronization

/// Dashboards as they were read from their files, until those change.
final class KnownDashboards: Sendable {
    /// What tells one state of a file from another: whoever writes it changes one of these.
    private struct Stamp: Equatable {
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: String) {
            var found = stat()
            guard stat(path, &found) == 0 else { return nil }
            inode = UInt64(found.st_ino)
            size = Int64(found.st_size)
            seconds = found.st_mtim.tv_sec
            nanoseconds = found.st_mtim.tv_nsec
        }
    }

    /// More are forgotten together.
    private static let most = 2_000

    private let known = Mutex<[String: (stamp: Stamp, dashboard: Dashboard)]>([:])

    /// - Parameter read: reads the file.
    /// - Throws: what `read` throws.
    func dashboard(_ path: String, read: () throws -> Dashboard) throws -> Dashboard {
        // Before it is read: a file that changes meanwhile is read once more the next time.
        guard let stamp = Stamp(path) else { return try read() }
        if let found = known.withLock({ $0[path] }), found.stamp == stamp { return found.dashboard }
        let dashboard = try read()
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known[path] = (stamp, dashboard)
        }
        return dashboard
    }
}

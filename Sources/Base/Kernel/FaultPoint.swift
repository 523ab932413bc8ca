import Foundation

/// A named place where a test can end the process as `kill -9` would: `WEIR_FAULT=extract.part:2` dies the second time
/// that point is passed. A process that is started again inherits the variable and would die again; with
/// `WEIR_FAULT=extract.part:2@/path/to/marker` it dies only if it can make the marker, so once in all. Without the
/// variable a point costs one comparison.
package enum FaultPoint {
    private struct Armed {
        let name: String
        let counter: Counter
        let marker: String?
    }

    private static let armed: Armed? = {
        guard let setting = ProcessInfo.processInfo.environment["WEIR_FAULT"] else { return nil }
        let halves = setting.split(separator: "@", maxSplits: 1)
        let parts = (halves.first ?? "").split(separator: ":")
        guard let name = parts.first else { return nil }
        return Armed(
            name: String(name), counter: Counter(parts.count > 1 ? Int(parts[1]) ?? 1 : 1),
            marker: halves.count > 1 ? String(halves[1]) : nil)
    }()

    /// Ends this process with SIGKILL if the point is armed, its count is reached and its marker not there yet.
    package static func pass(_ name: String) {
        guard let armed, armed.name == name, armed.counter.isLast() else { return }
        if let marker = armed.marker {
            let descriptor = open(marker, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return }
            close(descriptor)
        }
        kill(getpid(), SIGKILL)
    }

    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private var left: Int

        init(_ times: Int) { left = times }

        func isLast() -> Bool {
            lock.withLock {
                left -= 1
                return left == 0
            }
        }
    }
}

import Foundation

/// A named place where a test can end the process as `kill -9` would: `WEIR_FAULT=extract.written:2` dies the second
/// time that point is passed. Without the variable a point costs one comparison.
package enum FaultPoint {
    private static let armed: (name: String, counter: Counter)? = {
        guard let setting = ProcessInfo.processInfo.environment["WEIR_FAULT"] else { return nil }
        let parts = setting.split(separator: ":")
        guard let name = parts.first else { return nil }
        return (String(name), Counter(parts.count > 1 ? Int(parts[1]) ?? 1 : 1))
    }()

    /// Ends this process with SIGKILL if the point is armed and its count is reached.
    package static func pass(_ name: String) {
        guard let armed, armed.name == name, armed.counter.isLast() else { return }
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

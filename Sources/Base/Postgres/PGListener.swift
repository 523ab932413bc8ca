package import Kernel

/// Listens on channels over a connection of its own, and opens a new one when that breaks.
package struct PGListener: Sendable {
    private let conninfo: Secret<String>
    private let channels: [String]

    package init(_ conninfo: Secret<String>, channels: [String]) {
        self.conninfo = conninfo
        self.channels = channels
    }

    /// The same that hears one more channel.
    package func hearing(_ channel: String) -> PGListener { PGListener(conninfo, channels: channels + [channel]) }

    /// Calls `receive` for each notification until the task is cancelled, and once after each (re)connection with nil:
    /// something may have been missed.
    package func run(_ receive: @Sendable (PGNotification?) async -> Void) async {
        var failures = 0
        while !Task.isCancelled {
            do {
                let connection = try await PGConnection.connect(conninfo)
                for channel in channels { try await connection.script("LISTEN \(SQL.quoted(channel))") }
                failures = 0
                await receive(nil)
                while !Task.isCancelled {
                    for notification in try await connection.notifications() { await receive(notification) }
                }
                await connection.close()
            } catch {
                failures += 1
                try? await Task.sleep(for: backoff(after: failures, ceiling: .seconds(5)))
            }
        }
    }
}

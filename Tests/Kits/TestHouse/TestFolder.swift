import Foundation

/// A folder of one test.
package enum TestFolder {
    /// Makes an empty folder, hands its path to `work` and removes it.
    package static func use<Value>(_ work: (String) async throws -> Value) async throws -> Value {
        let path = "\(NSTemporaryDirectory())\(TestServer.uniqueName("weir"))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await work(path)
    }
}

/// Opens once; who waits for it goes on then.
package actor Signal {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init() {}

    package func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    package func wait() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }
}

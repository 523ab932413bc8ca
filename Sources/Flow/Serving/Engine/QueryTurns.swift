import Kernel

/// Lets so many queries run at once, in all and per warehouse; the others wait in the order in which they came, and one
/// warehouse's queue does not hold up another's.
actor QueryTurns {
    private struct Waiter {
        let id: UInt64
        let warehouse: String
        let continuation: CheckedContinuation<Void, any Error>
    }

    private let limit: Int
    private let limitPerWarehouse: Int
    private let longestQueue: Int
    private var running: [String: Int] = [:]
    private var waiters: [Waiter] = []
    private var nextID: UInt64 = 0
    private var cancelled: Set<UInt64> = []
    private(set) var isClosed = false
    private var whenIdle: [CheckedContinuation<Void, Never>] = []

    init(limit: Int, limitPerWarehouse: Int, longestQueue: Int) {
        self.limit = limit
        self.limitPerWarehouse = limitPerWarehouse
        self.longestQueue = longestQueue
    }

    var runningCount: Int { running.values.reduce(0, +) }
    var waitingCount: Int { waiters.count }

    /// Waits for a turn; give it back with `finish`.
    /// - Throws: `busy` if too many wait already, `engineUnavailable` once closed, `CancellationError`.
    func begin(_ warehouse: String) async throws {
        guard !isClosed else { throw QueryTurns.closing }
        if waiters.isEmpty || !waiters.contains(where: { $0.warehouse == warehouse }), isFree(warehouse) {
            running[warehouse, default: 0] += 1
            return
        }
        guard waiters.count < longestQueue else {
            throw Problem(.busy, "Too many queries are waiting.", hint: "Try again in a moment.")
        }
        nextID += 1
        let id = nextID
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if cancelled.remove(id) != nil {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiters.append(Waiter(id: id, warehouse: warehouse, continuation: continuation))
                }
            }
        } onCancel: {
            Task { await self.giveUp(id) }
        }
    }

    func finish(_ warehouse: String) {
        running[warehouse, default: 1] -= 1
        if running[warehouse] == 0 { running[warehouse] = nil }
        while let index = waiters.firstIndex(where: { isFree($0.warehouse) }) {
            let waiter = waiters.remove(at: index)
            running[waiter.warehouse, default: 0] += 1
            waiter.continuation.resume()
        }
        if running.isEmpty {
            for continuation in whenIdle { continuation.resume() }
            whenIdle = []
        }
    }

    /// Lets no more queries begin and sends those away that wait.
    func close() {
        isClosed = true
        for waiter in waiters { waiter.continuation.resume(throwing: QueryTurns.closing) }
        waiters = []
    }

    /// Returns when no query runs.
    func untilIdle() async {
        guard !running.isEmpty else { return }
        await withCheckedContinuation { whenIdle.append($0) }
    }

    static let closing = Problem(
        .engineUnavailable, "The query engine is about to start anew.", hint: "Try again in a moment.")

    private func isFree(_ warehouse: String) -> Bool {
        runningCount < limit && running[warehouse, default: 0] < limitPerWarehouse
    }

    private func giveUp(_ id: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else {
            // It has its turn already, or has not come to wait yet.
            if id == nextID { cancelled.insert(id) }
            return
        }
        waiters.remove(at: index).continuation.resume(throwing: CancellationError())
    }
}

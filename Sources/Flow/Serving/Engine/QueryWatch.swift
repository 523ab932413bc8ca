import DuckDB
import Foundation
import Kernel

/// Stops a query when its time is up or nobody waits for it any more, and tells when it does not stop.
final class QueryWatch: @unchecked Sendable {
    // All state under the lock.
    private let lock = NSLock()
    private var connection: DuckConnection?
    private var work: Task<Void, Never>?
    private var reason: Problem?
    private var isOver = false
    private let deadline: Double
    private let grace: Double

    /// - Parameters: seconds.
    init(deadline: Double, grace: Double) {
        self.deadline = deadline
        self.grace = grace
    }

    /// Why the query was stopped, if it was.
    var problem: Problem? { lock.withLock { reason } }

    /// - Throws: the reason once the query was told to stop.
    func check() throws {
        if let problem { throw problem }
    }

    /// The connection to interrupt.
    func follow(_ connection: DuckConnection?) {
        let stopped = lock.withLock {
            self.connection = connection
            return reason != nil
        }
        if stopped { connection?.interrupt() }
    }

    /// The task to cancel.
    func follow(_ work: Task<Void, Never>) {
        let stopped = lock.withLock {
            self.work = work
            return reason != nil
        }
        if stopped { work.cancel() }
    }

    func stop(_ problem: Problem) {
        lock.lock()
        if reason == nil { reason = problem }
        let running = connection
        let task = work
        lock.unlock()
        running?.interrupt()
        task?.cancel()
    }

    func finish() { lock.withLock { isOver = true } }

    /// Watches until `finish`.
    /// - Returns: false if the query did not stop although it was told to.
    func run() async -> Bool {
        let start = ContinuousClock.now
        let end = start + .seconds(deadline)
        var stoppedAt: ContinuousClock.Instant?
        while !lock.withLock({ isOver }) {
            let now = ContinuousClock.now
            if problem == nil, now >= end {
                stop(
                    Problem(
                        .queryTooLong, "The query took longer than \(Int(deadline.rounded())) s and was stopped.",
                        hint: "Read less, or model the slow part so that it is computed once."))
            }
            if problem != nil {
                // Again and again: a statement that begins in between does not know of the earlier one.
                lock.withLock { connection }?.interrupt()
                if let stoppedAt, now >= stoppedAt + .seconds(grace) { return false }
                stoppedAt = stoppedAt ?? now
            }
            do { try await Task.sleep(for: .milliseconds(problem == nil ? 20 : 50)) } catch { return true }
        }
        return true
    }
}

/// The queries that are going on, waiting ones included.
final class RunningQueries: @unchecked Sendable {
    // All state under the lock.
    private let lock = NSLock()
    private var watches: [Int: QueryWatch] = [:]
    private var last = 0

    func add(_ watch: QueryWatch) -> Int {
        lock.withLock {
            last += 1
            watches[last] = watch
            return last
        }
    }

    func remove(_ number: Int) { lock.withLock { watches[number] = nil } }

    func stop(_ problem: Problem) {
        for watch in lock.withLock({ Array(watches.values) }) { watch.stop(problem) }
    }
}

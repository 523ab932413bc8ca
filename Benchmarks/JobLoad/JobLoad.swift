import Foundation
import Jobs
import Kernel
import Postgres
import Synchronization

// The queue under load, for Benchmarks/run-jobs. Prints one JSON object.
//
//   jobload migrate    ADDRESS FOLDER-OF-MIGRATIONS
//   jobload enqueue    ADDRESS COUNT
//   jobload throughput ADDRESS COUNT WORKERS SLOTS   (jobs that are there already)
//   jobload latency    ADDRESS RATE SECONDS WORKERS SLOTS

/// Ends the workers when so many jobs are done, and keeps how long each waited.
final class Tally: Sendable {
    private struct State {
        var waits: [Double] = []
        var left: Int
    }

    private let state: Mutex<State>
    let isDone = AsyncStream<Void>.makeStream()

    init(_ count: Int) { state = Mutex(State(left: count)) }

    func done(after wait: Double) {
        let isLast = state.withLock { state in
            state.waits.append(wait)
            state.left -= 1
            return state.left == 0
        }
        if isLast { isDone.continuation.finish() }
    }

    /// Milliseconds, in order.
    var waits: [Double] { state.withLock { $0.waits.sorted() } }
}

struct Noop: JobHandler {
    let kind = "noop"
    let tally: Tally

    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let made: Double = try job.payload()
        tally.done(after: (Date().timeIntervalSince1970 - made) * 1000)
        return 1
    }
}

struct Load: Sendable {
    let address: Secret<String>
    let pool: PGPool

    init(_ address: String, connections: Int) {
        self.address = Secret(address)
        pool = PGPool(self.address, limit: connections)
    }

    func organization() async throws -> OrganizationID {
        let (id, principal) = (TimeSource.system.makeUUID(), TimeSource.system.makeUUID())
        let found = try await pool.withConnection { connection in
            try await connection.query(
                "SELECT organization_id FROM weir.ensure_organization('load', 'load', \(id), \(principal))")
        }
        guard let id: OrganizationID = try found.first?.id("organization_id") else {
            throw Problem(.internal, "There is no organization.")
        }
        return id
    }

    /// Runs of one job, `batch` in one transaction.
    func enqueue(_ count: Int, batch: Int, for owner: OrganizationID) async throws {
        let queue = JobQueue(pool: pool)
        for begin in stride(from: 0, to: count, by: batch) {
            try await pool.transaction(organization: owner) { connection in
                for _ in begin..<min(begin + batch, count) {
                    try await queue.enqueue(
                        run: TimeSource.system.makeID(), kind: "load", organization: owner, environment: "dev",
                        source: "none",
                        jobs: [JobSpec(kind: "noop", payload: JSONValue(Date().timeIntervalSince1970), after: [])],
                        time: .system, on: connection)
                }
            }
        }
    }

    /// Beside workers; returns when `tally` is full.
    func work(
        workers: Int, slots: Int, _ tally: Tally, beside work: @Sendable () async throws -> Void
    ) async throws {
        let tasks = (0..<workers).map { number in
            let worker = Worker(
                queue: JobQueue(pool: pool),
                listener: PGListener(address, channels: ["weir_jobs", "weir_cancel"]), handlers: [Noop(tally: tally)],
                name: "load \(number)", slots: slots, observe: { _ in })
            return Task { await worker.run() }
        }
        try await work()
        for await _ in tally.isDone.stream {}
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}

@main
enum JobLoad {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 3 else {
            FileHandle.standardError.write(Data("See the head of Benchmarks/JobLoad/JobLoad.swift.\n".utf8))
            exit(2)
        }
        let numbers = arguments.dropFirst(2).map { Int($0) ?? 0 } + [0, 0, 0, 0]
        switch arguments[0] {
        case "migrate":
            let connection = try await PGConnection.connect(Secret(arguments[1]))
            try await Migrator(folder: arguments[2]).migrate(connection)
        case "enqueue":
            let load = Load(arguments[1], connections: 2)
            try await load.enqueue(numbers[0], batch: 500, for: load.organization())
        case "throughput": try await throughput(arguments[1], numbers[0], workers: numbers[1], slots: numbers[2])
        case "latency":
            try await latency(arguments[1], numbers[0], seconds: numbers[1], workers: numbers[2], slots: numbers[3])
        default: exit(2)
        }
    }

    private static func throughput(_ address: String, _ count: Int, workers: Int, slots: Int) async throws {
        let load = Load(address, connections: workers * slots)
        let tally = Tally(count)
        let begin = ContinuousClock.now
        try await load.work(workers: workers, slots: slots, tally) {}
        try say(["seconds": (ContinuousClock.now - begin) / .seconds(1)])
    }

    private static func latency(_ address: String, _ rate: Int, seconds: Int, workers: Int, slots: Int) async throws {
        let load = Load(address, connections: workers * slots + 4)
        let owner = try await load.organization()
        let tally = Tally(rate * seconds)
        try await load.work(workers: workers, slots: slots, tally) {
            let begin = ContinuousClock.now
            for index in 0..<rate * seconds {
                try await Task.sleep(until: begin + .seconds(Double(index) / Double(rate)), clock: .continuous)
                try await load.enqueue(1, batch: 1, for: owner)
            }
        }
        let waits = tally.waits
        try say(["p50_ms": waits[waits.count / 2], "p99_ms": waits[waits.count * 99 / 100]])
    }

    private static func say(_ values: [String: Double]) throws {
        FileHandle.standardOutput.write(try JSONEncoder().encode(values) + Data("\n".utf8))
    }
}

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
//   jobload fairness   ADDRESS WAITING MILLISECONDS WORKERS SLOTS

/// Keeps when each job began and how long it waited; says when all are done.
final class Tally: Sendable {
    private struct State {
        var begun: [ContinuousClock.Instant] = []
        var waits: [Double] = []
        var left: Int
    }

    private let state: Mutex<State>
    let isDone = AsyncStream<Void>.makeStream()

    init(_ count: Int) { state = Mutex(State(left: count)) }

    func done(after wait: Double) {
        let isLast = state.withLock { state in
            state.begun.append(.now)
            state.waits.append(wait)
            state.left -= 1
            return state.left == 0
        }
        if isLast { isDone.continuation.finish() }
    }

    /// Milliseconds, in order.
    var waits: [Double] { state.withLock { $0.waits.sorted() } }

    /// Jobs per second from 30 to 95 of a hundred: neither while workers connect nor while they run out of work.
    var rate: Double {
        let begun = state.withLock { $0.begun.sorted() }
        let (first, last) = (begun.count * 30 / 100, begun.count * 95 / 100)
        return Double(last - first) / ((begun[last] - begun[first]) / .seconds(1))
    }
}

/// Does nothing, or takes as long as it is told.
struct Idle: JobHandler {
    var kind = "noop"
    var pause = Duration.zero
    /// Whose jobs are counted; nil for all.
    var owner: OrganizationID?
    let tally: Tally

    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let made: Double = try job.payload()
        if owner ?? job.organization == job.organization {
            tally.done(after: (Date().timeIntervalSince1970 - made) * 1000)
        }
        if pause > .zero { try await Task.sleep(for: pause) }
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

    func organization(_ slug: String = "load") async throws -> OrganizationID {
        let (id, principal) = (TimeSource.system.makeUUID(), TimeSource.system.makeUUID())
        let found = try await pool.withConnection { connection in
            try await connection.query(
                "SELECT organization_id FROM weir.ensure_organization(\(slug), 'load', \(id), \(principal))")
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
        workers: Int, slots: Int, _ handler: Idle, beside work: @Sendable () async throws -> Void
    ) async throws {
        let tasks = (0..<workers).map { number in
            let worker = Worker(
                queue: JobQueue(pool: pool),
                listener: PGListener(address, channels: ["weir_cancel"]), handlers: [handler],
                name: "load \(number)", slots: slots, observe: { _ in })
            return Task { await worker.run() }
        }
        try await work()
        for await _ in handler.tally.isDone.stream {}
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
        case "fairness":
            try await fairness(
                arguments[1], numbers[0], pause: .milliseconds(numbers[1]), workers: numbers[2], slots: numbers[3])
        default: exit(2)
        }
    }

    private static func throughput(_ address: String, _ count: Int, workers: Int, slots: Int) async throws {
        let load = Load(address, connections: 8)
        let tally = Tally(count)
        try await load.work(workers: workers, slots: slots, Idle(tally: tally)) {}
        try say(["per_second": tally.rate])
    }

    private static func latency(_ address: String, _ rate: Int, seconds: Int, workers: Int, slots: Int) async throws {
        let load = Load(address, connections: 8)
        let owner = try await load.organization()
        let tally = Tally(rate * seconds)
        try await load.work(workers: workers, slots: slots, Idle(tally: tally)) {
            try await Task.sleep(for: .seconds(2))
            let begin = ContinuousClock.now
            for index in 0..<rate * seconds {
                try await Task.sleep(until: begin + .seconds(Double(index) / Double(rate)), clock: .continuous)
                try await load.enqueue(1, batch: 1, for: owner)
            }
        }
        let waits = tally.waits
        try say(["p50_ms": waits[waits.count / 2], "p99_ms": waits[waits.count * 99 / 100]])
    }

    /// One organization has `waiting` jobs that take `pause` each; another makes one such job after the other.
    private static func fairness(
        _ address: String, _ waiting: Int, pause: Duration, workers: Int, slots: Int
    ) async throws {
        let load = Load(address, connections: 8)
        let small = try await load.organization("small")
        try await load.enqueue(waiting, batch: 500, for: load.organization("large"))
        let count = 200
        let tally = Tally(count)
        try await load.work(workers: workers, slots: slots, Idle(pause: pause, owner: small, tally: tally)) {
            try await Task.sleep(for: .seconds(1))
            for _ in 0..<count {
                try await load.enqueue(1, batch: 1, for: small)
                try await Task.sleep(for: pause * 1.3)
            }
        }
        let waits = tally.waits
        try say(["p50_ms": waits[waits.count / 2], "p99_ms": waits[waits.count * 99 / 100], "most_ms": waits[count - 1]])
    }

    private static func say(_ values: [String: Double]) throws {
        FileHandle.standardOutput.write(try JSONEncoder().encode(values) + Data("\n".utf8))
    }
}

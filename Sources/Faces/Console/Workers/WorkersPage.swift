import Foundation
import Kernel
import Wire

/// Who works, and what holds work back.
struct WorkersPage: Sendable {
    let workers: [WorkerRow]
    let summary: String
    let noneAlive: Bool
    let limits: [LimitRow]
    let windows: [WindowRow]
    let newLimit: LimitForm
    let keys: [Choice]
    let problem: ProblemNote?

    init(
        workers: [WorkerView], limits: [LimitView], windows: [WindowView], keys: [Choice], now: Date,
        form: LimitForm = LimitForm(), problem: Problem? = nil
    ) {
        self.workers = workers.map { WorkerRow($0, now: now) }
        let alive = workers.filter(\.isAlive)
        noneAlive = alive.isEmpty
        let places = Readable.plural(alive.reduce(0) { $0 + $1.slots }, "place")
        summary = alive.isEmpty ? "No worker is alive" : "\(Readable.plural(alive.count, "worker")) with \(places)"
        self.limits = limits.map { LimitRow($0, now: now) }
        self.windows = windows.map { WindowRow($0, now: now) }
        newLimit = form
        self.keys = keys
        self.problem = problem.map { ProblemNote($0) }
    }
}

struct WorkerRow: Sendable {
    let name: String
    let state: StateBadge
    let version: String
    let kinds: [String]
    let isLimited: Bool
    let places: String
    let started: Moment
    let seen: Moment
    let isSilent: Bool
    let jobs: [Job]

    struct Job: Sendable {
        let title: String
        let address: String
        let duration: String
    }

    init(_ worker: WorkerView, now: Date) {
        name = worker.name
        state =
            worker.isAlive ? StateBadge(word: "Alive", style: "success") : StateBadge(word: "Silent", style: "failed")
        isSilent = !worker.isAlive
        version = worker.version
        kinds = worker.kinds
        isLimited = worker.isLimited
        places = Readable.plural(worker.slots, "place")
        started = Moment(worker.startedAt, now: now)
        seen = Moment(worker.seenAt, now: now)
        jobs = worker.jobs.map {
            Job(
                title: $0.source.isEmpty ? JobRow.word(for: $0.kind) : "\(JobRow.word(for: $0.kind)) of \($0.source)",
                address: Address.run($0.runID), duration: Readable.duration($0.seconds))
        }
    }
}

/// A limit: its numbers, what it holds back now, and forms to change it.
struct LimitRow: Sendable {
    let key: String
    let label: String
    let rules: String
    let running: String
    let waiting: String
    let holdsBack: Bool
    let pause: String?
    let most: String
    let seconds: String

    init(_ limit: LimitView, now: Date) {
        key = limit.key
        label = LimitKey.label(limit.key)
        let rules = [
            limit.most.map { "at most \($0) at once" },
            limit.secondsBetweenStarts.map { "\(LimitForm.number($0)) s between starts" },
        ].compactMap(\.self)
        self.rules = rules.isEmpty ? "No limit is set" : rules.joined(separator: ", ").capitalizedFirst
        running = Readable.count(Int64(limit.running))
        waiting = Readable.count(Int64(limit.waiting))
        holdsBack = limit.waiting > 0
        let because = limit.pausedBecause.map { ": \($0)" } ?? ""
        pause = limit.pausedUntil.map { "Paused until \(Self.until($0, now: now))\(because)" }
        most = limit.most.map(String.init) ?? ""
        seconds = limit.secondsBetweenStarts.map { LimitForm.number($0) } ?? ""
    }

    /// A time or words, as it came.
    private static func until(_ text: String, now: Date) -> String {
        guard Moment.parse(text) != nil else { return text }
        let time = Upcoming(text, zone: nil, now: now)
        return "\(time.clock) \(time.zone) (\(time.wait))"
    }
}

/// A maintenance window.
struct WindowRow: Sendable {
    let name: String
    let address: String
    let label: String
    let words: String
    let because: String?
    let openUntil: Upcoming?
    let next: Upcoming

    init(_ window: WindowView, now: Date) {
        name = window.name
        address = "/workers/windows/\(window.name.encodedForAddress)"
        label = LimitKey.label(window.key)
        words = window.words.capitalizedFirst
        because = window.because
        openUntil = window.openUntil.map { Upcoming($0, zone: window.timeZone, now: now) }
        next = Upcoming(window.next, zone: window.timeZone, now: now)
    }
}

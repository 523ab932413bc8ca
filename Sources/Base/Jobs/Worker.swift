import Foundation
package import Kernel
package import Postgres
import Synchronization

/// Claims jobs and carries them out, a bounded number at once, until its task is cancelled.
package struct Worker: Sendable {
    private let queue: JobQueue
    private let register: WorkerRegister
    private let listener: PGListener
    private let handlers: [String: any JobHandler]
    private let entry: WorkerRegister.Entry
    private let luck: @Sendable () -> Double
    private let observe: Observe
    private let nudges = Nudges()

    /// - Parameters:
    ///   - listener: on channels `weir_jobs` and `weir_cancel`.
    ///   - name: tells workers apart in pages and logs.
    ///   - organizations: whose jobs it takes; nil for all.
    ///   - slots: how many jobs at once.
    ///   - luck: 0 to 1, for the pauses before other attempts.
    package init(
        queue: JobQueue, listener: PGListener, handlers: [any JobHandler], name: String, version: String = "",
        organizations: [OrganizationID]? = nil, slots: Int,
        luck: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }, observe: @escaping Observe
    ) {
        self.queue = queue
        register = WorkerRegister(pool: queue.pool)
        self.listener = listener
        self.handlers = Dictionary(handlers.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first })
        entry = WorkerRegister.Entry(
            name: name, version: version, kinds: self.handlers.keys.sorted(), organizations: organizations, slots: slots
        )
        self.luck = luck
        self.observe = observe
    }

    /// Returns when the task is cancelled; jobs in hand are cancelled, waited for, and given back.
    package func run() async {
        let bell = Bell()
        let slots = Slots(entry.slots)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await listener.run { heard in
                    if let heard, heard.channel == "weir_cancel" {
                        nudges.nudge(heard.payload)
                    } else {
                        await bell.ring()
                    }
                }
            }
            group.addTask { await tidyRegularly(bell) }
            group.addTask { await registerRegularly() }
            await dispatch(bell, slots)
            group.cancelAll()
        }
        // In a task of its own: this one is cancelled.
        _ = await Task { try? await register.leave(entry.name) }.value
    }

    /// Claims as many jobs as there are free slots, again and again; waits for the bell when there is nothing to do.
    private func dispatch(_ bell: Bell, _ slots: Slots) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let free = await slots.someFree()
                guard free > 0 else { break }
                let heard = await bell.count
                do {
                    let jobs = try await queue.claim(
                        kinds: entry.kinds, organizations: entry.organizations, worker: entry.name, limit: free)
                    for job in jobs {
                        await slots.take()
                        group.addTask {
                            await perform(job)
                            await slots.give()
                        }
                    }
                    if jobs.isEmpty { await bell.wait(after: heard) }
                } catch is CancellationError {
                    break
                } catch {
                    observe(
                        .partFailed(
                            part: "worker", problem: (error as? PGError)?.asMetadataProblem ?? Problem(wrapping: error))
                    )
                    try? await Task.sleep(for: .seconds(1))
                }
            }
            group.cancelAll()
        }
    }

    /// Frees the jobs of dead workers, and rings for jobs whose pause has passed.
    private func tidyRegularly(_ bell: Bell) async {
        while !Task.isCancelled {
            _ = try? await queue.expireLeases()
            await bell.ring()
            try? await Task.sleep(for: .seconds(1))
        }
        await bell.ring()
    }

    private func registerRegularly() async {
        while !Task.isCancelled {
            _ = try? await register.say(entry)
            try? await Task.sleep(for: WorkerRegister.silence / 5)
        }
    }

    private func perform(_ job: ClaimedJob) async {
        observe(.jobClaimed(job: job.id, kind: job.kind, attempt: job.attempt, waited: 0))
        let started = ContinuousClock.now
        do {
            try await performHoldingLease(job)
            let seconds = (ContinuousClock.now - started) / .seconds(1)
            observe(.jobFinished(job: job.id, kind: job.kind, seconds: seconds))
        } catch {
            let isStopping = Task.isCancelled
            // A task of its own: the worker may be stopping, and the job must be given back nevertheless.
            await Task { await settle(job, after: error, isStopping: isStopping) }.value
        }
    }

    /// Runs the handler beside a heartbeat; when the lease is lost, a person cancels the job or its time is up, the
    /// handler is cancelled and waited for.
    private func performHoldingLease(_ job: ClaimedJob) async throws {
        guard let handler = handlers[job.kind] else { throw Problem(.internal, "No handler for \(job.kind).") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat(job) }
            group.addTask {
                for await _ in nudges.of(job.id) { try await queue.heartbeat(job) }
                try await Task.sleep(for: .seconds(86_400 * 365))
            }
            if let timeout = handler.policy.timeout {
                group.addTask {
                    try await Task.sleep(for: timeout)
                    throw Problem(
                        .timedOut, "The \(job.kind) job took longer than \(Int(timeout / .seconds(1))) seconds.",
                        hint: "Look in its log for what it was at.")
                }
            }
            group.addTask {
                let result = try await handler.perform(job, in: JobContext(queue: queue, job: job))
                try await queue.complete(job, result: JSONValue(result))
                throw Done()
            }
            defer { group.cancelAll() }
            do {
                while try await group.next() != nil {}
            } catch is Done {
                return
            }
        }
    }

    private struct Done: Error {}

    private func beat(_ job: ClaimedJob) async throws {
        let lease = JobQueue.lease
        var lastBeat = ContinuousClock.now
        while !Task.isCancelled {
            try await Task.sleep(for: lease / 4)
            do {
                try await queue.heartbeat(job)
                lastBeat = .now
            } catch let error as PGError {
                // The database may be back before the lease is over; after that another worker may have the job.
                guard ContinuousClock.now - lastBeat < lease else { throw error.asMetadataProblem }
            }
        }
    }

    private func settle(_ job: ClaimedJob, after error: any Error, isStopping: Bool) async {
        let problem = (error as? PGError)?.asMetadataProblem ?? Problem(wrapping: error)
        let event: JobEvent =
            error is JobQueue.CancelAsked ? .cancelled : isStopping ? .workerStopped : .failed(problem.code)
        let policy = handlers[job.kind]?.policy ?? JobPolicy()
        let step = JobMachine.step(job.facts, on: event, policy: policy, luck: luck())
        let pause = step?.state == .pending ? step?.pause ?? .zero : nil
        observe(.jobFailed(job: job.id, kind: job.kind, problem: problem, seconds: 0, retriesIn: pause))
        // A job that is lost is another's by now.
        guard problem.code != .leaseLost, let step else { return }
        do {
            if event == .workerStopped {
                // It may just have been completed: then there is nothing to give back, and nothing to tell.
                try await queue.end(job, with: step)
                try await queue.log(.info, "The worker stops; another goes on with it.", of: job)
            } else {
                // First the line: who follows a run leaves at its end.
                try await tell(job, event, step, problem)
                try await queue.end(job, with: step, because: problem)
            }
        } catch let problem as Problem where problem.code == .leaseLost {
            return
        } catch {
            // The lease runs out and the job comes back by itself.
            observe(.partFailed(part: "worker", problem: Problem(wrapping: error)))
        }
    }

    private func tell(_ job: ClaimedJob, _ event: JobEvent, _ step: JobStep, _ problem: Problem) async throws {
        switch (event, step.state) {
        case (.cancelled, _): try await queue.log(.warning, "Cancelled.", of: job)
        case (_, .pending): try await queue.log(.warning, "\(problem.description) It is tried again.", of: job)
        default: try await queue.log(.error, problem.description, of: job)
        }
    }
}

extension JobStep {
    /// Before the job may be claimed again.
    package var pause: Duration? {
        for case .wait(let duration) in effects { return duration }
        return nil
    }
}

/// Wakes those who wait; nothing is lost between looking and waiting.
private actor Bell {
    private(set) var count = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func ring() {
        count += 1
        let woken = waiting
        waiting = []
        for continuation in woken { continuation.resume() }
    }

    /// Returns at once if it has rung since `heard`.
    func wait(after heard: Int) async {
        guard count == heard else { return }
        await withCheckedContinuation { waiting.append($0) }
    }
}

/// How many jobs may be taken on.
private actor Slots {
    private var free: Int
    private var waiting: CheckedContinuation<Void, Never>?

    init(_ count: Int) { free = count }

    /// Waits until one is free, or the task is cancelled; then it may be none.
    func someFree() async -> Int {
        if free == 0 {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled { continuation.resume() } else { waiting = continuation }
                }
            } onCancel: {
                Task { await self.wake() }
            }
        }
        return free
    }

    func take() { free -= 1 }

    func give() {
        free += 1
        wake()
    }

    private func wake() {
        waiting?.resume()
        waiting = nil
    }
}

/// Passes on that somebody wants something of a job that runs here.
private final class Nudges: Sendable {
    private let streams = Mutex([String: AsyncStream<Void>.Continuation]())

    func of(_ job: JobID) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let key = job.description
        continuation.onTermination = { [weak self] _ in self?.streams.withLock { _ = $0.removeValue(forKey: key) } }
        streams.withLock { $0[key] = continuation }
        return stream
    }

    func nudge(_ job: String) { streams.withLock { $0[job] }?.yield() }
}

package import Kernel
package import Postgres

/// Claims jobs and carries them out, a bounded number at once, until its task is cancelled.
package struct Worker: Sendable {
    private let queue: JobQueue
    private let listener: PGListener
    private let handlers: [String: any JobHandler]
    private let name: String
    private let slots: Int
    private let observe: Observe

    /// - Parameters:
    ///   - listener: on channel `weir_jobs`.
    ///   - name: tells workers apart in pages and logs.
    ///   - slots: how many jobs at once.
    package init(
        queue: JobQueue, listener: PGListener, handlers: [any JobHandler], name: String, slots: Int,
        observe: @escaping Observe
    ) {
        self.queue = queue
        self.listener = listener
        self.handlers = Dictionary(handlers.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first })
        self.name = name
        self.slots = slots
        self.observe = observe
    }

    /// Returns when the task is cancelled; jobs in hand are cancelled, waited for, and given back.
    package func run() async {
        let bell = Bell()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await listener.run { _ in await bell.ring() } }
            group.addTask { await expireRegularly(bell) }
            for _ in 0..<slots { group.addTask { await serve(bell) } }
        }
    }

    /// One slot: claim, perform, again; waits for the bell when there is nothing to do.
    private func serve(_ bell: Bell) async {
        while !Task.isCancelled {
            let heard = await bell.count
            do {
                if let job = try await queue.claim(kinds: handlers.keys.sorted(), worker: name) {
                    await perform(job)
                    continue
                }
            } catch {
                observe(
                    .partFailed(
                        part: "worker", problem: (error as? PGError)?.asMetadataProblem ?? Problem(wrapping: error)))
                try? await Task.sleep(for: .seconds(1))
                continue
            }
            await bell.wait(after: heard)
        }
    }

    /// Frees the jobs of dead workers, and rings for jobs whose pause has passed.
    private func expireRegularly(_ bell: Bell) async {
        while !Task.isCancelled {
            _ = try? await queue.expireLeases()
            await bell.ring()
            try? await Task.sleep(for: .seconds(1))
        }
        await bell.ring()
    }

    private func perform(_ job: ClaimedJob) async {
        observe(.jobClaimed(job: job.id, kind: job.kind, attempt: job.attempt))
        let started = ContinuousClock.now
        do {
            try await performHoldingLease(job)
            let seconds = (ContinuousClock.now - started) / .seconds(1)
            observe(.jobFinished(job: job.id, kind: job.kind, seconds: seconds))
        } catch {
            // A task of its own: the worker may be stopping, and the job must be given back nevertheless.
            await Task { await settle(job, after: error) }.value
        }
    }

    /// Runs the handler beside a heartbeat; when the lease is lost the handler is cancelled.
    private func performHoldingLease(_ job: ClaimedJob) async throws {
        guard let handler = handlers[job.kind] else { throw Problem(.internal, "No handler for \(job.kind).") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat(job) }
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

    private func settle(_ job: ClaimedJob, after error: any Error) async {
        let problem = (error as? PGError)?.asMetadataProblem ?? Problem(wrapping: error)
        let pause = retryPause(for: problem, attempt: job.attempt)
        observe(.jobFailed(job: job.id, kind: job.kind, problem: problem, retriesIn: pause))
        guard problem.code != .leaseLost else { return }
        do {
            if let pause {
                try await queue.log(.warning, "\(problem.description) It is tried again.", of: job)
                try await queue.retry(job, after: pause, because: problem)
            } else {
                try await queue.log(.error, problem.description, of: job)
                try await queue.fail(job, because: problem)
            }
        } catch {
            // The lease runs out and the job comes back by itself.
            observe(.partFailed(part: "worker", problem: Problem(wrapping: error)))
        }
    }

    private func retryPause(for problem: Problem, attempt: Int) -> Duration? {
        // The worker is stopping; the next one goes on at once.
        if problem.code == .cancelled { return .zero }
        switch problem.code.retryDirective {
        case .retry(let attempts) where attempt < attempts: return backoff(after: attempt)
        default: return nil
        }
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

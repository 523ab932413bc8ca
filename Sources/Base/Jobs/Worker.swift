import Foundation
package import Kernel
package import Postgres

/// Claims jobs and carries them out, a bounded number at once, until its task is cancelled.
///
/// It has three connections of its own: one listens, one asks the queue (`WorkDesk`), one keeps leases (`LeaseKeeper`).
package struct Worker: Sendable {
    private let queue: JobQueue
    private let register: WorkerRegister
    private let listener: PGListener
    private let handlers: [String: any JobHandler]
    private let entry: WorkerRegister.Entry
    private let taker: JobTaker
    private let look: Duration
    private let luck: @Sendable () -> Double
    private let observe: Observe
    /// What handlers use, beside others.
    private let shared: JobQueue

    /// - Parameters:
    ///   - listener: on channel `weir_cancel`.
    ///   - name: tells workers apart in pages and logs; no other worker has it.
    ///   - organizations: whose jobs it takes; nil for all.
    ///   - slots: how many jobs at once.
    ///   - look: after how long, more or less, it looks for jobs without being called.
    ///   - luck: 0 to 1, for the pauses before other attempts.
    package init(
        queue: JobQueue, listener: PGListener, handlers: [any JobHandler], name: String, version: String = "",
        organizations: [OrganizationID]? = nil, slots: Int, look: Duration = .seconds(5),
        luck: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }, observe: @escaping Observe
    ) {
        shared = queue
        self.queue = JobQueue(pool: queue.pool.apart(limit: 1))
        register = WorkerRegister(pool: self.queue.pool)
        self.handlers = Dictionary(handlers.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first })
        let known = self.handlers.values.sorted { $0.kind < $1.kind }
        let channel = "weir_worker_\(UUID().uuidString.lowercased())"
        taker = JobTaker(
            worker: name,
            kinds: known.map { JobTaker.Kind($0.kind, version: $0.payloadVersion, deadline: $0.policy.deadline) },
            organizations: organizations, channel: channel)
        entry = WorkerRegister.Entry(
            name: name, version: version, kinds: known.map(\.kind), payloadVersions: known.map(\.payloadVersion),
            organizations: organizations, slots: slots)
        self.listener = listener.hearing(channel)
        self.look = look
        self.luck = luck
        self.observe = observe
    }

    /// Returns when the task is cancelled; jobs in hand are cancelled, waited for, and given back.
    package func run() async {
        let desk = WorkDesk(slots: entry.slots)
        let keeper = LeaseKeeper(queue: JobQueue(pool: shared.pool.apart(limit: 1)))
        await keeper.prepare()
        // In tasks of their own: what this one's cancellation stops is told to them, and leases are kept to the end.
        let helpers = Task { await help(desk, keeper) }
        await withTaskCancellationHandler {
            await Task { await dispatch(desk, keeper) }.value
        } onCancel: {
            desk.stop()
            keeper.stopAll()
        }
        helpers.cancel()
        await helpers.value
        await Task {
            try? await queue.leaveLine(entry.name)
            try? await register.leave(entry.name)
            await queue.pool.close()
            await keeper.close()
        }.value
    }

    private func help(_ desk: WorkDesk, _ keeper: LeaseKeeper) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await listener.run { heard in
                    if let heard, heard.channel == "weir_cancel" { keeper.nudge(heard.payload) } else { desk.call() }
                }
            }
            group.addTask { await keeper.run() }
            group.addTask { await tidyRegularly() }
            // In case a call was lost with whoever called.
            group.addTask { await everyNowAndThen(look) { desk.look() } }
        }
    }

    /// Until cancelled. Not all workers at the same moment.
    private func everyNowAndThen(_ pause: Duration, _ work: () async -> Void) async {
        while !Task.isCancelled {
            await work()
            try? await Task.sleep(for: pause * Double.random(in: 0.8...1.2))
        }
    }

    /// Asks the queue, again and again, and begins what it gives.
    private func dispatch(_ desk: WorkDesk, _ keeper: LeaseKeeper) async {
        let performance = JobPerformance(
            queue: queue, shared: shared, handlers: handlers, luck: luck, observe: observe)
        var doubts = 0
        await withDiscardingTaskGroup { group in
            while let errand = await desk.next() {
                do {
                    guard case .turn(let turn) = errand else {
                        try await queue.callOthers()
                        continue
                    }
                    let asked = ContinuousClock.now
                    let answer = try await queue.turn(
                        of: taker, ending: turn.done, room: turn.room, isListed: turn.isListed)
                    desk.answered(turn, answer)
                    for job in answer.claimed {
                        let held = HeldJob(job, timeout: handlers[job.kind]?.policy.timeout, claimed: asked)
                        keeper.add(held)
                        group.addTask {
                            await performance.perform(held, desk)
                            keeper.remove(held)
                        }
                    }
                    guard case .again(let pause) = answer.rest else {
                        doubts = 0
                        continue
                    }
                    // Somebody's transaction stays open for long: then it is looked for more and more rarely.
                    let longer = min(pause * (1 << min(doubts, 6)), .milliseconds(100))
                    doubts = answer.claimed.isEmpty ? doubts + 1 : 0
                    group.addTask {
                        try? await Task.sleep(for: longer)
                        desk.look()
                    }
                } catch {
                    desk.failed(errand)
                    observe(.partFailed(part: "worker", problem: Problem(ofMetadata: error)))
                    try? await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    /// Says that it lives, and brings on what no worker cares for: jobs of dead workers, deadlines, pauses that are over.
    /// Each second if there are few workers, more rarely if there are many.
    private func tidyRegularly() async {
        var said: ContinuousClock.Instant?
        var living = 1
        var isFailing = false
        while !Task.isCancelled {
            var pause = Duration.seconds(1) * Double.random(in: 0.8...1.2)
            do {
                if said.map({ .now - $0 > WorkerRegister.silence / 5 }) ?? true {
                    living = try await register.say(entry)
                    // Many that start together need not all tidy at once.
                    if said == nil, living > 4 { try await Task.sleep(for: pause) }
                    said = .now
                }
                pause = pause * min(4, max(1, Double(living) / 4))
                while let tidied = try await queue.tidyOne() { tell(tidied) }
                if let due = try await queue.wakeJobs() { pause = min(pause, due + .milliseconds(2)) }
                isFailing = false
            } catch is CancellationError {
            } catch {
                // Once for as long as it goes on.
                if !isFailing { observe(.partFailed(part: "worker", problem: Problem(ofMetadata: error))) }
                isFailing = true
            }
            try? await Task.sleep(for: pause)
        }
    }

    /// A lost lease is counted where it is found: once, however many workers notice.
    private func tell(_ tidied: TidiedJob) {
        TraceContext.$current.withValue(tidied.trace) {
            switch tidied.what {
            case .lost:
                let problem = Problem(.leaseLost, "The worker of a \(tidied.kind) job was not heard of any more.")
                observe(
                    .jobFailed(
                        job: tidied.job, kind: tidied.kind, problem: problem, seconds: tidied.seconds, retriesIn: .zero)
                )
            case .overdue:
                let problem = Problem(.timedOut, "A \(tidied.kind) job did not begin before its deadline.")
                observe(.jobFailed(job: tidied.job, kind: tidied.kind, problem: problem, seconds: 0, retriesIn: nil))
            case .rescueEnded: break
            }
        }
    }
}

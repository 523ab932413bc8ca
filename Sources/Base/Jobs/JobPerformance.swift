import Kernel
import Postgres

/// Carries one job out, from its claim to its end.
struct JobPerformance: Sendable {
    /// The worker's own.
    let queue: JobQueue
    /// What handlers use, beside others.
    let shared: JobQueue
    let handlers: [String: any JobHandler]
    let luck: @Sendable () -> Double
    let observe: Observe

    /// Returns when the job is ended in the queue, or is another's, and its slot is free.
    func perform(_ held: HeldJob, _ desk: WorkDesk) async {
        let job = held.job
        // Jobs that nobody's request has made share a trace with their run.
        await TraceContext.$current.withValue(job.trace ?? .begin(job.run.uuid)) {
            observe(.jobClaimed(job: job.id, kind: job.kind, attempt: job.attempt, waited: job.waited / .seconds(1)))
            let began = ContinuousClock.now
            var holdsSlot = true
            do {
                let result = try await handle(held)
                holdsSlot = false
                try await finish(held, result, desk)
                observe(.jobFinished(job: job.id, kind: job.kind, seconds: (.now - began) / .seconds(1)))
            } catch {
                await settle(held, after: error, seconds: (.now - began) / .seconds(1))
            }
            if holdsSlot { desk.release() }
        }
    }

    /// - Throws: a `Problem`, or `CancelAsked`.
    private func handle(_ held: HeldJob) async throws -> JSONValue {
        let job = held.job
        let attributes = [
            "weir.job": job.id.description, "weir.run": job.run.description,
            "weir.organization": job.organization.description, "weir.attempt": "\(job.attempt)",
        ]
        return try await withSpan("job \(job.kind)", .consumer, attributes, observe: observe) {
            guard let handler = handlers[job.kind] else { throw Problem(.internal, "No handler for \(job.kind).") }
            let context = JobContext(queue: shared, job: job)
            do {
                return try await held.run { try JSONValue(try await handler.perform(job, in: context)) }
            } catch let stop as HeldJob.Stop {
                throw await problem(of: stop, job)
            } catch let error as PGError {
                throw error.asMetadataProblem
            }
        }
    }

    /// Whether a job that was stopped in doubt is another's by now, only the database knows; if it does not answer, it is
    /// the database that was away.
    private func problem(of stop: HeldJob.Stop, _ job: ClaimedJob) async -> Problem {
        if stop == .leaseUnsure, let standing = try? await queue.keepLeases([job]), standing[job.fence] == nil {
            return JobQueue.lost(job)
        }
        return stop.problem(of: job)
    }

    private func finish(_ held: HeldJob, _ result: JSONValue, _ desk: WorkDesk) async throws {
        switch await desk.end(held.job, result: result) {
        case .done: return
        case .lost: throw JobQueue.lost(held.job)
        case .unknown: try await insist(held.job, result)
        }
    }

    /// The work is done: it is not to be done again because the database was away for a moment.
    private func insist(_ job: ClaimedJob, _ result: JSONValue) async throws {
        let end = ContinuousClock.now + JobQueue.lease
        while true {
            do {
                // The turn may have been written, and only its answer lost.
                if try await queue.isDone(job) { return }
                return try await queue.complete(job, result: result)
            } catch let error as PGError where error.isTransient && .now < end {
                try? await Task.sleep(for: .milliseconds(250))
            }
        }
    }

    private func settle(_ held: HeldJob, after error: any Error, seconds: Double) async {
        let job = held.job
        let problem = Problem(ofMetadata: error)
        guard problem.code != .leaseLost else {
            // Another has the job by now, and whoever took it back has counted the loss.
            return observe(.partFailed(part: "worker", problem: problem))
        }
        let event: JobEvent = error is JobQueue.CancelAsked ? .cancelled : held.stopped?.event ?? .failed(problem.code)
        let policy = handlers[job.kind]?.policy ?? JobPolicy()
        guard let step = JobMachine.step(job.facts, on: event, policy: policy, luck: luck()) else { return }
        let pause = step.state == .pending ? step.pause ?? .zero : nil
        observe(.jobFailed(job: job.id, kind: job.kind, problem: problem, seconds: seconds, retriesIn: pause))
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
            observe(.partFailed(part: "worker", problem: Problem(ofMetadata: error)))
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

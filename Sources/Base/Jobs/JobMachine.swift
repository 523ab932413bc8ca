package import Kernel

/// What happens to a job.
package enum JobEvent: Sendable, Equatable {
    /// A worker has taken it.
    case claimed
    /// It is done.
    case succeeded
    /// It ended with a problem.
    case failed(Problem.Code)
    /// Its time is over: it did not begin, or did not end, before its deadline.
    case deadlinePassed
    /// Its worker stops, and gives it back.
    case workerStopped
    /// Its worker has not been heard of for longer than the lease.
    case leaseLost
    /// A person has cancelled it, and nothing of it runs any more.
    case cancelled
    /// A failed job may be rescued.
    case rescueOffered
    /// The time to rescue it is over.
    case rescueEnded
    /// A person takes it up again, alone or because of one before it.
    case retried
    /// A person has taken care of it otherwise.
    case resolved
}

/// What else is to be done when a job changes its state.
package enum JobEffect: Sendable, Equatable {
    /// Not to be claimed again before so long.
    case wait(Duration)
    /// One more failure, or one more lost lease.
    case count(JobEnd)
    /// Room for others under its limits.
    case releaseLimits
    /// Jobs after it may begin, if it was the last they waited for.
    case freeSuccessors
    /// Jobs after it cannot begin; all others go on.
    case stopSuccessors
    /// A person can rescue it for so long.
    case offerRescue(Duration)
}

/// What a claim's end counts as.
package enum JobEnd: String, Sendable {
    case failure, loss
}

/// How patient the queue is with a kind of job.
package struct JobPolicy: Sendable, Equatable {
    /// An attempt that takes longer is stopped, and counts as a failure.
    package var timeout: Duration?
    /// From when a job is made, or taken up again, to when it must be done, if its `JobSpec` says nothing else. The queue
    /// knows of it from the first claim on.
    package var deadline: Duration?
    /// How long a person can rescue a failed job; nil if it cannot be rescued.
    package var rescue: Duration?
    /// After so many lost leases a job is held to be what ends its workers.
    package var mostLosses: Int

    package init(
        timeout: Duration? = nil, deadline: Duration? = nil, rescue: Duration? = .seconds(7 * 86_400),
        mostLosses: Int = 15
    ) {
        self.timeout = timeout
        self.deadline = deadline
        self.rescue = rescue
        self.mostLosses = mostLosses
    }
}

/// What the machine needs to know of a job.
package struct JobFacts: Sendable, Equatable {
    package var state: JobState
    package var failures: Int
    package var losses: Int

    package init(state: JobState, failures: Int = 0, losses: Int = 0) {
        self.state = state
        self.failures = failures
        self.losses = losses
    }
}

/// A change of a job, as a value.
package struct JobStep: Sendable, Equatable {
    package var state: JobState
    package var effects: [JobEffect]

    package init(_ state: JobState, _ effects: [JobEffect] = []) {
        self.state = state
        self.effects = effects
    }
}

/// The states of a job and the ways between them: event in, new state and effects out (docs/jobs.md has the picture).
///
/// The database knows the same ways (`weir.job_transitions`) and takes no other.
package enum JobMachine {
    /// - Parameter luck: 0 to 1, for the pause before another attempt: jobs that failed together come back apart.
    /// - Returns: nil if the event cannot happen in this state.
    package static func step(
        _ job: JobFacts, on event: JobEvent, policy: JobPolicy = JobPolicy(), luck: Double = 1
    ) -> JobStep? {
        switch (job.state, event) {
        case (.pending, .claimed): JobStep(.running)
        case (.pending, .cancelled): JobStep(.cancelled, [.stopSuccessors])
        case (.pending, .deadlinePassed): JobStep(.failed, [.stopSuccessors] + rescue(policy))
        case (.running, .succeeded): JobStep(.success, [.releaseLimits, .freeSuccessors])
        case (.running, .failed(let code)): failure(job, code, policy, luck)
        case (.running, .deadlinePassed): final(.failure, policy)
        case (.running, .workerStopped): JobStep(.pending, [.releaseLimits])
        case (.running, .leaseLost): loss(job, policy)
        case (.running, .cancelled): JobStep(.cancelled, [.releaseLimits, .stopSuccessors])
        case (.failed, .rescueOffered): JobStep(.retryable)
        case (.retryable, .rescueEnded): JobStep(.failed)
        case (.retryable, .resolved): JobStep(.resolved)
        case (.retryable, .cancelled): JobStep(.cancelled)
        case (.retryable, .retried), (.success, .retried), (.cancelled, .retried): JobStep(.pending)
        default: nil
        }
    }

    private static func failure(_ job: JobFacts, _ code: Problem.Code, _ policy: JobPolicy, _ luck: Double) -> JobStep {
        if case .retry(let attempts, let ceiling) = code.retryDirective, job.failures + 1 < attempts {
            let pause = backoff(after: job.failures + 1, ceiling: ceiling)
            return JobStep(
                .pending, [.wait(pause * (0.5 + luck / 2)), .count(.failure), .releaseLimits])
        }
        return final(.failure, policy)
    }

    private static func loss(_ job: JobFacts, _ policy: JobPolicy) -> JobStep {
        guard job.losses + 1 >= policy.mostLosses else { return JobStep(.pending, [.count(.loss), .releaseLimits]) }
        return final(.loss, policy)
    }

    private static func final(_ end: JobEnd, _ policy: JobPolicy) -> JobStep {
        JobStep(.failed, [.count(end), .releaseLimits, .stopSuccessors] + rescue(policy))
    }

    private static func rescue(_ policy: JobPolicy) -> [JobEffect] { policy.rescue.map { [.offerRescue($0)] } ?? [] }

    /// Every way there is.
    package static let transitions: Set<JobTransition> = {
        let events: [JobEvent] = [
            .claimed, .succeeded, .failed(.busy), .failed(.internal), .deadlinePassed, .workerStopped, .leaseLost,
            .cancelled,
            .rescueOffered, .rescueEnded, .retried, .resolved,
        ]
        return Set(
            JobState.allCases.flatMap { state in
                events.compactMap { event in
                    step(JobFacts(state: state), on: event).map { JobTransition(from: state, to: $0.state) }
                }
            })
    }()
}

package struct JobTransition: Sendable, Hashable {
    package var from: JobState
    package var to: JobState

    package init(from: JobState, to: JobState) {
        self.from = from
        self.to = to
    }
}

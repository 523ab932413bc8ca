/// All that Weirhouse says about itself while it runs. Logs, metrics and traces subscribe to it.
/// No case carries a row's value or a secret.
package enum Observation: Sendable {
    case partStarted(part: String, detail: String)
    case partStopped(part: String, detail: String)
    case partFailed(part: String, problem: Problem)
    case jobClaimed(job: JobID, kind: String, attempt: Int)
    case jobFinished(job: JobID, kind: String, seconds: Double)
    case jobFailed(job: JobID, kind: String, problem: Problem, retriesIn: Duration?)
    case requestFailed(correlation: String, method: String, path: String, problem: Problem)
}

/// Receives observations. It must return at once and must not fail.
package typealias Observe = @Sendable (Observation) -> Void

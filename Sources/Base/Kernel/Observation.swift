/// All that Weirhouse says about itself while it runs. Logs, metrics and traces subscribe to it.
/// No case carries a row's value or a secret. Which trace it belongs to is `TraceContext.current`.
package enum Observation: Sendable {
    case partStarted(part: String, detail: String)
    case partStopped(part: String, detail: String)
    case partFailed(part: String, problem: Problem)
    /// `waited`: seconds from when it could run to this claim.
    case jobClaimed(job: JobID, kind: String, attempt: Int, waited: Double)
    case jobFinished(job: JobID, kind: String, seconds: Double)
    case jobFailed(job: JobID, kind: String, problem: Problem, seconds: Double, retriesIn: Duration?)
    case requestFailed(correlation: String, method: String, path: String, problem: Problem)
    /// `route`: as it was declared, such as `/api/v1/runs/{id}`.
    case requestServed(method: String, route: String, status: Int, seconds: Double)
    /// A schedule has made a run.
    case scheduleFired(schedule: String, run: RunID)
    /// A message was handed over, or not (`problem`): `channel` is `email` or `webhook`.
    case noticeSent(channel: String, problem: Problem.Code?)
    case spanEnded(Span)
}

/// Receives observations. It must return at once and must not fail.
package typealias Observe = @Sendable (Observation) -> Void

package import Kernel
package import Logging

/// Writes observations as log lines: a sentence for people, ids and figures beside it as metadata for programs.
package struct ObservationLog: Sendable {
    /// Requests that take longer are worth a line, in seconds.
    static let slow = 5.0

    private let logger: Logger

    package init(logger: Logger) { self.logger = logger }

    @Sendable package func observe(_ observation: Observation) {
        switch observation {
        case .partStarted(let part, let detail): logger.info("\(part) started: \(detail)")
        case .partStopped(let part, let detail): logger.info("\(part) stopped: \(detail)")
        case .partFailed(let part, let problem): logger.error("\(part): \(problem)", metadata: words(problem))
        case .jobClaimed(let job, let kind, let attempt, let waited):
            logger.info(
                "job \(job) (\(kind)) claimed, attempt \(attempt)",
                metadata: about(job, kind) + ["attempt": number(attempt), "waited_seconds": number(waited)])
        case .jobFinished(let job, let kind, let seconds):
            logger.info(
                "job \(job) (\(kind)) done in \(rounded(seconds)) s",
                metadata: about(job, kind) + ["seconds": number(seconds)])
        case .jobFailed(let job, let kind, let problem, let seconds, let retry):
            let again = retry.map { " retried in \($0)" } ?? ""
            logger.warning(
                "job \(job) (\(kind)) failed: \(problem)\(again)",
                metadata: about(job, kind) + words(problem) + ["seconds": number(seconds)])
        case .requestFailed(let correlation, let method, let path, let problem):
            logger.warning(
                "\(correlation) \(method) \(path): \(problem)",
                metadata: words(problem) + [
                    "correlation_id": "\(correlation)", "method": "\(method)", "path": "\(path)",
                ])
        case .requestServed(let method, let route, let status, let seconds):
            guard seconds > Self.slow else { break }
            logger.warning(
                "\(method) \(route) took \(rounded(seconds)) s, status \(status)",
                metadata: [
                    "method": "\(method)", "route": "\(route)", "status": number(status), "seconds": number(seconds),
                ])
        case .scheduleFired(let schedule, let run):
            logger.info("schedule \(schedule) has made run \(run)", metadata: ["run_id": "\(run)"])
        case .noticeSent(let channel, let problem):
            guard let problem else { break }
            logger.warning(
                "a message by \(channel) was not taken: \(problem.title)", metadata: ["code": "\(problem.rawValue)"])
        case .spanEnded: break
        }
    }

    private func about(_ job: JobID, _ kind: String) -> Logger.Metadata { ["job_id": "\(job)", "kind": "\(kind)"] }

    /// The cause goes without what looks like a password in a connection string.
    private func words(_ problem: Problem) -> Logger.Metadata {
        var words: Logger.Metadata = ["code": "\(problem.code.rawValue)"]
        if let cause = problem.cause {
            words["cause"] = "\(Redaction.redact(String(describing: cause)).prefix(4000))"
        }
        return words
    }

    private func number(_ value: Int) -> Logger.MetadataValue { .stringConvertible(value) }

    private func number(_ value: Double) -> Logger.MetadataValue { .stringConvertible(rounded(value)) }

    private func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}

private func + (left: Logger.Metadata, right: Logger.Metadata) -> Logger.Metadata {
    left.merging(right) { _, new in new }
}

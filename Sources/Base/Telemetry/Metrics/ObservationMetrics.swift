package import Kernel

/// Counts observations.
package struct ObservationMetrics: Sendable {
    /// What is exposed by this process.
    package let own = MetricRegistry()
    /// What is added up over all processes (`WeirMetrics.shared`).
    package let shared = MetricRegistry()

    package init() {}

    /// Makes the series of these jobs known at 0: an increase from nothing to 1 is none to Prometheus.
    package func begin(jobKinds: [String]) {
        for kind in jobKinds {
            shared.add(0, to: WeirMetrics.jobsClaimed, kind)
            for outcome in ["success", "failed", "cancelled"] {
                shared.add(0, to: WeirMetrics.jobsFinished, kind, outcome)
            }
            shared.add(0, to: WeirMetrics.leaseLosses, kind)
            shared.begin(WeirMetrics.jobWait, kind)
            shared.begin(WeirMetrics.jobDuration, kind, "success")
        }
        if jobKinds.contains(WeirMetrics.provision) { shared.begin(WeirMetrics.provisioningTime) }
    }

    /// Makes the series that do not go by jobs known at 0.
    package func begin() {
        for channel in ["email", "webhook"] {
            for outcome in ["sent", "failed"] { shared.add(0, to: WeirMetrics.notices, channel, outcome) }
        }
        shared.add(0, to: WeirMetrics.scheduleFirings)
        shared.add(0, to: WeirMetrics.spansExported)
        for loss in SpanLoss.allCases { shared.add(0, to: WeirMetrics.spansDropped, loss.rawValue) }
    }

    @Sendable package func observe(_ observation: Observation) {
        switch observation {
        case .jobClaimed(_, let kind, _, let waited):
            shared.add(to: WeirMetrics.jobsClaimed, kind)
            shared.record(waited, in: WeirMetrics.jobWait, kind)
        case .jobFinished(_, let kind, let seconds):
            end(kind, "success", seconds)
            if kind == WeirMetrics.provision { shared.record(seconds, in: WeirMetrics.provisioningTime) }
        case .jobFailed(_, let kind, let problem, let seconds, let retry):
            failed(kind, problem.code, seconds, isRetried: retry != nil)
        case .partFailed(let part, _): shared.add(to: WeirMetrics.partFailures, part)
        case .requestServed(let method, let route, let status, let seconds):
            own.add(to: WeirMetrics.requests, method, route, String(status))
            own.record(seconds, in: WeirMetrics.requestDuration, method, route, String(status))
        case .scheduleFired: shared.add(to: WeirMetrics.scheduleFirings)
        case .noticeSent(let channel, let problem):
            shared.add(to: WeirMetrics.notices, channel, problem == nil ? "sent" : "failed")
        case .partStarted, .partStopped, .requestFailed, .spanEnded: break
        }
    }

    /// For `OTLPExporter`.
    @Sendable package func count(_ fate: SpanFate, _ spans: Int) {
        switch fate {
        case .exported: shared.add(Double(spans), to: WeirMetrics.spansExported)
        case .dropped(let loss): shared.add(Double(spans), to: WeirMetrics.spansDropped, loss.rawValue)
        }
    }

    private func failed(_ kind: String, _ code: Problem.Code, _ seconds: Double, isRetried: Bool) {
        // Counted in the database, which also knows of the workers that cannot tell any more. The job goes on elsewhere.
        guard code != .leaseLost else { return }
        guard isRetried else { return end(kind, code == .cancelled ? "cancelled" : "failed", seconds) }
        shared.add(to: WeirMetrics.jobRetries, kind, code.rawValue)
        shared.record(seconds, in: WeirMetrics.jobDuration, kind, "retried")
    }

    private func end(_ kind: String, _ outcome: String, _ seconds: Double) {
        shared.add(to: WeirMetrics.jobsFinished, kind, outcome)
        shared.record(seconds, in: WeirMetrics.jobDuration, kind, outcome)
    }
}

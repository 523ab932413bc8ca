import Wire

/// How fast each running job goes, from what this process has seen of it: for servers that do not say so themselves.
struct RateMeter {
    /// Per second; nil where nothing is known.
    struct Rate: Equatable {
        var done: Double?
        var rows: Double?
    }

    private struct Start {
        var seconds: Double
        var progress: ProgressView
    }

    private var starts: [String: Start] = [:]
    /// By job id.
    private(set) var rates: [String: Rate] = [:]

    /// - Parameter seconds: a clock that only goes forward.
    mutating func see(_ detail: RunDetail, at seconds: Double) {
        for job in detail.jobs where job.state == .running {
            guard let now = job.progress else { continue }
            guard let start = starts[job.jobID], now.unit == start.progress.unit, now.done >= start.progress.done,
                now.rows ?? 0 >= start.progress.rows ?? 0
            else {
                starts[job.jobID] = Start(seconds: seconds, progress: now)
                rates[job.jobID] = nil
                continue
            }
            let elapsed = seconds - start.seconds
            guard elapsed >= 0.2 else { continue }
            rates[job.jobID] = Rate(
                done: Double(now.done - start.progress.done) / elapsed,
                rows: now.rows.map { Double($0 - (start.progress.rows ?? 0)) / elapsed })
        }
    }
}

import Wire

/// Rows per second of each running job, from what this process has seen of it.
struct RateMeter {
    private struct Start {
        var seconds: Double
        var rows: Int64
    }

    private var starts: [String: Start] = [:]
    private(set) var rates: [String: Double] = [:]

    /// - Parameter seconds: a clock that only goes forward.
    mutating func see(_ detail: RunDetail, at seconds: Double) {
        for job in detail.jobs where job.state == .running {
            guard let rows = job.progress?.rows else { continue }
            guard let start = starts[job.jobID], rows >= start.rows else {
                starts[job.jobID] = Start(seconds: seconds, rows: rows)
                continue
            }
            let elapsed = seconds - start.seconds
            if elapsed >= 0.2 { rates[job.jobID] = Double(rows - start.rows) / elapsed }
        }
    }
}

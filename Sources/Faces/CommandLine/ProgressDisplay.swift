import Kernel
import Synchronization
import Wire

/// Shows a run's progress on standard error: redrawn in place on a terminal, plain lines elsewhere.
final class ProgressDisplay: Sendable {
    private struct State {
        var meter = RateMeter()
        var detail: RunDetail?
        /// Lines on the screen that belong to the display.
        var drawn = 0
        /// Without a terminal: what was last said of each job, and when.
        var said: [String: Said] = [:]
    }

    private struct Said {
        var state: StateWord
        var attempt: Int
        var waiting: String?
        var at: Double
    }

    private let output: Output
    private let clock: @Sendable () -> Double
    private let state = Mutex(State())

    /// - Parameter clock: seconds that only go forward.
    init(output: Output = .standardError, clock: @escaping @Sendable () -> Double = ProgressDisplay.uptime) {
        self.output = output
        self.clock = clock
    }

    func show(_ news: RunFollower.News) {
        switch news {
        case .notice(let text): say(text)
        case .event(.run(let detail)): show(detail)
        case .event(.log(let line)): if line.level != "info" { say("\(line.level): \(line.text.withoutControls)") }
        }
    }

    /// A line that stays, above the progress.
    func say(_ text: String) {
        state.withLock { state in
            guard output.isTerminal else { return output.say(text) }
            let redrawn = state.detail.map { lines(of: $0, state) } ?? []
            draw([text], then: redrawn, &state)
        }
    }

    private func show(_ detail: RunDetail) {
        let now = clock()
        state.withLock { state in
            state.meter.see(detail, at: now)
            state.detail = detail
            if output.isTerminal {
                draw([], then: lines(of: detail, state), &state)
            } else {
                sayChanges(detail, at: now, &state)
            }
        }
    }

    private func lines(of detail: RunDetail, _ state: State) -> [String] {
        ProgressLines(style: output.style, rates: state.meter.rates).lines(of: detail)
    }

    /// Goes up to where the progress begins, clears from there on, and draws anew.
    private func draw(_ lasting: [String], then lines: [String], _ state: inout State) {
        let up = state.drawn > 0 ? "\u{1B}[\(state.drawn)A" : ""
        let text = (lasting + lines).map { $0 + "\n" }.joined()
        // Progress is a service to the reader: a terminal that is gone must not fail the command.
        try? output.write("\r\(up)\u{1B}[J\(text)")
        state.drawn = lines.count
    }

    private func sayChanges(_ detail: RunDetail, at now: Double, _ state: inout State) {
        let lines = ProgressLines(style: .plain, rates: state.meter.rates)
        for job in detail.jobs where job.state != .pending || isHeldBack(job) {
            if let last = state.said[job.jobID], last.state == job.state, last.attempt == job.attempt,
                last.waiting == job.waiting
            {
                guard job.state == .running, now - last.at >= 5 else { continue }
            }
            state.said[job.jobID] = Said(state: job.state, attempt: job.attempt, waiting: job.waiting, at: now)
            output.say(lines.plain(job))
        }
    }

    /// Whether a pending job waits for something else than the jobs before it, whose lines say what they do.
    private func isHeldBack(_ job: JobView) -> Bool { job.readyAt != nil && job.waiting != nil }

    /// Seconds since this process first asked.
    static let uptime: @Sendable () -> Double = {
        let start = ContinuousClock.now
        return { (ContinuousClock.now - start) / .seconds(1) }
    }()
}

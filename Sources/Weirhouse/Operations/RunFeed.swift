import Kernel
import Postgres
import ServiceLifecycle
import Wire

/// A run's events for one reader. It reads on only when the reader has taken what was read before, so that it holds one
/// page of the log and one state of the run at most, however slow the reader is.
actor RunFeed {
    private static let pageSize = 500
    /// Changes come in bursts; a reader needs no more than a few a second.
    private static let pause = Duration.milliseconds(100)

    /// For how long a right to read is not asked for again.
    private static let trust = Duration.seconds(5)

    private let run: RunID
    private let environment: String
    private let caller: Caller
    private let reader: RunReader
    private let signals: AsyncStream<Void>
    private let noticed: @Sendable (RunDetail) -> Void
    private var last: Int64
    private var lines: ArraySlice<LogLine> = []
    private var hasMoreLines = false
    /// Read before its lines and told after them: when it says that the run is over, no line is missing.
    private var detail: RunDetail?
    private var isFirst = true
    private var isOver = false
    private var trusted = ContinuousClock.now

    /// - Parameters:
    ///   - signals: one at once and one after each change of the run.
    ///   - noticed: told of each state that was read.
    init(
        _ run: RunID, in environment: String, after sequence: Int64, as caller: Caller, reader: RunReader,
        signals: AsyncStream<Void>,
        noticed: @escaping @Sendable (RunDetail) -> Void
    ) {
        self.noticed = noticed
        self.run = run
        self.environment = environment
        self.caller = caller
        self.reader = reader
        self.signals = signals
        last = sequence
    }

    /// Ends when the run is over or the server shuts down. For one reader, who asks for one event after the other.
    nonisolated var events: AsyncThrowingStream<RunEvent, any Error> {
        AsyncThrowingStream { try await self.next() }
    }

    private func next() async throws -> RunEvent? {
        do {
            while !isOver {
                if let line = lines.popFirst() { return .log(line) }
                if hasMoreLines {
                    try await askAgain()
                    try await readLines()
                } else if let detail {
                    self.detail = nil
                    isOver = detail.run.state.isOver
                    return .run(detail)
                } else {
                    guard try await hasChanged() else { return nil }
                    try await askAgain()
                    let read = try await reader.detail(run, as: caller)
                    noticed(read)
                    detail = read
                    try await readLines()
                }
            }
            return nil
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }

    /// False if the server shuts down or the reader is gone.
    private func hasChanged() async throws -> Bool {
        if !isFirst { try await Task.sleep(for: Self.pause) }
        isFirst = false
        return await cancelWhenGracefulShutdown { [signals] in await signals.first { _ in true } } != nil
    }

    private func askAgain() async throws {
        guard .now - trusted > Self.trust else { return }
        try await reader.requireStill(caller, in: environment)
        trusted = .now
    }

    private func readLines() async throws {
        let page = try await reader.log(of: run, .after(last), limit: Self.pageSize, as: caller)
        lines = page.lines[...]
        last = page.lines.last?.sequence ?? last
        hasMoreLines = page.next != nil
    }
}

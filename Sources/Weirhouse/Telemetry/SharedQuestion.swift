/// A question to something that may never answer. At most one is on its way, however many ask, and nobody waits longer
/// than he wants to.
actor SharedQuestion<Answer: Sendable> {
    private let ask: @Sendable () async -> Answer
    private var underway: Task<Answer, Never>?

    init(_ ask: @escaping @Sendable () async -> Answer) { self.ask = ask }

    /// - Returns: nil if there is no answer within `limit`; the question stays on its way.
    func answer(within limit: Duration) async -> Answer? {
        let task = underway ?? begin()
        return await Weirhouse.within(limit) { await task.value }
    }

    private func begin() -> Task<Answer, Never> {
        let task = Task {
            let answer = await ask()
            underway = nil
            return answer
        }
        underway = task
        return task
    }
}

extension Weirhouse {
    /// Runs `work`, but waits for it no longer than `limit`: then it goes on by itself, cancelled, and nil is returned.
    ///
    /// For work that may not hear of its cancellation, such as a query to a database that has stopped answering.
    @discardableResult
    static func within<Value: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let (answers, first) = AsyncStream<Value?>.makeStream()
        let task = Task { first.yield(await work()) }
        let timer = Task {
            try? await Task.sleep(for: limit)
            first.yield(nil)
        }
        defer {
            task.cancel()
            timer.cancel()
        }
        for await answer in answers { return answer }
        return nil
    }
}

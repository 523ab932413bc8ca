import Kernel

/// Frames from the query to the socket, one at a time, so that a slow reader slows the query and not the memory.
actor FrameChannel {
    private var frame: EngineFrame?
    private var isFinished = false
    private var isClosed = false
    private var reader: CheckedContinuation<EngineFrame?, Never>?
    private var writer: CheckedContinuation<Void, Never>?

    /// Hands a frame over; waits until the one before was taken.
    /// - Returns: whether anybody still reads.
    func send(_ next: EngineFrame) async -> Bool {
        while frame != nil, !isClosed, !isFinished {
            await withCheckedContinuation { writer = $0 }
        }
        guard !isClosed, !isFinished else { return false }
        if let reader {
            self.reader = nil
            reader.resume(returning: next)
        } else {
            frame = next
        }
        return true
    }

    /// Nothing follows.
    func finish() {
        isFinished = true
        reader?.resume(returning: nil)
        reader = nil
    }

    /// Ends the answer with a problem, whatever the query is still doing.
    func fail(_ problem: Problem) {
        guard !isFinished, !isClosed else { return }
        isFinished = true
        if let reader {
            self.reader = nil
            reader.resume(returning: .problem(problem))
        } else {
            frame = .problem(problem)
        }
        writer?.resume()
        writer = nil
    }

    /// Nobody reads any more.
    func close() {
        isClosed = true
        frame = nil
        writer?.resume()
        writer = nil
        reader?.resume(returning: nil)
        reader = nil
    }

    /// The next frame; nil at the end.
    func next() async -> EngineFrame? {
        if let ready = frame {
            frame = nil
            writer?.resume()
            writer = nil
            return ready
        }
        if isFinished || isClosed { return nil }
        return await withCheckedContinuation { reader = $0 }
    }
}

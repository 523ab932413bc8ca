import Kernel
import Synchronization

/// Spans that wait to be sent: a bounded number, the oldest first.
final class SpanBuffer: Sendable {
    private let limit: Int
    private let batch: Int
    private let spans = Mutex<[Span]>([])
    /// Rings when a whole batch waits.
    let rings: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    init(limit: Int, batch: Int) {
        self.limit = limit
        self.batch = batch
        (rings, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// False if there is no room.
    func add(_ span: Span) -> Bool {
        let count: Int? = spans.withLock { spans in
            guard spans.count < limit else { return nil }
            spans.append(span)
            return spans.count
        }
        guard let count else { return false }
        if count >= batch { ring() }
        return true
    }

    func ring() { bell.yield() }

    /// Takes out at most one batch.
    func take() -> [Span] {
        spans.withLock { spans in
            let taken = Array(spans.prefix(batch))
            spans.removeFirst(taken.count)
            return taken
        }
    }

    /// Puts a batch back before the others; returns how many found no room.
    func putBack(_ batch: [Span]) -> Int {
        spans.withLock { spans in
            let room = max(0, limit - spans.count)
            spans.insert(contentsOf: batch.suffix(room), at: 0)
            return max(0, batch.count - room)
        }
    }
}

package import NIOCore

/// Measures how long event loops let others wait: twice a second each of them is given a task.
package struct LoopLag: Sendable {
    private let group: any EventLoopGroup
    private let record: @Sendable (Double) -> Void

    /// - Parameter record: takes seconds; called on the event loops.
    package init(of group: any EventLoopGroup, record: @escaping @Sendable (Double) -> Void) {
        self.group = group
        self.record = record
    }

    /// Until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            measure()
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    func measure() {
        let asked = ContinuousClock.now
        for loop in group.makeIterator() {
            loop.execute { [record] in record((ContinuousClock.now - asked) / .seconds(1)) }
        }
    }
}

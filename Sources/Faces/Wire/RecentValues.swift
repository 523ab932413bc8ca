/// The values that were used last: at least half of `capacity` of them, never more than it.
package struct RecentValues<Key: Hashable, Value> {
    private let half: Int
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]

    package init(capacity: Int) { half = max(1, capacity / 2) }

    package subscript(_ key: Key) -> Value? {
        mutating get {
            if let value = young[key] { return value }
            guard let value = old[key] else { return nil }
            self[key] = value
            return value
        }
        set {
            old[key] = nil
            young[key] = newValue
            guard young.count > half else { return }
            old = young
            young = [:]
        }
    }
}

extension RecentValues: Sendable where Key: Sendable, Value: Sendable {}

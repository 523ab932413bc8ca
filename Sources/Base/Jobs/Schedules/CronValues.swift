/// A set of small numbers, 0…62, as bits: the values of a field or the days of a month.
struct CronValues: Sendable, Hashable {
    private(set) var bits: UInt64

    init() { bits = 0 }
    init(_ range: ClosedRange<Int>) { bits = (2 << UInt64(range.upperBound)) - (1 << UInt64(range.lowerBound)) }
    init(_ values: some Sequence<Int>) { bits = values.reduce(0) { $0 | (1 << UInt64($1)) } }

    var isEmpty: Bool { bits == 0 }
    var count: Int { bits.nonzeroBitCount }
    var first: Int? { isEmpty ? nil : bits.trailingZeroBitCount }
    var last: Int? { isEmpty ? nil : 63 - bits.leadingZeroBitCount }

    func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }

    /// Those that are at least `value`.
    func from(_ value: Int) -> CronValues { CronValues(bits: bits & ~((1 << UInt64(value)) - 1)) }

    /// Those that are less than `value`.
    func below(_ value: Int) -> CronValues { CronValues(bits: bits & ((1 << UInt64(value)) - 1)) }

    func union(_ other: CronValues) -> CronValues { CronValues(bits: bits | other.bits) }
    func intersection(_ other: CronValues) -> CronValues { CronValues(bits: bits & other.bits) }

    mutating func insert(_ value: Int) { bits |= 1 << UInt64(value) }

    /// The lowest first.
    var sorted: [Int] { (0..<63).filter(contains) }

    private init(bits: UInt64) { self.bits = bits }
}

package import Foundation

/// Where time and ids come from, so that tests can set them.
package struct TimeSource: Sendable {
    /// The wall clock.
    package let now: @Sendable () -> Date
    /// A fresh random id.
    package let makeUUID: @Sendable () -> UUID

    package init(now: @escaping @Sendable () -> Date, makeUUID: @escaping @Sendable () -> UUID) {
        self.now = now
        self.makeUUID = makeUUID
    }

    package static let system = TimeSource(now: { Date() }, makeUUID: { randomUUID() })

    package func makeID<Tag>(_: Tag.Type = Tag.self) -> ID<Tag> { ID(makeUUID()) }
}

/// Version 4 (RFC 9562, section 5.4). `UUID()` opens `/dev/urandom` each time, and every request has an id.
private func randomUUID() -> UUID {
    var generator = SystemRandomNumberGenerator()
    var words = (generator.next(), generator.next())
    return withUnsafeMutableBytes(of: &words) { bytes in
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }
}

extension Date {
    /// `YYYY-MM-DD` in UTC: the form of `run_date=` and `load_date=`.
    package var utcDay: String {
        let days = Int((timeIntervalSince1970 / 86_400).rounded(.down))
        let date = CivilDate(daysSince1970: days)
        return "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))"
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-21T07:30:00.123Z`.
    package var rfc3339: String {
        let milliseconds = Int((timeIntervalSince1970 * 1000).rounded(.down))
        let inDay = ((milliseconds % 86_400_000) + 86_400_000) % 86_400_000
        let time = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1000 % 60].map { pad($0, 2) }.joined(separator: ":")
        return "\(utcDay)T\(time).\(pad(inDay % 1000, 3))Z"
    }
}

private func pad(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

import ArgumentParser

/// A length of time as people write it: `90s`, `15m`, `6h`, `2d`.
struct TimeSpan: Equatable {
    let seconds: Int

    /// - Throws: `ValidationError` unless it is a whole number above 0 and a unit, and at most ten years.
    init(typed text: String) throws {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), text.dropLast().allSatisfy(\.isASCIIDigit),
            let count = Int(text.dropLast()), (1...(315_360_000 / unit)).contains(count)
        else { throw ValidationError("Write a whole number and a unit, like 90s, 15m, 6h or 2d; at most 3650d.") }
        seconds = count * unit
    }

    /// - Throws: `ValidationError` if it is no whole number of minutes, which `option` counts in.
    func minutes(of option: String) throws -> Int {
        guard seconds % 60 == 0 else { throw ValidationError("\(option) takes whole minutes, like 15m, 6h or 2d.") }
        return seconds / 60
    }

    /// `90 s`, `15 min`, `6 h`, `2 d`: in the largest unit that it is a whole number of.
    static func words(seconds: Int) -> String {
        for (unit, length) in [("d", 86_400), ("h", 3600), ("min", 60)] where seconds >= length && seconds % length == 0
        {
            return "\(Figures.grouped(seconds / length)) \(unit)"
        }
        return "\(Figures.grouped(seconds)) s"
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

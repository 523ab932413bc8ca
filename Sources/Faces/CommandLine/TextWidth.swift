extension String {
    /// Columns that a terminal gives it: wide East Asian characters and emoji count two.
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// At most so many columns, the last of them an ellipsis if something was cut.
    func cut(to width: Int, ellipsis: String = "…") -> String {
        guard columns > width else { return self }
        guard width > 0 else { return "" }
        var kept = ""
        var used = 0
        for character in self {
            guard used + character.columns <= width - 1 else { break }
            kept.append(character)
            used += character.columns
        }
        return kept + ellipsis
    }

    func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - columns)) }

    func padded(leftTo width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - columns)) + self }

    /// Control characters made visible, so that a value can neither break a line nor steer the terminal.
    var withoutControls: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.properties.generalCategory == .control:
                text += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Character {
    fileprivate var columns: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        if scalar.value < 0x300 { return 1 }
        if scalar.properties.isEmojiPresentation { return 2 }
        return Self.wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }

    /// The blocks of East Asian width W and F (Unicode Standard Annex 11), roughly.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
    ]
}

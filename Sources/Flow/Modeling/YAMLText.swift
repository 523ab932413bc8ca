/// YAML as people write it: only what generated files need, always in the same form, so that a second generation
/// differs only where something changed.
indirect enum YAMLText {
    case text(String)
    case number(Int)
    case flag(Bool)
    /// Several lines as a literal block (`|-`) where YAML can hold them so, else as a quoted text.
    case block(String)
    case list([YAMLText])
    case map([(String, YAMLText)])

    /// The whole document, ending with a line feed.
    func document() -> String { lines().joined(separator: "\n") + "\n" }

    private func lines() -> [String] {
        switch self {
        case .list(let items): items.flatMap(Self.item)
        case .map(let entries): entries.flatMap { Self.entry(Self.scalar($0), $1) }
        case .block(let text): [Self.scalar(text)]
        default: [inline ?? ""]
        }
    }

    /// Scalars and empty collections, which fit on the line of their key.
    private var inline: String? {
        switch self {
        case .text(let text): Self.scalar(text)
        case .number(let number): String(number)
        case .flag(let flag): flag ? "true" : "false"
        case .list(let items) where items.isEmpty: "[]"
        case .map(let entries) where entries.isEmpty: "{}"
        case .block, .list, .map: nil
        }
    }

    private static func item(_ value: YAMLText) -> [String] {
        let lines = value.lines()
        return lines.enumerated().map { $0.offset == 0 ? "- \($0.element)" : indented($0.element) }
    }

    private static func entry(_ key: String, _ value: YAMLText) -> [String] {
        if let inline = value.inline { return ["\(key): \(inline)"] }
        if case .block(let text) = value {
            guard isBlock(text) else { return ["\(key): \(scalar(text))"] }
            return ["\(key): |-"]
                + text.split(separator: "\n", omittingEmptySubsequences: false).map { indented(String($0)) }
        }
        return ["\(key):"] + value.lines().map(indented)
    }

    private static func indented(_ line: String) -> String { line.isEmpty ? line : "  \(line)" }

    /// Plain if no reader could take it for anything but this text, else in double quotes (YAML 1.2.2, section 7.3.1).
    static func scalar(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        let words: Set = ["true", "false", "null", "yes", "no", "on", "off"]
        let second = text.unicodeScalars.dropFirst().first
        let starts = isLetter(first) || first == "_" || (first == "+" && second.map(isLetter) == true)
        guard starts, last != " ", !words.contains(text.lowercased()) else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            isLetter(scalar) || ("0"..."9").contains(scalar) || "_ .,/()-+".unicodeScalars.contains(scalar)
        }
    }

    private static func isBlock(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        return first != " " && first != "\n" && last != "\n" && last != " "
            && text.unicodeScalars.allSatisfy {
                $0 == "\n" || ($0.value >= 0x20 && $0.value < 0x7F) || $0.value > 0x2029 && !isUnprintable($0)
            }
    }

    /// The byte order mark, and what no YAML stream may hold (YAML 1.2.2, section 5.1).
    private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
        [0xFEFF, 0xFFFE, 0xFFFF].contains(scalar.value)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                if scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value)
                    || (0x2028...0x2029).contains(scalar.value) || isUnprintable(scalar)
                {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}

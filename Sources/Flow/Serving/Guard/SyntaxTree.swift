import Kernel

/// A node of the syntax tree that DuckDB gives as JSON.
indirect enum SyntaxTree: Sendable {
    case object([String: SyntaxTree])
    case array([SyntaxTree])
    case text(String)
    case flag(Bool)
    case number
    case null

    subscript(_ key: String) -> SyntaxTree? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    var text: String? {
        guard case .text(let value) = self else { return nil }
        return value
    }

    var isTrue: Bool {
        guard case .flag(let value) = self else { return false }
        return value
    }

    /// Nil if it is no array.
    var elements: [SyntaxTree]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// Reads JSON as DuckDB writes it.
    /// - Throws: `queryRefused` if it is nested too deeply, `internal` if it is no JSON.
    static func parse(_ json: String) throws(Problem) -> SyntaxTree {
        var reader = Reader(bytes: Array(json.utf8))
        return try reader.value(depth: 0)
    }

    static let tooDeep = Problem(
        .queryRefused, "This SQL is nested too deeply.", hint: "Break it up with WITH, or model the inner parts.")

    /// A reader of RFC 8259 JSON that knows no numbers, since the guard needs none.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        /// Levels of JSON; an expression's level takes two of them.
        static let deepest = 2500

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func value(depth: Int) throws(Problem) -> SyntaxTree {
            guard depth < Reader.deepest else { throw SyntaxTree.tooDeep }
            skipSpaces()
            switch peek() {
            case 0x7B: return try object(depth: depth)
            case 0x5B: return try array(depth: depth)
            case 0x22: return .text(try string())
            case 0x74: return try word("true", .flag(true))
            case 0x66: return try word("false", .flag(false))
            case 0x6E: return try word("null", .null)
            default: return try number()
            }
        }

        private mutating func object(depth: Int) throws(Problem) -> SyntaxTree {
            var members: [String: SyntaxTree] = [:]
            position += 1
            skipSpaces()
            if take(0x7D) { return .object(members) }
            repeat {
                skipSpaces()
                let key = try string()
                skipSpaces()
                guard take(0x3A) else { throw malformed }
                // Two members of one name would let one hide behind the other.
                guard members.updateValue(try value(depth: depth + 1), forKey: key) == nil else { throw malformed }
                skipSpaces()
            } while take(0x2C)
            guard take(0x7D) else { throw malformed }
            return .object(members)
        }

        private mutating func array(depth: Int) throws(Problem) -> SyntaxTree {
            var elements: [SyntaxTree] = []
            position += 1
            skipSpaces()
            if take(0x5D) { return .array(elements) }
            repeat {
                elements.append(try value(depth: depth + 1))
                skipSpaces()
            } while take(0x2C)
            guard take(0x5D) else { throw malformed }
            return .array(elements)
        }

        private mutating func string() throws(Problem) -> String {
            guard take(0x22) else { throw malformed }
            let start = position
            var escaped = false
            while let byte = peek(), byte != 0x22 {
                if byte == 0x5C {
                    escaped = true
                    position += 1
                }
                position += 1
            }
            guard position < bytes.count else { throw malformed }
            let raw = bytes[start..<position]
            position += 1
            return escaped ? try unescape(raw) : String(decoding: raw, as: UTF8.self)
        }

        private func unescape(_ raw: ArraySlice<UInt8>) throws(Problem) -> String {
            var units: [UInt16] = []
            var rest = raw
            while let byte = rest.popFirst() {
                guard byte == 0x5C else {
                    // A run of plain bytes at once, because a character may span several.
                    let run = [byte] + rest.prefix { $0 != 0x5C }
                    rest = rest.dropFirst(run.count - 1)
                    units += Array(String(decoding: run, as: UTF8.self).utf16)
                    continue
                }
                switch rest.popFirst() {
                case 0x75:
                    let hex = String(decoding: rest.prefix(4), as: UTF8.self)
                    guard hex.utf8.count == 4, let unit = UInt16(hex, radix: 16) else { throw malformed }
                    units.append(unit)
                    rest = rest.dropFirst(4)
                case 0x6E: units.append(0x0A)
                case 0x74: units.append(0x09)
                case 0x72: units.append(0x0D)
                case 0x62: units.append(0x08)
                case 0x66: units.append(0x0C)
                case let other?: units.append(UInt16(other))
                case nil: throw malformed
                }
            }
            return String(decoding: units, as: UTF16.self)
        }

        private mutating func number() throws(Problem) -> SyntaxTree {
            let start = position
            while let byte = peek(), byte != 0x2C, byte != 0x5D, byte != 0x7D, byte > 0x20 { position += 1 }
            guard position > start else { throw malformed }
            return .number
        }

        private mutating func word(_ word: StaticString, _ node: SyntaxTree) throws(Problem) -> SyntaxTree {
            let matches = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
            guard matches else { throw malformed }
            position += word.utf8CodeUnitCount
            return node
        }

        private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard peek() == byte else { return false }
            position += 1
            return true
        }

        private mutating func skipSpaces() {
            while let byte = peek(), byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
        }

        private var malformed: Problem { Problem(.internal, "DuckDB gave a syntax tree that cannot be read.") }
    }
}

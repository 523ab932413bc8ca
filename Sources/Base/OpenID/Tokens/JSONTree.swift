package import Foundation

/// JSON that somebody else wrote, read strictly (RFC 8259): no name twice in an object, nothing after the value, at most
/// `depth` levels.
///
/// Two readers that take different ones of two equal names have led to forged tokens, so RFC 7515, section 4, and
/// RFC 7519, section 4, let a reader refuse them.
package enum JSONTree: Sendable, Hashable {
    case null
    case bool(Bool)
    /// Beyond 2^53 it is not exact; no field that is read here goes there.
    case number(Double)
    case text(String)
    case list([JSONTree])
    case object([String: JSONTree])

    /// So many levels of lists and objects are read.
    package static let depth = 16

    /// - Throws: `JSONFault`.
    package init(_ bytes: some Sequence<UInt8>) throws(JSONFault) {
        var reader = JSONReader(bytes: Array(bytes))
        self = try reader.document()
    }

    /// A member of an object; nil if this is none, or has none of that name.
    package subscript(_ name: String) -> JSONTree? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    package var text: String? { if case .text(let text) = self { text } else { nil } }

    package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

    package var list: [JSONTree]? { if case .list(let list) = self { list } else { nil } }

    /// All elements if this is a list of texts.
    package var texts: [String]? {
        guard let list else { return nil }
        let texts = list.compactMap(\.text)
        return texts.count == list.count ? texts : nil
    }

    /// NumericDate of RFC 7519, section 2: seconds since 1970. Nil before 1970 or after the year 5138.
    package var moment: Date? {
        guard case .number(let seconds) = self, (0...100_000_000_000).contains(seconds) else { return nil }
        return Date(timeIntervalSince1970: seconds)
    }
}

/// Where JSON cannot be read.
package struct JSONFault: Error, Sendable, Hashable {
    /// In bytes from the beginning.
    package let offset: Int
}

private struct JSONReader {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private var fault: JSONFault { JSONFault(offset: offset) }

    mutating func document() throws(JSONFault) -> JSONTree {
        let value = try self.value(level: 0)
        skipBlanks()
        guard next == nil else { throw fault }
        return value
    }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    /// Whether the next byte is this one; it is taken then.
    private mutating func takes(_ byte: UnicodeScalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ byte: UnicodeScalar) throws(JSONFault) {
        guard takes(byte) else { throw fault }
    }

    private mutating func value(level: Int) throws(JSONFault) -> JSONTree {
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): return try object(level: level + 1)
        case UInt8(ascii: "["): return try list(level: level + 1)
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: String, _ value: JSONTree) throws(JSONFault) -> JSONTree {
        for byte in word.unicodeScalars { try expect(byte) }
        return value
    }

    private mutating func object(level: Int) throws(JSONFault) -> JSONTree {
        guard level <= JSONTree.depth else { throw fault }
        try expect("{")
        var members: [String: JSONTree] = [:]
        skipBlanks()
        if takes("}") { return .object(members) }
        repeat {
            skipBlanks()
            let name = try text()
            guard members[name] == nil else { throw fault }
            skipBlanks()
            try expect(":")
            members[name] = try value(level: level)
            skipBlanks()
        } while takes(",")
        try expect("}")
        return .object(members)
    }

    private mutating func list(level: Int) throws(JSONFault) -> JSONTree {
        guard level <= JSONTree.depth else { throw fault }
        try expect("[")
        var elements: [JSONTree] = []
        skipBlanks()
        if takes("]") { return .list(elements) }
        repeat {
            elements.append(try value(level: level))
            skipBlanks()
        } while takes(",")
        try expect("]")
        return .list(elements)
    }
}

extension JSONReader {
    /// RFC 8259, section 6: no leading zero, no plus sign, digits on both sides of the point.
    private mutating func number() throws(JSONFault) -> Double {
        let start = offset
        _ = takes("-")
        if !takes("0") { try digits() }
        if takes(".") { try digits() }
        if takes("e") || takes("E") {
            if !takes("+") { _ = takes("-") }
            try digits()
        }
        guard let value = Double(String(decoding: bytes[start..<offset], as: UTF8.self)), value.isFinite else {
            throw fault
        }
        return value
    }

    private mutating func digits() throws(JSONFault) {
        let start = offset
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > start else { throw fault }
    }

    private mutating func text() throws(JSONFault) -> String {
        try expect("\"")
        var found: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw fault }
            offset += 1
            if byte == UInt8(ascii: "\\") {
                found.append(contentsOf: try escaped().utf8)
            } else {
                found.append(byte)
            }
        }
        try expect("\"")
        guard let text = String(validating: found, as: UTF8.self) else { throw fault }
        return text
    }

    /// What a backslash stands before.
    private mutating func escaped() throws(JSONFault) -> Character {
        guard let byte = next else { throw fault }
        offset += 1
        switch UnicodeScalar(byte) {
        case "\"": return "\""
        case "\\": return "\\"
        case "/": return "/"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u": return Character(try escapedScalar())
        default: throw fault
        }
    }

    /// `\uXXXX`, two of them for what lies beyond the basic plane. Half a pair stands for nothing and is refused.
    private mutating func escapedScalar() throws(JSONFault) -> UnicodeScalar {
        let first = try hexadecimal()
        if let scalar = UnicodeScalar(first) { return scalar }
        guard (0xD800...0xDBFF).contains(first) else { throw fault }
        try expect("\\")
        try expect("u")
        let second = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = UnicodeScalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw fault }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = next.flatMap({ Character(UnicodeScalar($0)).hexDigitValue }) else { throw fault }
            value = value << 4 + UInt32(digit)
            offset += 1
        }
        return value
    }
}

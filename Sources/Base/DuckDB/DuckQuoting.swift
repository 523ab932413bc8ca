/// How DuckDB sets values apart inside lists, structs and maps.
extension DuckText {
    /// In single quotes, with a backslash before quotes and backslashes.
    static func appendQuoted(_ text: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(0x27)
        for byte in text {
            if byte == 0x27 || byte == 0x5C { bytes.append(0x5C) }
            bytes.append(byte)
        }
        bytes.append(0x27)
    }

    /// Puts what stands after `start` in quotes if it could be misread otherwise.
    static func quoteIfNeeded(from start: Int, in bytes: inout [UInt8]) {
        guard needsQuotes(bytes[start...]) else { return }
        let text = Array(bytes[start...])
        bytes.removeSubrange(start...)
        appendQuoted(text, to: &bytes)
    }

    private static func needsQuotes(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first, let last = text.last else { return true }
        if isSpace(first) || isSpace(last) { return true }
        if text.count == 4, text.elementsEqual(null, by: { $0 & 0xDF == $1 }) { return true }
        return text.contains(where: isSpecial)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// `, : = " ' ( ) [ ] { }`
    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22, 0x27, 0x28, 0x29, 0x2C, 0x3A, 0x3D, 0x5B, 0x5D, 0x7B, 0x7D: true
        default: false
        }
    }
}

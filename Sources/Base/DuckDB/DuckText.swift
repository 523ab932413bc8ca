/// Values as the text that DuckDB prints, appended to UTF-8 bytes.
enum DuckText {
    static let null = Array("NULL".utf8)

    static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Decimal digits, with zeros in front up to `width`.
    static func append(_ number: UInt64, width: Int = 1, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number
            var start = 20
            repeat {
                start -= 1
                digits[start] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            for _ in 0..<max(0, width - (20 - start)) { bytes.append(0x30) }
            for index in start..<20 { bytes.append(digits[index]) }
        }
    }

    static func append(_ number: Int64, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(0x2D) }
        append(number.magnitude, to: &bytes)
    }

    static func append(_ number: UInt128, width: Int = 1, to bytes: inout [UInt8]) {
        if let small = UInt64(exactly: number) { return append(small, width: width, to: &bytes) }
        let (high, low) = number.quotientAndRemainder(dividingBy: 10_000_000_000_000_000_000)
        append(high, width: width - 19, to: &bytes)
        append(UInt64(truncatingIfNeeded: low), width: 19, to: &bytes)
    }

    static func append(_ number: Int128, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(0x2D) }
        append(number.magnitude, to: &bytes)
    }

    /// `unscaled` × 10^-scale with exactly `scale` digits after the point. DuckDB prints no zero before the point where
    /// the type has no room for one.
    static func appendDecimal(_ unscaled: Int128, width: Int, scale: Int, to bytes: inout [UInt8]) {
        if unscaled < 0 { bytes.append(0x2D) }
        guard scale > 0 else { return append(unscaled.magnitude, to: &bytes) }
        let (whole, fraction) = unscaled.magnitude.quotientAndRemainder(dividingBy: powersOfTen[scale])
        if whole > 0 || width > scale { append(whole, to: &bytes) }
        bytes.append(0x2E)
        append(fraction, width: scale, to: &bytes)
    }

    private static let powersOfTen: [UInt128] = (0...38).map { exponent in
        (0..<exponent).reduce(UInt128(1)) { power, _ in power * 10 }
    }

    /// A blob: printable ASCII as it is, all else as `\xAB`.
    static func appendBlob(_ blob: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        for byte in blob {
            if (0x20...0x7E).contains(byte), byte != 0x5C, byte != 0x27, byte != 0x22 {
                bytes.append(byte)
            } else {
                append("\\x", to: &bytes)
                bytes.append(hexUpper[Int(byte >> 4)])
                bytes.append(hexUpper[Int(byte & 15)])
            }
        }
    }

    private static let hexUpper = Array("0123456789ABCDEF".utf8)
    private static let hexLower = Array("0123456789abcdef".utf8)

    /// A bit string: the first byte says how many leading bits of the rest are padding.
    static func appendBits(_ stored: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        guard let padding = stored.first else { return }
        for index in Int(padding)..<max(Int(padding), (stored.count - 1) * 8) {
            let bit = stored[1 + index / 8] >> UInt8(7 - index % 8) & 1
            bytes.append(0x30 + bit)
        }
    }

    /// A UUID, stored as a 128-bit integer whose top bit is flipped so that it sorts.
    static func appendUUID(_ stored: Int128, to bytes: inout [UInt8]) {
        let value = UInt128(bitPattern: stored) ^ (1 << 127)
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { bytes.append(0x2D) }
            bytes.append(hexLower[Int(truncatingIfNeeded: value >> UInt128(124 - index * 4) & 15)])
        }
    }

    /// A BIGNUM: three header bytes (the top bit set for positive numbers), then the magnitude, big-endian; all bytes
    /// of a negative number are inverted.
    static func appendBignum(_ stored: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        guard stored.count > 3 else { return }
        let negative = stored[0] & 0x80 == 0
        // The number in groups of nine decimal digits, the lowest first.
        var groups: [UInt32] = [0]
        for byte in stored.dropFirst(3) {
            var carry = UInt64(negative ? ~byte : byte)
            for index in groups.indices {
                carry += UInt64(groups[index]) << 8
                groups[index] = UInt32(carry % 1_000_000_000)
                carry /= 1_000_000_000
            }
            if carry > 0 { groups.append(UInt32(carry)) }
        }
        if negative { bytes.append(0x2D) }
        append(UInt64(groups[groups.count - 1]), to: &bytes)
        for group in groups.dropLast().reversed() { append(UInt64(group), width: 9, to: &bytes) }
    }
}

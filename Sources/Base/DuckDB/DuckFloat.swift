/// Floating-point numbers as the text that DuckDB prints.
extension DuckText {
    /// The shortest digits that read back as the number; an exponent below 10^-4 and from 10^16 on.
    static func append(_ number: Double, to bytes: inout [UInt8]) {
        var description = number.description
        description.withUTF8 { text in
            let magnitude = abs(number)
            // Swift turns to exponents at 2^53 already.
            guard magnitude >= 0x1p53, magnitude < 1e16, text.contains(0x65) else {
                return bytes.append(contentsOf: text)
            }
            if number < 0 { bytes.append(0x2D) }
            let digits = text.prefix { $0 != 0x65 }.filter { $0 != 0x2E && $0 != 0x2D }
            bytes.append(contentsOf: digits)
            for _ in 0..<max(0, 16 - digits.count) { bytes.append(0x30) }
            append(".0", to: &bytes)
        }
    }

    /// The double whose text is what DuckDB prints for the float: 0.1 stays 0.1.
    ///
    /// DuckDB takes the shortest digits that read back as the float. Where those are not unique, because two candidates
    /// are equally near or one is exactly between two floats, it prints the float as the double it is.
    static func widened(_ number: Float) -> Double {
        let exact = Double(number)
        guard number.isFinite, number != 0 else { return exact }
        var description = number.description
        let lastPlace = description.withUTF8(placeValue)
        let shortest = Double(description)
        guard let shortest, shortest != exact else { return exact }
        let distance = abs(shortest - exact)
        // The same number with one digit less.
        let shorter = (exact / (lastPlace * 10)).rounded() * (lastPlace * 10)
        let halfWay = Double(number.ulp) / 2
        func isNear(_ left: Double, _ right: Double) -> Bool { abs(left - right) < right * 1e-6 }
        let isUnclear =
            isNear(distance, lastPlace / 2) || isNear(distance, halfWay) || isNear(abs(shorter - exact), halfWay)
        return isUnclear ? exact : shortest
    }

    /// The value of one unit in the last significant digit of a number such as `1.25e-07` or `46123530.0`.
    private static func placeValue(_ text: UnsafeBufferPointer<UInt8>) -> Double {
        var exponent = 0
        var mantissa = text[...]
        if let mark = text.firstIndex(of: 0x65) {
            exponent = Int(String(decoding: text[(mark + 1)...], as: UTF8.self)) ?? 0
            mantissa = text[..<mark]
        }
        guard let point = mantissa.firstIndex(of: 0x2E) else { return pow10(exponent) }
        let fraction = mantissa[(point + 1)...]
        if fraction.elementsEqual([0x30]) {
            let zeros = mantissa[..<point].reversed().prefix { $0 == 0x30 }.count
            return pow10(exponent + zeros)
        }
        return pow10(exponent - fraction.count)
    }

    private static func pow10(_ exponent: Int) -> Double {
        Double("1e\(exponent)") ?? 1
    }
}

extension String {
    /// Puts `replacement` in place of a scalar wherever it stands.
    ///
    /// For quoting, where `replacing(_:with:)` is not safe: it goes by `Character`, and a quotation mark with a combining
    /// mark after it is one other character, so it would stay as it is.
    package func replacingScalar(_ scalar: Unicode.Scalar, with replacement: String) -> String {
        guard unicodeScalars.contains(scalar) else { return self }
        var result = String.UnicodeScalarView()
        for found in unicodeScalars {
            if found == scalar { result.append(contentsOf: replacement.unicodeScalars) } else { result.append(found) }
        }
        return String(result)
    }
}

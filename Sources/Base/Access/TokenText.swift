package import Kernel

/// The form of API tokens: `weir_token_`, 43 random letters and digits (256 bits), and 6 that check them.
///
/// The prefix lets scanners of secrets find tokens, and the checksum lets them and the server tell a real one from a typo
/// without asking anybody: CRC-32 (ISO 3309, as zlib has it) of the 43, in base 62, as GitHub's tokens have it. As a
/// regular expression: `\bweir_token_[0-9A-Za-z]{49}\b`.
package enum TokenText {
    package static let prefix = "weir_token_"
    /// Of the earlier form: 43 characters of base64url, without a checksum. They stay valid.
    private static let earlierLength = 43
    private static let randomLength = 43
    private static let checkLength = 6
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// A new one.
    package static func make() -> Secret<String> {
        var generator = SystemRandomNumberGenerator()
        let random = (0..<randomLength).map { _ in digits[Int.random(in: 0..<digits.count, using: &generator)] }
        return Secret(prefix + String(decoding: random + checksum(of: random), as: UTF8.self))
    }

    /// How it begins: `weir_token_AbCd`, enough to tell it from others.
    package static func beginning(of token: Secret<String>) -> String {
        String(token.reveal().prefix(prefix.count + 4))
    }

    /// Whether it can be a token at all. Texts without the prefix may be: an operator's own.
    package static func isPlausible(_ text: String) -> Bool {
        guard text.hasPrefix(prefix) else { return true }
        let rest = Array(text.utf8.dropFirst(prefix.utf8.count))
        if rest.count == earlierLength { return true }
        guard rest.count == randomLength + checkLength else { return false }
        return checksum(of: Array(rest.prefix(randomLength))) == Array(rest.suffix(checkLength))
    }

    /// - Throws: `unauthenticated` for what was never a token.
    package static func check(_ text: String) throws {
        guard isPlausible(text) else {
            throw Problem(
                .unauthenticated, "This is not a token of Weirhouse (checksum).",
                hint: "Copy it whole: weir_token_ and 49 letters and digits.")
        }
    }

    /// The highest digit first, with leading zeros.
    private static func checksum(of bytes: [UInt8]) -> [UInt8] {
        var rest = Int(crc32(bytes))
        var text: [UInt8] = []
        for _ in 0..<checkLength {
            text.append(digits[rest % digits.count])
            rest /= digits.count
        }
        return text.reversed()
    }

    /// Bit by bit: tokens are short.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 1 ? (remainder >> 1) ^ 0xEDB8_8320 : remainder >> 1 }
        }
        return ~remainder
    }
}

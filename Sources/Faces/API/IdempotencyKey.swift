/// The key by which a request that is sent again is known (IETF draft "The Idempotency-Key HTTP Header Field", section 2).
enum IdempotencyKey {
    /// The key of a request: the header's, else the body's; nil if it has none.
    /// - Throws: `Refusal` (400) for one that is not 1 to 200 printable ASCII characters.
    static func of(header: String?, body: String?) throws -> String? {
        guard let key = try header.map(unquoted) ?? body else { return nil }
        guard (1...200).contains(key.utf8.count), key.utf8.allSatisfy(isPrintable) else { throw malformed }
        return key
    }

    /// The text that the header's value stands for. The draft asks for a String of RFC 8941 (section 3.3.3), which is in
    /// quotes; many clients send the bare text, and are understood too.
    private static func unquoted(_ value: String) throws -> String {
        guard value.hasPrefix("\"") else { return value }
        var text = ""
        var characters = value.dropFirst().makeIterator()
        while let character = characters.next() {
            switch character {
            case "\"":
                guard characters.next() == nil else { throw malformed }
                return text
            case "\\":
                guard let escaped = characters.next(), escaped == "\"" || escaped == "\\" else { throw malformed }
                text.append(escaped)
            default: text.append(character)
            }
        }
        throw malformed
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x20...0x7E).contains(byte) }

    private static var malformed: Refusal {
        .invalid(
            "The idempotency key must be 1 to 200 printable ASCII characters.",
            hint:
                "Send a text of your own in quotes, such as Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\".")
    }
}

package import Kernel

/// Somebody's mail address, with or without a name before it (RFC 5322, section 3.4).
package struct Mailbox: Sendable, Hashable, CustomStringConvertible {
    package let name: String?
    /// `local@domain`, ASCII.
    package let address: String

    /// - Parameter text: `weir@acme.example` or `Weirhouse <weir@acme.example>`.
    /// - Throws: `invalidInput` if the address does not have the syntax of RFC 5321, section 4.1.2, without quoted
    ///   local parts and address literals, or the name holds a control character.
    package init(_ text: String) throws(Problem) {
        let text = text.trimmed
        guard text.hasSuffix(">"), let open = text.lastIndex(of: "<") else {
            self = try Mailbox(name: nil, address: text)
            return
        }
        var name = String(text[..<open]).trimmed
        if name.count >= 2, name.hasPrefix("\""), name.hasSuffix("\"") { name = String(name.dropFirst().dropLast()) }
        let address = text[text.index(after: open)...].dropLast()
        self = try Mailbox(name: name.isEmpty ? nil : name, address: String(address))
    }

    /// - Throws: `invalidInput`, as the other initializer.
    package init(name: String?, address: String) throws(Problem) {
        guard let at = address.lastIndex(of: "@"), Self.isLocalPart(address[..<at]),
            Self.isDomain(address[address.index(after: at)...])
        else {
            throw Problem(
                .invalidInput, "'\(address.prefix(80))' is no mail address.",
                hint: "It has the form name@domain; a domain with other than ASCII letters is written as xn--….")
        }
        guard name?.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) != true else {
            throw Problem(.invalidInput, "The name of \(address) holds a control character.", hint: "Leave it out.")
        }
        self.name = name
        self.address = address
    }

    package var description: String { name.map { "\($0) <\(address)>" } ?? address }

    /// What stands after the `@`.
    package var domain: Substring { address[address.index(after: address.lastIndex(of: "@") ?? address.startIndex)...] }

    /// A dot-atom of at most 64 bytes.
    static func isLocalPart(_ text: Substring) -> Bool {
        let special = "!#$%&'*+-/=?^_`{|}~".utf8
        return (1...64).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
                !atom.isEmpty && atom.utf8.allSatisfy { isLetterOrDigit($0) || special.contains($0) }
            }
    }

    /// Labels of letters, digits and inner hyphens (RFC 1123, section 2.1).
    static func isDomain(_ text: Substring) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
            }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}

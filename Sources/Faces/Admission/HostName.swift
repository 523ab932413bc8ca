import Kernel

/// `host[:port]` as the header `Host` carries it (RFC 9110, section 7.2).
struct HostName: Sendable, Hashable {
    /// In lower case, without brackets and without the dot at the end of a whole name.
    let host: String
    let port: Int?

    /// Nil if it is none.
    init?(authority text: String) {
        guard text.utf8.count <= 300 else { return nil }
        let host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard IPAddress(String(host)) != nil, host.contains(":") else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
            guard !host.isEmpty, host.utf8.allSatisfy(Self.isOfName) else { return nil }
        }
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard rest.hasPrefix(":"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (1...65_535).contains(number)
            else { return nil }
            port = number
        }
        self.host = Self.bare(String(host))
    }

    /// Names that lead to this machine wherever they are asked from, so that no foreign page can be served under them.
    static func isOfThisMachine(_ host: String) -> Bool {
        host == "localhost" || (IPAddress(host)?.isLoopback ?? false)
    }

    var isOfThisMachine: Bool { Self.isOfThisMachine(host) }

    /// Without brackets, in lower case, without a last dot.
    static func bare(_ host: String) -> String {
        var host = host.lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return host.hasSuffix(".") ? String(host.dropLast()) : host
    }

    /// Letters, digits, hyphen, dot, underscore.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

import Glibc

/// An IPv4 or IPv6 address, without a port or zone.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16, in network order.
    package let bytes: [UInt8]

    /// - Parameter bytes: 4 or 16 of them; an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) becomes the IPv4 one.
    package init(bytes: [UInt8]) {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        self.bytes = bytes.count == 16 && bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
    }

    /// Dotted decimal or RFC 4291, section 2.2; nil for all else.
    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(bytes: withUnsafeBytes(of: four) { Array($0) })
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self.init(bytes: withUnsafeBytes(of: six) { Array($0) })
        } else {
            return nil
        }
    }

    /// What a socket address of the family AF_INET or AF_INET6 holds; nil for other families.
    package init?(family: Int32, socketAddress: UnsafeRawPointer) {
        switch family {
        case AF_INET:
            let address = socketAddress.loadUnaligned(as: sockaddr_in.self).sin_addr
            self.init(bytes: withUnsafeBytes(of: address) { Array($0) })
        case AF_INET6:
            let address = socketAddress.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            self.init(bytes: withUnsafeBytes(of: address) { Array($0) })
        default: return nil
        }
    }

    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        _ = bytes.withUnsafeBytes { inet_ntop(family, $0.baseAddress, &text, socklen_t(INET6_ADDRSTRLEN)) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The IPv4 address that packets to this IPv6 address end up at: NAT64 (RFC 6052, section 2.1) and 6to4
    /// (RFC 3056, section 2).
    package var embedded: IPAddress? {
        guard bytes.count == 16 else { return nil }
        if AddressRange.translated.contains(self) { return IPAddress(bytes: Array(bytes[12..<16])) }
        if AddressRange.sixToFour.contains(self) { return IPAddress(bytes: Array(bytes[2..<6])) }
        return nil
    }
}

extension IPAddress {
    /// Of this machine alone (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3).
    package var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    /// Stands for all addresses of this machine where a program listens: `0.0.0.0` and `::`.
    package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    /// What one household or machine is given: an IPv4 address, or the first 64 bits of an IPv6 address (RFC 6177).
    package var network: IPAddress {
        bytes.count == 4 ? self : IPAddress(bytes: Array(bytes.prefix(8)) + [UInt8](repeating: 0, count: 8))
    }
}

/// Addresses with the same first bits, in CIDR notation (RFC 4632, section 3.1).
package struct AddressRange: Sendable, Hashable {
    private let first: [UInt8]
    private let length: Int

    static let translated = AddressRange([0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 96)
    static let sixToFour = AddressRange([0x20, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 16)

    private init(_ first: [UInt8], _ length: Int) {
        self.first = first
        self.length = length
    }

    /// - Parameter text: `10.0.0.0/8`, or one address.
    /// - Throws: `invalidInput` if it is no range, or if bits after the prefix are set.
    package init(_ text: String) throws(Problem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let text = parts.first, let address = IPAddress(String(text)) else { throw Self.refusal(of: text) }
        let width = address.bytes.count * 8
        guard parts.count == 1 || (parts.count == 2 && parts[1].allSatisfy { ("0"..."9").contains($0) }),
            let length = parts.count == 1 ? width : Int(parts[1]), length <= width
        else { throw Self.refusal(of: String(text)) }
        self.init(address.bytes, length)
        guard first == Self.masked(first, length) else { throw Self.refusal(of: String(text)) }
    }

    /// - Parameter text: ranges with commas or blanks between.
    /// - Throws: `invalidInput` naming the part that is no range.
    package static func list(_ text: String) throws(Problem) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            ranges.append(try AddressRange(String(part)))
        }
        return ranges
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == first.count && Self.masked(address.bytes, length) == first
    }

    private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return byte & UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    private static func refusal(of text: String) -> Problem {
        Problem(
            .invalidInput, "'\(text.prefix(60))' is no range of addresses.",
            hint: "Ranges look like 10.1.0.0/16, 127.0.0.1 or fd00::/8, separated by commas.")
    }
}

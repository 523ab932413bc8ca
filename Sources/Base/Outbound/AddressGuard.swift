import Dispatch
import Glibc
package import Kernel

/// Which addresses Weirhouse may reach when somebody else has named the host: public ones, and what the operator allows.
///
/// A webhook to `localhost`, to the cloud's metadata service or to the neighbours of this machine would let whoever
/// typed it act from inside. Names say nothing about where they lead, so the address itself is checked, for each
/// connection at the moment it is made.
package struct AddressGuard: Sendable {
    private let allowed: [AddressRange]
    private let reachesMetadata: Bool

    /// Only public addresses.
    package static let publicOnly = AddressGuard(allowed: [])

    /// All but the metadata services of clouds: for a machine that serves only the person who sits at it.
    package static let allButMetadata = AddressGuard(allowed: ranges("0.0.0.0/0 ::/0"))

    /// Everything, the metadata service of this machine's cloud too: where the operator asks it for Weirhouse's own rights, and
    /// nobody else names an address.
    package static let everything = AddressGuard(allowed: ranges("0.0.0.0/0 ::/0"), reachesMetadata: true)

    private init(allowed: [AddressRange], reachesMetadata: Bool = false) {
        self.allowed = allowed
        self.reachesMetadata = reachesMetadata
    }

    /// - Parameter text: ranges that may be reached although they are private, such as `127.0.0.0/8, 10.1.0.0/16, ::1/128`.
    ///   It is the value of `WEIR_ALLOW_PRIVATE_ADDRESSES`.
    /// - Throws: `invalidInput` naming the part that is no range.
    package init(allowing text: String) throws(Problem) {
        self.init(allowed: try AddressRange.list(text))
    }

    /// Whether a connection to it may be made. An IPv6 address that leads to an IPv4 one is judged by both. The metadata
    /// service of a cloud, which hands out this machine's own rights, is never reached, whatever is allowed.
    package func allows(_ address: IPAddress) -> Bool {
        let all = [address] + (address.embedded.map { [$0] } ?? [])
        guard reachesMetadata || !Self.isMetadata(address) else { return false }
        if all.contains(where: { address in allowed.contains { $0.contains(address) } }) { return true }
        return all.allSatisfy { Self.isPublic($0) }
    }

    /// Looks the host up, to refuse it early, when a person types it. It does not make the check at the connection
    /// needless: the name may lead elsewhere by then.
    /// - Parameter host: a name or an address, in brackets or not.
    /// - Throws: `forbidden` if none of its addresses may be reached; `invalidInput` if it has none.
    package func check(host: String) async throws(Problem) { _ = try await addresses(of: host) }

    /// Those addresses of the host that may be reached, in the resolver's order. Whoever connects to one of them, and does
    /// not look the name up again, cannot be led elsewhere.
    /// - Parameter host: a name or an address, in brackets or not.
    /// - Throws: as `check(host:)`.
    package func addresses(of host: String) async throws(Problem) -> [IPAddress] {
        let found = await Self.lookUp(host)
        guard !found.isEmpty else {
            throw Problem(.invalidInput, "The host \(host) is not known.", hint: "Check how it is spelled.")
        }
        let allowed = found.filter { allows($0) }
        guard !allowed.isEmpty else {
            throw found.allSatisfy(Self.isMetadata) ? Self.metadataRefusal(of: host) : Self.refusal(of: host)
        }
        return allowed
    }

    private static func isMetadata(_ address: IPAddress) -> Bool {
        ([address] + (address.embedded.map { [$0] } ?? [])).contains { one in metadata.contains { $0.contains(one) } }
    }

    private static func metadataRefusal(of host: String) -> Problem {
        Problem(
            .forbidden, "The address of \(host) is a cloud's metadata service, which nothing here may reach.",
            hint: "Give the address of the system that is meant.")
    }

    /// Whether requests to `text` would be made, as `WebAddress` and `check(host:)` see it.
    /// - Throws: what they throw.
    package func check(url text: String) async throws(Problem) { try await check(host: WebAddress(text).host) }

    static func refusal(of host: String) -> Problem {
        Problem(
            .forbidden, "The address of \(host) is private, and requests to private addresses are not allowed.",
            hint: "If it is meant, whoever runs Weirhouse adds its range to WEIR_ALLOW_PRIVATE_ADDRESSES.")
    }

    /// By the system's resolver, on a thread of its own, for it blocks. Empty if the name is not known.
    private static func lookUp(_ host: String) async -> [IPAddress] {
        let name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        guard !name.isEmpty, !name.utf8.contains(0) else { return [] }
        return await withCheckedContinuation { continuation in
            DispatchQueue(label: "weirhouse.resolver").async { continuation.resume(returning: resolve(name)) }
        }
    }

    private static func resolve(_ name: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        // AI_IDN, which glibc shows to GNU programs only: names may have other than ASCII letters.
        hints.ai_flags = 0x40
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr.flatMap({
                IPAddress(family: entry.pointee.ai_family, socketAddress: $0)
            }) {
                found.append(address)
            }
            next = entry.pointee.ai_next
        }
        return found
    }
}

extension AddressGuard {
    private static func isPublic(_ address: IPAddress) -> Bool {
        if notPublic.contains(where: { $0.contains(address) }) { return false }
        return address.bytes.count == 4 || globalUnicast.contains { $0.contains(address) }
    }

    /// Amazon, Google, Microsoft, Oracle and others (169.254.169.254, fd00:ec2::254, Google: fd20:ce::254); Amazon's credentials of containers
    /// (169.254.170.2, .23, fd00:ec2::23), Alibaba (100.100.100.200), Azure's platform (168.63.129.16), Oracle's older one
    /// (192.0.0.192).
    private static let metadata = ranges(
        """
        169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192
        fd00:ec2::254 fd00:ec2::23 fd20:ce::254
        """)

    /// IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), multicast (RFC 5771), and the one service
    /// of a cloud that has a public address.
    private static let notPublic = ranges(
        """
        0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
        192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
        168.63.129.16/32
        2001::/23 2001:db8::/32 3fff::/20
        """)

    /// All other IPv6 addresses are of this machine, this link or this site, or nobody's (RFC 4291, section 2.4).
    /// Behind NAT64, 64:ff9b::/96 leads to public IPv4 addresses too.
    private static let globalUnicast = ranges("2000::/3 64:ff9b::/96")

    private static func ranges(_ text: String) -> [AddressRange] {
        text.split(whereSeparator: \.isWhitespace).compactMap { try? AddressRange(String($0)) }
    }
}

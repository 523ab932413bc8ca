import HTTPTypes
import Kernel

/// Finds out whom a request really comes from, where trusted proxies stand before the server.
///
/// What a proxy says of the connection that it has itself taken is believed; what that connection says of others is not.
/// So the list of addresses is read from its end: the first that is no trusted proxy's is the client.
struct Forwarding: Sendable {
    /// More than any real chain of proxies.
    private static let mostHops = 32

    let settings: NetworkSettings

    init(_ settings: NetworkSettings) { self.settings = settings }

    /// - Parameters:
    ///   - peer: the other end of the connection.
    ///   - authority: the header `Host`.
    func origin(peer: IPAddress?, authority: String, fields: HTTPFields) -> RequestOrigin {
        guard let peer, settings.isTrustedProxy(peer) else {
            return RequestOrigin(address: peer, isSecure: settings.tls != nil, authority: authority)
        }
        let hops =
            switch settings.forwardedHeaders {
            case .plain: Self.plainHops(fields)
            case .standard: Self.standardHops(fields)
            }
        let client = client(of: hops, before: peer)
        return RequestOrigin(
            address: client.address, isSecure: client.hop?.proto.map { $0 == "https" } ?? (settings.tls != nil),
            authority: client.hop?.host ?? authority)
    }

    /// What one proxy says of the connection that it took.
    struct Hop: Sendable, Equatable {
        /// Nil if it hides the address or names it otherwise.
        var address: IPAddress?
        var proto: String?
        var host: String?
    }

    private func client(of hops: [Hop], before peer: IPAddress) -> (address: IPAddress, hop: Hop?) {
        var client: (address: IPAddress, hop: Hop?) = (peer, nil)
        for hop in hops.reversed() {
            // A hop that hides where it comes from: the proxy that says so is the last that is known.
            guard let address = hop.address else { return (client.address, hop) }
            client = (address, hop)
            guard settings.isTrustedProxy(address) else { return client }
        }
        return client
    }

    // X-Forwarded-* -------------------------------------------------------------------------------------------------

    /// The nearest proxy's word on scheme and host stands for all: there is one of each, not one for each hop.
    static func plainHops(_ fields: HTTPFields) -> [Hop] {
        let proto = list("X-Forwarded-Proto", in: fields).last?.lowercased()
        let host = list("X-Forwarded-Host", in: fields).last
        let hops = list("X-Forwarded-For", in: fields).map { Hop(address: address($0), proto: proto, host: host) }
        guard hops.isEmpty, proto != nil || host != nil else { return hops }
        return [Hop(address: nil, proto: proto, host: host)]
    }

    private static func list(_ name: String, in fields: HTTPFields) -> [String] {
        guard let name = HTTPField.Name(name) else { return [] }
        let parts = fields[values: name].flatMap { $0.split(separator: ",") }
        return parts.suffix(mostHops).map { trimmed($0) }.filter { !$0.isEmpty }
    }

    // Forwarded (RFC 7239, section 4) -------------------------------------------------------------------------------

    static func standardHops(_ fields: HTTPFields) -> [Hop] {
        guard let name = HTTPField.Name("Forwarded") else { return [] }
        return fields[values: name].flatMap { split($0, at: ",") }.suffix(mostHops).map(hop)
    }

    private static func hop(_ element: String) -> Hop {
        var hop = Hop()
        for pair in split(element, at: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = unquoted(trimmed(parts[1]))
            switch trimmed(parts[0]).lowercased() {
            case "for": hop.address = address(value)
            case "proto": hop.proto = value.lowercased()
            case "host": hop.host = value
            default: continue
            }
        }
        return hop
    }

    /// Not at separators inside quotes.
    private static func split(_ text: String, at separator: Character) -> [String] {
        var parts: [String] = []
        var part = ""
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if character == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && character == "\\" && !isEscaped
            if character == separator, !isQuoted {
                parts.append(part)
                part = ""
            } else {
                part.append(character)
            }
        }
        return (parts + [part]).filter { !trimmed($0[...]).isEmpty }
    }

    private static func unquoted(_ text: String) -> String {
        guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
        return String(text.dropFirst().dropLast()).replacing("\\", with: "")
    }

    /// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; nil for `unknown` and names.
    private static func address(_ text: String) -> IPAddress? {
        if let address = IPAddress(text) { return address }
        return HostName(authority: text).flatMap { IPAddress($0.host) }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

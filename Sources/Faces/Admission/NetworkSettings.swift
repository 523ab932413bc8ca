import Foundation
package import Kernel

/// Where the server listens, whom it believes, and under which names it answers.
package struct NetworkSettings: Sendable {
    /// PEM files: the certificate with those that lead to an authority after it, and its key.
    package struct TLSFiles: Sendable, Hashable {
        package let certificate: String
        package let key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// In which headers the trusted proxies say whom they speak for. Only one kind is believed: the other one a proxy may
    /// pass on as somebody made it up.
    package enum ForwardedHeaders: String, Sendable {
        /// `X-Forwarded-For`, `-Proto` and `-Host`.
        case plain = "x-forwarded"
        /// `Forwarded` (RFC 7239).
        case standard = "forwarded"
    }

    package let listen: IPAddress
    package let tls: TLSFiles?
    package let trustedProxies: [AddressRange]
    package let forwardedHeaders: ForwardedHeaders
    /// Names that it answers to beside those of this machine, in lower case.
    package let hosts: Set<String>
    private let publicHost: String?

    /// - Parameters:
    ///   - value: of an environment variable.
    ///   - publicURL: where people reach the server.
    /// - Throws: `invalidInput` naming the variable that cannot be used.
    package static func read(publicURL: String?, _ value: (String) -> String?) throws(Problem) -> NetworkSettings {
        func given(_ name: String) -> String? { value(name).flatMap { $0.isEmpty ? nil : $0 } }
        let publicHost = publicURL.flatMap { URLComponents(string: $0)?.host?.lowercased() }
        let settings = NetworkSettings(
            listen: try listen(given("WEIR_LISTEN")),
            tls: try files(given("WEIR_TLS_CERTIFICATE"), given("WEIR_TLS_KEY")),
            trustedProxies: try proxies(given("WEIR_TRUSTED_PROXIES")),
            forwardedHeaders: try headers(given("WEIR_FORWARDED_HEADERS")),
            hosts: try hosts(given("WEIR_ALLOWED_HOSTS")).union(publicHost.map { [HostName.bare($0)] } ?? []),
            publicHost: publicHost.map { HostName.bare($0) })
        guard settings.listen.isLoopback || settings.tls != nil || !settings.trustedProxies.isEmpty else {
            throw Problem(
                .invalidInput,
                "WEIR_LISTEN is \(settings.listen), where passwords and data would cross the network unencrypted.",
                hint: "Set WEIR_TLS_CERTIFICATE and WEIR_TLS_KEY, or WEIR_TRUSTED_PROXIES if a proxy speaks TLS for it."
            )
        }
        return settings
    }

    /// Whether others than the people at this machine are served.
    package var isShared: Bool {
        !listen.isLoopback || !trustedProxies.isEmpty || (publicHost.map { !HostName.isOfThisMachine($0) } ?? false)
    }

    /// An address of this machine that the server listens at.
    package var localAddress: String {
        guard listen.isUnspecified else { return listen.description }
        return listen.bytes.count == 4 ? "127.0.0.1" : "::1"
    }

    /// How other programs of this machine call the server: by the name that its certificate is for, if it has one.
    package var localName: String {
        guard tls == nil else { return publicHost.map { $0.contains(":") ? "[\($0)]" : $0 } ?? "localhost" }
        return localAddress.contains(":") ? "[\(localAddress)]" : localAddress
    }

    /// Whether requests have to come through a trusted proxy: no other connection could be encrypted.
    package var isBehindProxy: Bool { tls == nil && !listen.isLoopback }

    package func isTrustedProxy(_ address: IPAddress) -> Bool { trustedProxies.contains { $0.contains(address) } }

    private static func listen(_ text: String?) throws(Problem) -> IPAddress {
        let text = text == "localhost" ? "127.0.0.1" : text ?? "127.0.0.1"
        guard let address = IPAddress(HostName.bare(text)) else {
            throw Problem(
                .invalidInput, "WEIR_LISTEN is '\(text.prefix(60))', which is no address.",
                hint: "Use 127.0.0.1, 0.0.0.0 or :: for all, or one address of this machine; the port is WEIR_PORT.")
        }
        return address
    }

    private static func files(_ certificate: String?, _ key: String?) throws(Problem) -> TLSFiles? {
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLSFiles(certificate: certificate, key: key)
        case (let certificate, _):
            throw Problem(
                .invalidInput, "\(certificate == nil ? "WEIR_TLS_CERTIFICATE" : "WEIR_TLS_KEY") is not set.",
                hint: "TLS needs both: the files of the certificate and of its key, in PEM.")
        }
    }

    private static func proxies(_ text: String?) throws(Problem) -> [AddressRange] {
        do {
            return try AddressRange.list(text ?? "")
        } catch {
            throw Problem(.invalidInput, "WEIR_TRUSTED_PROXIES: \(error.detail)", hint: error.hint)
        }
    }

    private static func headers(_ text: String?) throws(Problem) -> ForwardedHeaders {
        guard let headers = ForwardedHeaders(rawValue: text ?? "x-forwarded") else {
            throw Problem(
                .invalidInput, "WEIR_FORWARDED_HEADERS is '\(text?.prefix(40) ?? "")'.",
                hint: "Use x-forwarded for X-Forwarded-For, -Proto and -Host, or forwarded for RFC 7239.")
        }
        return headers
    }

    private static func hosts(_ text: String?) throws(Problem) -> Set<String> {
        var hosts: Set<String> = []
        for part in (text ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            guard let name = HostName(authority: String(part)), name.port == nil else {
                throw Problem(
                    .invalidInput, "WEIR_ALLOWED_HOSTS: '\(part.prefix(60))' is no name of a host.",
                    hint: "Write names without scheme and port, with commas between: weir.acme.example,10.1.2.3")
            }
            hosts.insert(name.host)
        }
        return hosts
    }
}

/// Where the request that is being answered comes from, as far as the server can vouch for it.
package struct RequestOrigin: Sendable, Hashable {
    /// Of the machine that asks: the other end of the connection, or whom a trusted proxy names. Nil if it is not known.
    package let address: IPAddress?
    /// Whether the browser or program speaks TLS, with this server or with a trusted proxy.
    package let isSecure: Bool
    /// `host` or `host:port` that the request was sent to: one that this server answers to.
    package let authority: String
    /// As the program that asks calls itself (`User-Agent`).
    package var program: String?

    /// What is kept of `program` with a session: some are longer than anybody reads.
    package var browser: String? {
        program.map { String(String.UnicodeScalarView($0.unicodeScalars.prefix(200))) }
    }

    package init(address: IPAddress?, isSecure: Bool, authority: String, program: String? = nil) {
        self.address = address
        self.isSecure = isSecure
        self.authority = authority
        self.program = program
    }

    /// Of the request that this task answers; nil where none is answered. The server sets it before any route; audit and
    /// throttling read it. Bodies that go on, such as a stream of events, are written after it has gone: read it before.
    @TaskLocal package static var current: RequestOrigin?

    /// `https://weir.acme.example`, as browsers send it in `Origin` (RFC 6454, section 6.2).
    package var text: String { "\(isSecure ? "https" : "http")://\(authority)" }
}

/// The cause of a problem that is over by itself.
package struct RetryAfter: Error, Sendable, Hashable {
    /// At least 1.
    package let seconds: Int

    package init(seconds: Int) { self.seconds = max(1, seconds) }
}

import HTTPTypes
import Kernel
import Testing

@testable import Admission

@Suite("Whom a request comes from")
struct ForwardingTests {
    private func origin(
        peer: String, _ fields: [(String, String)], proxies: String = "10.0.0.0/8, ::1",
        headers: String = "x-forwarded"
    ) throws -> RequestOrigin {
        let environment = ["WEIR_TRUSTED_PROXIES": proxies, "WEIR_FORWARDED_HEADERS": headers]
        let settings = try NetworkSettings.read(publicURL: nil) { environment[$0] }
        var all: HTTPFields = [:]
        for (name, value) in fields {
            all.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return Forwarding(settings).origin(peer: IPAddress(peer), authority: "weir.test", fields: all)
    }

    private static let spoofed = [
        ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.test"),
        ("Forwarded", "for=1.2.3.4;proto=https;host=evil.test"), ("X-Real-IP", "1.2.3.4"),
    ]

    @Test("whoever is no trusted proxy is believed nothing", arguments: ["x-forwarded", "forwarded"])
    func strangers(headers: String) throws {
        let found = try origin(peer: "203.0.113.9", Self.spoofed, headers: headers)
        #expect(found == RequestOrigin(address: IPAddress("203.0.113.9"), isSecure: false, authority: "weir.test"))
    }

    @Test(
        "the right-most address that is no proxy's is the client",
        arguments: [
            (["203.0.113.9"], "203.0.113.9"),
            (["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            (["1.2.3.4", "203.0.113.9, 10.1.1.1"], "203.0.113.9"),
            (["1.2.3.4, 203.0.113.9,10.1.1.1 , 10.2.2.2"], "203.0.113.9"),
            (["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
            (["203.0.113.9:4711"], "203.0.113.9"),
            (["[2001:db8::9]:4711"], "2001:db8::9"),
            (["2001:db8::9"], "2001:db8::9"),
            (["::ffff:203.0.113.9"], "203.0.113.9"),
            (["1.2.3.4, nonsense"], "10.0.0.1"),
            (["1.2.3.4, unknown, 10.1.1.1"], "10.1.1.1"),
            ([""], "10.0.0.1"),
            ([], "10.0.0.1"),
        ])
    func rightMost(lines: [String], client: String) throws {
        let found = try origin(peer: "10.0.0.1", lines.map { ("X-Forwarded-For", $0) })
        #expect(found.address == IPAddress(client))
    }

    @Test("of scheme and host the nearest proxy's word counts")
    func schemeAndHost() throws {
        let found = try origin(
            peer: "10.0.0.1",
            [
                ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "http, https"),
                ("X-Forwarded-Host", "evil.test, weir.acme.example"),
            ])
        #expect(found.isSecure && found.authority == "weir.acme.example")
        let plain = try origin(peer: "10.0.0.1", [("X-Forwarded-For", "203.0.113.9")])
        #expect(!plain.isSecure && plain.authority == "weir.test")
        let onlyScheme = try origin(peer: "10.0.0.1", [("X-Forwarded-Proto", "https")])
        #expect(onlyScheme == RequestOrigin(address: IPAddress("10.0.0.1"), isSecure: true, authority: "weir.test"))
    }

    @Test(
        "Forwarded is read with quotes, brackets and ports",
        arguments: [
            ("for=203.0.113.9;proto=https;host=weir.acme.example", "203.0.113.9", true, "weir.acme.example"),
            ("For=\"[2001:db8::9]:4711\";Proto=HTTPS", "2001:db8::9", true, "weir.test"),
            ("for=1.2.3.4;host=evil.test, for=203.0.113.9;proto=https", "203.0.113.9", true, "weir.test"),
            ("for=1.2.3.4, for=203.0.113.9;proto=https, for=10.1.1.1;proto=http", "203.0.113.9", true, "weir.test"),
            ("for=1.2.3.4, for=unknown;proto=https", "10.0.0.1", true, "weir.test"),
            ("for=1.2.3.4, for=_hidden", "10.0.0.1", false, "weir.test"),
            ("for=203.0.113.9;host=\"a,b;c\"", "203.0.113.9", false, "a,b;c"),
            ("", "10.0.0.1", false, "weir.test"),
        ])
    func standard(value: String, client: String, isSecure: Bool, authority: String) throws {
        let found = try origin(peer: "10.0.0.1", [("Forwarded", value)], headers: "forwarded")
        #expect(found == RequestOrigin(address: IPAddress(client), isSecure: isSecure, authority: authority))
    }

    @Test("a proxy that passes the other kind of header on as it came changes nothing")
    func onlyOneKind() throws {
        let plain = try origin(peer: "10.0.0.1", [("Forwarded", "for=1.2.3.4;proto=https")])
        #expect(plain.address == IPAddress("10.0.0.1") && !plain.isSecure)
        let standard = try origin(
            peer: "10.0.0.1", [("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=203.0.113.9")], headers: "forwarded")
        #expect(standard.address == IPAddress("203.0.113.9"))
    }

    @Test("a list without end costs no more than a short one")
    func longList() throws {
        let many = Array(repeating: "10.1.1.1", count: 100_000).joined(separator: ",")
        #expect(
            try origin(peer: "10.0.0.1", [("X-Forwarded-For", "203.0.113.9,\(many)")]).address?.description
                == "10.1.1.1")
    }
}

@Suite("The network's settings")
struct NetworkSettingsTests {
    private func read(_ environment: [String: String], publicURL: String? = nil) throws -> NetworkSettings {
        try NetworkSettings.read(publicURL: publicURL) { environment[$0] }
    }

    @Test("without any, the server is this machine's own")
    func defaults() throws {
        let settings = try read([:])
        #expect(settings.listen == IPAddress("127.0.0.1"))
        #expect(!settings.isShared && !settings.isBehindProxy && settings.tls == nil)
    }

    @Test("others can reach it only over TLS or a proxy", arguments: ["0.0.0.0", "::", "192.0.2.1", "[2001:db8::1]"])
    func clearText(listen: String) throws {
        let problem = #expect(throws: Problem.self) { try read(["WEIR_LISTEN": listen]) }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.description.contains("\n") == false)
        let behind = try read(["WEIR_LISTEN": listen, "WEIR_TRUSTED_PROXIES": "192.0.2.0/24"])
        #expect(behind.isShared && behind.isBehindProxy)
        let secure = try read(["WEIR_LISTEN": listen, "WEIR_TLS_CERTIFICATE": "c.pem", "WEIR_TLS_KEY": "k.pem"])
        #expect(secure.isShared && !secure.isBehindProxy)
    }

    @Test("a proxy or a public name on this machine serves others too")
    func shared() throws {
        #expect(try read(["WEIR_TRUSTED_PROXIES": "127.0.0.1"]).isShared)
        #expect(try read([:], publicURL: "https://weir.acme.example").isShared)
        #expect(try !read([:], publicURL: "http://localhost:8080").isShared)
    }

    @Test(
        "what cannot be used is said with the variable's name",
        arguments: [
            ["WEIR_LISTEN": "weir.acme.example"], ["WEIR_LISTEN": "127.0.0.1:80"],
            ["WEIR_TLS_CERTIFICATE": "c.pem"], ["WEIR_TLS_KEY": "k.pem"], ["WEIR_TRUSTED_PROXIES": "proxy"],
            ["WEIR_TRUSTED_PROXIES": "10.0.0.0/33"], ["WEIR_FORWARDED_HEADERS": "both"],
            ["WEIR_ALLOWED_HOSTS": "https://weir.acme.example"], ["WEIR_ALLOWED_HOSTS": "a:80"],
        ])
    func refused(environment: [String: String]) {
        let problem = #expect(throws: Problem.self) { try read(environment) }
        #expect(problem?.code == .invalidInput)
        let name = environment.keys.first ?? ""
        #expect(problem?.detail.contains(name.prefix(8)) == true)
    }

    @Test("names are taken from the public address and the list, without case and dots")
    func hosts() throws {
        let settings = try read(
            ["WEIR_ALLOWED_HOSTS": "Data.ACME.example., 192.0.2.7"], publicURL: "https://WEIR.acme.example/x")
        #expect(settings.hosts == ["weir.acme.example", "data.acme.example", "192.0.2.7"])
    }
}

@Suite("The name in Host")
struct HostNameTests {
    @Test(
        "is read with and without port, case and brackets",
        arguments: [
            ("Weir.Acme.example", "weir.acme.example", nil), ("weir.test:8080", "weir.test", 8080),
            ("weir.test.", "weir.test", nil), ("127.0.0.1:1", "127.0.0.1", 1), ("[::1]:65535", "::1", 65_535),
        ] as [(String, String, Int?)])
    func names(text: String, host: String, port: Int?) throws {
        let name = try #require(HostName(authority: text))
        #expect(name.host == host && name.port == port)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", ":80", "a:", "a:0", "a:65536", "a:b", "a:80:80", "::1", "[::1", "[1.2.3.4]", "[::1]x", "a b", "a/b",
            "user@a", "a\\b", "a,b", "a%00", "ä.test", "<a>", "a\"b", String(repeating: "a", count: 301),
        ])
    func others(text: String) { #expect(HostName(authority: text) == nil) }
}

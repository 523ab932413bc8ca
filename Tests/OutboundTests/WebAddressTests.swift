import Kernel
import Outbound
import Testing

@Suite("The address of a web service")
struct WebAddressTests {
    @Test(
        "is http or https, with a host and without a user",
        arguments: [
            "file:///etc/passwd", "gopher://127.0.0.1:25/_HELO", "ftp://host/file", "dict://host:11211/stats",
            "ldap://host/",
            "javascript:alert(1)", "https://user:secret@host/", "https://user@host/", "https://:secret@host/",
            "example.com/hook",
            "", "https://", "https://host:99999/", "https://ho st/", "https://host/\r\nX: y",
            "https://host/\0",
            "http://[::1", "//host/path", "https://host\u{7}/",
        ])
    func refused(_ text: String) {
        let problem = #expect(throws: Problem.self, "\(text)") { try WebAddress(text) }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.description.contains("secret") == false)
    }

    @Test(
        "is read as libcurl reads it",
        arguments: [
            ("http://127.1/x", "127.0.0.1", "http://127.0.0.1"),
            ("http://0x7f000001:81/x", "127.0.0.1", "http://127.0.0.1:81"),
            ("http://2130706433", "127.0.0.1", "http://127.0.0.1"),
            ("http://017700000001/", "127.0.0.1", "http://127.0.0.1"),
            ("https://[::ffff:127.0.0.1]:443/", "[::ffff:127.0.0.1]", "https://[::ffff:127.0.0.1]"),
            ("https://Example.COM:8443/Hook?token=geheim#part", "Example.COM", "https://Example.COM:8443"),
            ("http://host:443", "host", "http://host:443"),
        ])
    func read(_ text: String, host: String, printed: String) throws {
        let address = try WebAddress(text)
        #expect(address.host == host)
        // Neither path nor query: they may hold a token.
        #expect("\(address)" == printed)
    }

    @Test("keeps every character of the path, encodes what is no ASCII, and drops the fragment")
    func kept() throws {
        let address = try WebAddress("https://host/a/../b/./%2e%2F/ü?x=ö&y#z")
        #expect(address.text == "https://host/a/../b/./%2e%2F/%c3%bc?x=%c3%b6&y")
    }
}

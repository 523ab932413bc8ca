import Kernel
import Outbound
import Testing

@Suite("The guard of addresses")
struct AddressGuardTests {
    @Test(
        "lets no request reach private, local, reserved or metadata addresses",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1",
            "127.255.0.9",
            "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
            "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1", "255.255.255.255",
            "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::8.8.8.8",
            "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:2::1",
            "2001:db8::1", "2002:7f00:1::", "2002:c0a8:101::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
            "fe80::1",
            "fec0::1", "ff02::1", "4000::1",
        ])
    func refused(_ text: String) throws {
        #expect(!AddressGuard.publicOnly.allows(try #require(IPAddress(text))))
    }

    @Test(
        "lets requests reach public addresses, also those on the border of a private range",
        arguments: [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
            "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
            "2001:200::1", "2606:4700:4700::1111", "2a00:1450::1", "3ffe::1",
        ])
    func allowed(_ text: String) throws {
        #expect(AddressGuard.publicOnly.allows(try #require(IPAddress(text))))
    }

    @Test("allows what the operator's list holds, in every form that leads there, and nothing beside it")
    func allowList() throws {
        let addressGuard = try AddressGuard(allowing: " 127.0.0.0/8, 10.1.0.0/16,::1/128  192.168.7.7 ")
        for text in [
            "127.0.0.1", "127.9.9.9", "10.1.255.1", "::1", "192.168.7.7", "::ffff:127.0.0.1", "2002:a01:203::1",
        ] {
            #expect(addressGuard.allows(try #require(IPAddress(text))), "\(text)")
        }
        for text in ["10.2.0.1", "10.0.255.255", "192.168.7.8", "::2", "169.254.169.254", "2002:a02:203::1"] {
            #expect(!addressGuard.allows(try #require(IPAddress(text))), "\(text)")
        }
    }

    @Test("a list of 0 bits allows all of its family")
    func everything() throws {
        let addressGuard = try AddressGuard(allowing: "0.0.0.0/0")
        #expect(addressGuard.allows(try #require(IPAddress("10.0.0.1"))))
        #expect(!addressGuard.allows(try #require(IPAddress("::1"))))
    }

    @Test(
        "a list that cannot be read is refused, naming the part",
        arguments: [
            "10.0.0.0/33", "10.0.0.1/8", "localhost", "::1/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0/8",
            "fe80::1/10", "10.0.0.0/+8",
        ])
    func badList(_ text: String) {
        let problem = #expect(throws: Problem.self) { try AddressGuard(allowing: "127.0.0.1, \(text)") }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.detail.contains(text.prefix { $0 != "/" }) == true)
    }

    @Test(
        "refuses a host when it is typed, whatever form it is written in",
        arguments: [
            "localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::1]", "::ffff:127.0.0.1",
            "169.254.1.1", "0.0.0.0", "100.64.0.1",
        ])
    func typed(_ host: String) async {
        let problem = await #expect(throws: Problem.self) { try await AddressGuard.publicOnly.check(host: host) }
        #expect(problem?.code == .forbidden)
        #expect(problem?.detail.contains(host) == true)
        #expect(problem?.hint?.contains("WEIR_ALLOW_PRIVATE_ADDRESSES") == true)
    }

    private static let metadata = [
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    ]

    @Test("metadata services are never reached, whatever is allowed", arguments: metadata)
    func metadataServices(_ text: String) async throws {
        let all = try AddressGuard(allowing: "0.0.0.0/0, ::/0, 169.254.169.254, fd00:ec2::/32")
        for one in [AddressGuard.publicOnly, .allButMetadata, all] {
            #expect(!one.allows(try #require(IPAddress(text))))
            let problem = await #expect(throws: Problem.self) { try await one.check(host: text) }
            #expect(problem?.code == .forbidden)
        }
    }

    @Test("all but metadata services may be the sources of a laptop")
    func laptop() async throws {
        for text in ["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "8.8.8.8", "169.254.1.1"] {
            #expect(AddressGuard.allButMetadata.allows(try #require(IPAddress(text))))
        }
        #expect(try await AddressGuard.allButMetadata.addresses(of: "127.1").map(\.description) == ["127.0.0.1"])
        let problem = await #expect(throws: Problem.self) {
            try await AddressGuard.allButMetadata.check(host: "2852039166")
        }
        #expect(problem?.detail.contains("metadata service") == true)
    }

    @Test("says when a host is not known")
    func unknown() async {
        for host in ["no-such-host.invalid", "", "a\0b"] {
            let problem = await #expect(throws: Problem.self) { try await AddressGuard.publicOnly.check(host: host) }
            #expect(problem?.code == .invalidInput)
        }
    }

    @Test("lets a host pass that the operator allows")
    func typedAllowed() async throws {
        try await AddressGuard(allowing: "127.0.0.0/8, ::1").check(host: "localhost")
        try await AddressGuard(allowing: "127.0.0.0/8").check(url: "http://127.1:8080/hook")
    }
}

import HTTPTypes
import Kernel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import Testing

@testable import Admission

@Suite("The watch on a connection")
struct RequestWatchTests {
    /// One connection, its clock moved by tests.
    private final class Connection {
        let channel: EmbeddedChannel

        init() throws {
            var limits = RequestLimits()
            limits.body = 100
            channel = EmbeddedChannel(handler: RequestWatch(limits))
            try channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        }

        func ask(_ path: String = "/", length: String? = nil, chunks: [Int] = [], whole: Bool = true) throws {
            var head = HTTPRequest(method: .post, scheme: "http", authority: "weir.test", path: path)
            head.headerFields[.contentLength] = length
            try channel.writeInbound(HTTPRequestPart.head(head))
            for size in chunks { try chunk(size) }
            if whole { try channel.writeInbound(HTTPRequestPart.end(nil)) }
        }

        func chunk(_ size: Int) throws {
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(repeating: 0x61, count: size)))
        }

        func begin() throws { try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok))) }

        func answer() throws {
            try begin()
            try channel.writeOutbound(HTTPResponsePart.end(nil))
        }

        func pass(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

        var isOpen: Bool { channel.isActive }
    }

    @Test("lets requests of every form pass as they are")
    func passes() throws {
        let connection = try Connection()
        try connection.ask("/a", length: "100", chunks: [60, 40])
        try connection.answer()
        try connection.ask("/b", chunks: [100])
        try connection.answer()
        #expect(try connection.channel.application() == ["/a", "60", "40", "end", "/b", "100", "end"])
        #expect(try connection.channel.client().statuses == [200, 200])
        #expect(connection.isOpen)
    }

    @Test("a body that is announced as too large is refused before it comes")
    func announced() throws {
        let connection = try Connection()
        try connection.ask("/api/v1/query", length: "101", chunks: [101])
        #expect(try connection.channel.application() == [])
        let answer = try connection.channel.client()
        #expect(answer.statuses == [413])
        #expect(answer.fields[.contentType] == "application/problem+json")
        #expect(answer.fields[.connection] == "close")
        #expect(answer.body.contains("\"status\":413"))
        connection.pass(.seconds(2))
        #expect(!connection.isOpen)
    }

    @Test("a body that turns out too large is cut off there, and nothing the application says comes after it")
    func counted() throws {
        let connection = try Connection()
        try connection.ask(chunks: [60, 40], whole: false)
        try connection.chunk(1)
        try connection.chunk(1000)
        #expect(try connection.channel.application() == ["/", "60", "40"])
        #expect(throws: (any Error).self) { try connection.answer() }
        let answer = try connection.channel.client()
        #expect(answer.statuses == [413] && answer.body == "The body is larger than what is taken.\n")
        connection.pass(.seconds(2))
        #expect(!connection.isOpen)
    }

    @Test("an answer that has begun is not followed by another")
    func begun() throws {
        let connection = try Connection()
        try connection.ask(chunks: [60], whole: false)
        try connection.begin()
        try connection.chunk(60)
        #expect(try connection.channel.client().statuses == [200])
        #expect(!connection.isOpen)
    }

    @Test("headers that are too large are 431, other nonsense is 400", arguments: [true, false])
    func headers(isOverflow: Bool) throws {
        let connection = try Connection()
        connection.channel.pipeline.fireErrorCaught(isOverflow ? HTTPParserError.headerOverflow : .invalidHeaderToken)
        #expect(try connection.channel.client().statuses == [isOverflow ? 431 : 400])
        connection.pass(.seconds(2))
        #expect(!connection.isOpen)
    }

    @Test("a header that does not come ends the connection after ten seconds")
    func slowHeader() throws {
        let connection = try Connection()
        connection.pass(.seconds(9))
        #expect(connection.isOpen)
        connection.pass(.seconds(1))
        #expect(!connection.isOpen)
    }

    @Test("a body that drips is refused after a minute, however steadily")
    func slowBody() throws {
        let connection = try Connection()
        try connection.ask(whole: false)
        for _ in 0..<59 {
            connection.pass(.seconds(1))
            try connection.chunk(1)
        }
        #expect(connection.isOpen)
        connection.pass(.seconds(1))
        #expect(try connection.channel.client().statuses == [408])
        connection.pass(.seconds(2))
        #expect(!connection.isOpen)
    }

    @Test("a connection rests for a minute between requests, and as long as an answer takes")
    func idle() throws {
        let connection = try Connection()
        connection.pass(.seconds(5))
        try connection.ask()
        connection.pass(.hours(5))
        #expect(connection.isOpen)
        try connection.answer()
        connection.pass(.seconds(59))
        try connection.ask()
        try connection.answer()
        connection.pass(.seconds(59))
        #expect(connection.isOpen)
        connection.pass(.seconds(1))
        #expect(!connection.isOpen)
    }

    @Test("an answer before the end of the request gives no more time for the rest")
    func early() throws {
        let connection = try Connection()
        try connection.ask(whole: false)
        try connection.answer()
        connection.pass(.seconds(60))
        connection.pass(.seconds(2))
        #expect(try connection.channel.client().statuses == [200])
        #expect(!connection.isOpen)
    }
}

@Suite("The number of connections")
struct ConnectionCountTests {
    private func settings(_ proxies: String = "10.0.0.0/8") throws -> NetworkSettings {
        try NetworkSettings.read(publicURL: nil) { $0 == "WEIR_TRUSTED_PROXIES" ? proxies : nil }
    }

    @Test("one network cannot take all; proxies and this machine may")
    func perNetwork() throws {
        let count = ConnectionCount(try settings(), most: 10, mostPerNetwork: 2)
        #expect(count.enter(IPAddress("203.0.113.1")) && count.enter(IPAddress("203.0.113.1")))
        #expect(!count.enter(IPAddress("203.0.113.1")))
        #expect(count.enter(IPAddress("2001:db8::1")) && count.enter(IPAddress("2001:db8::2")))
        #expect(!count.enter(IPAddress("2001:db8::3")))
        for _ in 0..<3 { #expect(count.enter(IPAddress("10.0.0.1")) && count.enter(IPAddress("127.0.0.1"))) }
        #expect(!count.enter(IPAddress("10.0.0.1")), "that would be the eleventh")
        count.leave(IPAddress("203.0.113.1"))
        #expect(count.enter(IPAddress("203.0.113.1")))
    }
}

import HTTPTypes
import Kernel
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Synchronization
import Testing

@testable import Admission

@Suite("Answers at once")
struct AtOnceTests {
    /// A connection whose requests to `/ready` are answered at once.
    private final class Connection {
        let channel: EmbeddedChannel
        private let seen = Asked()

        /// Who was said to ask.
        private final class Asked: Sendable {
            let ends = Mutex<[ConnectionEnds]>([])
        }

        init() throws {
            var limits = RequestLimits()
            limits.idle = .seconds(60)
            let answer: AtOnce = { [seen] head, ends in
                seen.ends.withLock { $0.append(ends) }
                guard head.path == "/ready" else { return nil }
                return AtOnceAnswer(fields: [.contentType: "text/plain"], body: ByteBuffer(string: "here"))
            }
            channel = EmbeddedChannel(handlers: [RequestWatch(limits), AtOnceHandler(answer, date: ResponseDate())])
            try channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        }

        var asked: [ConnectionEnds] { seen.ends.withLock { $0 } }

        func ask(
            _ path: String = "/ready", _ method: HTTPRequest.Method = .get, _ fields: HTTPFields = [:],
            body: String? = nil
        ) throws {
            let head = HTTPRequest(
                method: method, scheme: "http", authority: "weir.test", path: path, headerFields: fields)
            try channel.writeInbound(HTTPRequestPart.head(head))
            if let body { try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: body))) }
            try channel.writeInbound(HTTPRequestPart.end(nil))
        }

        /// What the routes answer.
        func answer() throws {
            try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .accepted)))
            try channel.writeOutbound(HTTPResponsePart.end(nil))
        }
    }

    @Test("a ready one is given without the routes, whole, with length and date")
    func ready() throws {
        let connection = try Connection()
        try connection.ask()
        try connection.ask()
        #expect(try connection.channel.application() == [])
        let client = try connection.channel.client()
        #expect(client.statuses == [200, 200])
        #expect(client.body == "herehere" && client.ends == 2)
        #expect(client.fields[.contentType] == "text/plain")
        #expect(client.fields[.contentLength] == "4")
        #expect(client.fields[.date]?.hasSuffix(" GMT") == true)
        #expect(connection.asked.map(\.peer) == [IPAddress("192.0.2.1"), IPAddress("192.0.2.1")])
    }

    @Test("what is not ready goes to the routes as it came")
    func others() throws {
        let connection = try Connection()
        try connection.ask("/other")
        #expect(try connection.channel.application() == ["/other", "end"])
        try connection.answer()
        #expect(try connection.channel.client().statuses == [202])
        // Nor is anything but a plain GET asked for.
        let plain = connection.asked.count
        try connection.ask("/ready", .post, body: "a")
        #expect(try connection.channel.application() == ["/ready", "1", "end"])
        try connection.answer()
        try connection.ask("/ready", .get, body: "a")
        #expect(try connection.channel.application() == ["/ready", "1", "end"])
        try connection.answer()
        try connection.ask("/ready", .head)
        #expect(try connection.channel.application() == ["/ready", "end"])
        try connection.answer()
        try connection.ask("/ready", .get, [.connection: "Upgrade"])
        #expect(try connection.channel.application() == ["/ready", "end"])
        #expect(connection.asked.count == plain)
    }

    @Test("whoever wants no more than one answer gets it, and the connection ends")
    func last() throws {
        let connection = try Connection()
        try connection.ask("/ready", .get, [.connection: "keep-alive"])
        #expect(connection.channel.isActive)
        try connection.ask("/ready", .get, [.connection: "Close"])
        let client = try connection.channel.client()
        #expect(client.body == "herehere" && client.ends == 2)
        #expect(try connection.channel.application() == [])
        connection.channel.embeddedEventLoop.run()
        #expect(!connection.channel.isActive)
    }

    @Test("answers keep the order of their requests")
    func order() throws {
        let connection = try Connection()
        try connection.ask("/other")
        try connection.ask()
        #expect(try connection.channel.application() == ["/other", "end", "/ready", "end"])
        try connection.answer()
        try connection.ask()
        #expect(try connection.channel.client().statuses == [202])
        try connection.answer()
        try connection.answer()
        #expect(try connection.channel.client().statuses == [202, 202])
        try connection.ask()
        #expect(try connection.channel.client().statuses == [200])
    }

    @Test("whoever does not read is left to the routes, which wait")
    func unread() throws {
        let connection = try Connection()
        connection.channel.isWritable = false
        try connection.ask()
        #expect(try connection.channel.application() == ["/ready", "end"])
        #expect(connection.asked.isEmpty)
        connection.channel.isWritable = true
        try connection.answer()
        try connection.ask()
        #expect(try connection.channel.client().statuses == [202, 200])
    }

    @Test("of many that arrive together some are answered at once; the others go to the routes, in order")
    func together() throws {
        let connection = try Connection()
        // Before the end of one read.
        for _ in 0..<20 {
            connection.channel.pipeline.fireChannelRead(HTTPRequestPart.head(Self.plain))
            connection.channel.pipeline.fireChannelRead(HTTPRequestPart.end(nil))
        }
        #expect(try connection.channel.client().statuses == Array(repeating: 200, count: 16))
        #expect(try connection.channel.application() == Array(repeating: ["/ready", "end"], count: 4).flatMap { $0 })
        for _ in 0..<4 { try connection.answer() }
        connection.channel.pipeline.fireChannelReadComplete()
        try connection.ask()
        #expect(try connection.channel.client().statuses == [202, 202, 202, 202, 200])
    }

    private static let plain = HTTPRequest(method: .get, scheme: "http", authority: "weir.test", path: "/ready")

    @Test("a body that is announced goes to the routes before it comes")
    func announced() throws {
        let connection = try Connection()
        for fields: HTTPFields in [[.contentLength: "1"], [.transferEncoding: "chunked"]] {
            var head = Self.plain
            head.headerFields = fields
            try connection.channel.writeInbound(HTTPRequestPart.head(head))
            #expect(try connection.channel.application() == ["/ready"])
            try connection.channel.writeInbound(HTTPRequestPart.end(nil))
            #expect(try connection.channel.application() == ["end"])
            try connection.answer()
        }
        try connection.ask("/ready", .get, [.contentLength: "0"])
        #expect(try connection.channel.client().statuses == [202, 202, 200])
    }

    @Test("it counts as an answer to the watch: the connection may rest, for so long")
    func watched() throws {
        let connection = try Connection()
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        try connection.ask()
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(connection.channel.isActive)
        try connection.ask()
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(61))
        #expect(!connection.channel.isActive)
        #expect(try connection.channel.client().statuses == [200, 200])
    }

    @Test(
        "dates are written as HTTP does",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ])
    func dates(seconds: Int, text: String) {
        #expect(ResponseDate.text(of: seconds) == text)
    }
}

package import HTTPTypes
package import Kernel
package import NIOCore
import NIOHTTPTypes

/// Answers a request with 200 from memory, at once, on the thread that many connections share; nil leaves it to the
/// routes. The fields lack `Content-Length` and `Date`.
package typealias AtOnce = @Sendable (_ head: HTTPRequest, _ ends: ConnectionEnds) -> AtOnceAnswer?

package struct AtOnceAnswer: Sendable {
    let fields: HTTPFields
    let body: ByteBuffer

    package init(fields: HTTPFields, body: ByteBuffer) {
        self.fields = fields
        self.body = body
    }
}

/// The two ends of a connection, as far as they are known.
package struct ConnectionEnds: Sendable {
    package let peer: IPAddress?
    package let local: IPAddress?

    package init(peer: IPAddress?, local: IPAddress?) {
        self.peer = peer
        self.local = local
    }
}

/// Sits on each connection before the routes: what can be answered without waiting is answered on the connection's own
/// event loop. The way to the routes and back is two changes of thread, which takes longer than such an answer.
///
/// It takes only a GET without a body, only once all earlier ones of the connection are answered, only some of those that
/// arrive together, and only while the client takes what it is sent. Whoever asks on and on is slowed down by the routes.
final class AtOnceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Of those that arrive together, so that other connections of the event loop have their turn.
    private static let mostTogether = 16

    private let answer: AtOnce
    private let date: ResponseDate
    /// A request whose end is not here yet, and whether it is the connection's last.
    private var held: (head: HTTPRequest, isLast: Bool)?
    /// Requests that the routes have got and not answered.
    private var owed = 0
    private var givenTogether = 0
    private var ends: ConnectionEnds?

    init(_ answer: @escaping AtOnce, date: ResponseDate) {
        self.answer = answer
        self.date = date
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if owed == 0, givenTogether < Self.mostTogether, head.method == .get, !Self.announcesBody(head),
                let isLast = Self.isLast(head)
            {
                held = (head, isLast)
            } else {
                owed += 1
                context.fireChannelRead(data)
            }
        case .body:
            release(context)
            context.fireChannelRead(data)
        case .end:
            if let (head, isLast) = held, context.channel.isWritable, let answer = answer(head, ends(of: context)) {
                held = nil
                givenTogether += 1
                give(answer, isLast: isLast, context)
            } else {
                release(context)
                context.fireChannelRead(data)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        givenTogether = 0
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { owed -= 1 }
        context.write(data, promise: promise)
    }

    private func release(_ context: ChannelHandlerContext) {
        guard let head = held?.head else { return }
        held = nil
        owed += 1
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    private static func announcesBody(_ head: HTTPRequest) -> Bool {
        head.headerFields.contains(.transferEncoding) || head.headerFields[.contentLength] ?? "0" != "0"
    }

    /// Whether the client wants no more than this answer (RFC 9112, section 9.6); nil if it asks for something else.
    private static func isLast(_ head: HTTPRequest) -> Bool? {
        switch head.headerFields[.connection]?.lowercased() {
        case nil, "keep-alive": false
        case "close": true
        default: nil
        }
    }

    private func give(_ answer: AtOnceAnswer, isLast: Bool, _ context: ChannelHandlerContext) {
        var head = HTTPResponse(status: .ok, headerFields: answer.fields)
        head.headerFields.append(HTTPField(name: .contentLength, value: String(answer.body.readableBytes)))
        head.headerFields.append(HTTPField(name: .date, value: date.text))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(answer.body)), promise: nil)
        guard isLast else { return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
        let written = context.eventLoop.makePromise(of: Void.self)
        // As the routes do: the client has read it all once it closes its own half, and `RequestWatch` does not wait for ever.
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    private func ends(of context: ChannelHandlerContext) -> ConnectionEnds {
        if let ends { return ends }
        let ends = ConnectionEnds(peer: context.channel.remoteAddress?.ip, local: context.channel.localAddress?.ip)
        self.ends = ends
        return ends
    }
}

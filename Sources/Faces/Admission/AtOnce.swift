import Glibc
package import HTTPTypes
package import Kernel
package import NIOCore
import NIOHTTPTypes
import Synchronization

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
/// It takes only a GET without a body, only once all earlier ones of the connection are answered, and only while the
/// client takes what it is sent: whoever asks on without reading is slowed down by the routes.
final class AtOnceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let answer: AtOnce
    private let date: ResponseDate
    /// A request whose end is not here yet, and whether it is the connection's last.
    private var held: (head: HTTPRequest, isLast: Bool)?
    /// The last answer is given: what still comes is thrown away.
    private var isOver = false
    /// Requests that the routes have got and not answered.
    private var owed = 0
    private var ends: ConnectionEnds?

    init(_ answer: @escaping AtOnce, date: ResponseDate) {
        self.answer = answer
        self.date = date
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOver { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if owed == 0, head.method == .get, let isLast = Self.isLast(head) {
                held = (head, isLast)
            } else {
                owed += 1
                context.fireChannelRead(data)
            }
        case .body:
            release(context)
            context.fireChannelRead(data)
        case .end:
            if let held, context.channel.isWritable, let answer = answer(held.head, ends(of: context)) {
                self.held = nil
                write(answer, isLast: held.isLast, context)
            } else {
                release(context)
                context.fireChannelRead(data)
            }
        }
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

    /// Whether the client wants no more than this answer (RFC 9112, section 9.6); nil if it asks for something else.
    private static func isLast(_ head: HTTPRequest) -> Bool? {
        switch head.headerFields[.connection]?.lowercased() {
        case nil, "keep-alive": false
        case "close": true
        default: nil
        }
    }

    private func write(_ answer: AtOnceAnswer, isLast: Bool, _ context: ChannelHandlerContext) {
        var head = HTTPResponse(status: .ok, headerFields: answer.fields)
        head.headerFields.append(HTTPField(name: .contentLength, value: String(answer.body.readableBytes)))
        head.headerFields.append(HTTPField(name: .date, value: date.text))
        if isLast { head.headerFields.append(HTTPField(name: .connection, value: "close")) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(answer.body)), promise: nil)
        guard isLast else { return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
        isOver = true
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    private func ends(of context: ChannelHandlerContext) -> ConnectionEnds {
        if let ends { return ends }
        let ends = ConnectionEnds(peer: context.channel.remoteAddress?.ip, local: context.channel.localAddress?.ip)
        self.ends = ends
        return ends
    }
}

/// The time as `Date` carries it (RFC 9110, section 5.6.7), written once a second.
final class ResponseDate: Sendable {
    private let written = Mutex<(second: Int, text: String)>((0, ""))

    var text: String {
        let now = time(nil)
        return written.withLock { written in
            if written.second != now { written = (now, Self.text(of: now)) }
            return written.text
        }
    }

    /// - Parameter seconds: since 1970.
    static func text(of seconds: Int) -> String {
        var seconds = time_t(seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        let month = months[Int(parts.tm_mon)]
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(month) \(parts.tm_year + 1900) \(time) GMT"
    }

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

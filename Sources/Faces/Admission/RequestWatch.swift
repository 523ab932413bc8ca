import HTTPTypes
package import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Sits on each connection: requests have to arrive in time and stay within their size, and answers have to be taken.
///
/// A client that sends one byte a second, or reads none, holds a connection and a task; there are only so many of both.
final class RequestWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// Nothing of a request is here yet, or a part of its header.
        case waiting
        case body(path: String?, bytes: Int)
        /// The request is complete; the application answers.
        case answering
        /// It was refused: what still comes is thrown away until the client has had time to read why.
        case refused
    }

    private let limits: RequestLimits
    private var state = State.waiting
    /// Requests that the application has got and not answered.
    private var owed = 0
    private var hasBegunAnswer = false
    private var deadline: NIODeadline?
    private var timer: (task: Scheduled<Void>, at: NIODeadline)?
    private var stalled: Scheduled<Void>?

    init(_ limits: RequestLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) { wait(limits.header, context) }

    func handlerRemoved(context: ChannelHandlerContext) { cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .refused = state { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            let declared = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
            guard declared <= limits.body else { return refuse(.bodyTooLarge, head.path, context) }
            owed += 1
            state = .body(path: head.path, bytes: 0)
            wait(limits.request, context)
        case .body(let piece):
            if case .body(let path, let bytes) = state {
                guard bytes + piece.readableBytes <= limits.body else { return refuse(.bodyTooLarge, path, context) }
                state = .body(path: path, bytes: bytes + piece.readableBytes)
            }
        case .end:
            state = .answering
            deadline = nil
            // The answer may have been given before the whole request was here.
            if owed == 0 { rest(context) }
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if case .refused = state { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .refused = state {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head: hasBegunAnswer = true
        case .body: break
        case .end:
            hasBegunAnswer = false
            owed -= 1
            if owed == 0, case .answering = state { rest(context) }
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalled?.cancel()
        stalled = nil
        if !context.channel.isWritable {
            stalled = context.eventLoop.assumeIsolated().scheduleTask(in: limits.answer) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .refused = state { return }
        guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        refuse(error == .headerOverflow ? .headersTooLarge : .badRequest, nil, context)
    }

    // MARK: -

    /// The next request may take its time to begin, but not for ever.
    private func rest(_ context: ChannelHandlerContext) {
        state = .waiting
        wait(limits.idle, context)
    }

    private func refuse(_ answer: EdgeAnswer, _ path: String?, _ context: ChannelHandlerContext) {
        // An answer that has begun, or one to an earlier request, cannot be followed by this one.
        let isOwn = if case .body = state { owed == 1 } else { owed == 0 }
        state = .refused
        guard isOwn, !hasBegunAnswer else { return context.close(promise: nil) }
        var (head, body) = answer.parts(path: path)
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // Closed at once, the client would lose the answer to the reset that its unread bytes bring about.
        wait(limits.lingering, context)
        context.read()
    }

    private func late(_ context: ChannelHandlerContext) {
        if case .body(let path, _) = state { return refuse(.tooSlow, path, context) }
        context.close(promise: nil)
    }

    /// One timer follows the deadline, however often that is moved.
    private func wait(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        let moved = context.eventLoop.now + time
        deadline = moved
        if let timer, timer.at <= moved { return }
        timer?.task.cancel()
        schedule(moved, context)
    }

    private func schedule(_ time: NIODeadline, _ context: ChannelHandlerContext) {
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [self] in
            timer = nil
            guard let deadline else { return }
            if deadline > context.eventLoop.now { schedule(deadline, context) } else { late(context) }
        }
        timer = (task, time)
    }

    private func cancel() {
        timer?.task.cancel()
        stalled?.cancel()
        deadline = nil
    }
}

/// How large requests may be, and how slow.
package struct RequestLimits: Sendable {
    /// From the connection to the end of the first header; a TLS handshake is a part of it.
    package var header: TimeAmount = .seconds(10)
    /// From the end of a header to the end of its body.
    package var request: TimeAmount = .seconds(60)
    /// From an answer to the end of the next header.
    package var idle: TimeAmount = .seconds(60)
    /// How long a client may take no byte of an answer.
    package var answer: TimeAmount = .seconds(60)
    /// How long a refused client may go on sending.
    package var lingering: TimeAmount = .seconds(2)
    /// Bytes of a body. Routes may take less.
    package var body = 2 * 1024 * 1024
    /// Bytes of an address or of one header.
    package var field = 16 * 1024
    /// Bytes of all headers together.
    package var fields = 32 * 1024
    package var fieldCount = 100

    package init() {}
}

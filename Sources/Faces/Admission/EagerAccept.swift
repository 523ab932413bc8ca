package import NIOCore

/// Takes connections off the system's queue as they come, not ten at a time.
///
/// Behind the server's socket stands an asynchronous sequence that stops taking in connections once ten wait for its reader
/// (swift-nio, `NIOAsyncChannel.Configuration.backPressureStrategy`). The reader is one task among those of all
/// connections: on a busy server it comes to its turn once per round, and of 1,000 that arrive together the last waits for
/// 100 rounds. How many may be open at once is `ConnectionCount`'s to say.
package final class EagerAccept: ChannelInboundHandler {
    package typealias InboundIn = any Channel
    package typealias InboundOut = any Channel

    /// To the server's own channel, in front of all that could hold back.
    /// - Throws: what the channel throws if it is closed.
    package static func add(to server: any Channel) async throws {
        // Where the system has no file left for another connection, both wait for a second.
        try await server.eventLoop.submit {
            try server.pipeline.syncOperations.addHandlers([AcceptBackoffHandler(), EagerAccept()], position: .first)
        }.get()
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        context.read()
    }
}

package import HummingbirdCore
package import Kernel
import Logging
import NIOCore
import NIOSSL

/// The way from the network to the routes: a limited number of connections, TLS, requests of limited size that arrive in
/// time. `Reception` is the rest of it.
package struct Admission: Sendable {
    package let settings: NetworkSettings
    package let certificate: TLSCertificate?
    private let limits: RequestLimits
    private let connections: ConnectionCount
    private let atOnce: AtOnce?

    /// - Parameter atOnce: asked before the routes; nil for none.
    /// - Throws: as `TLSCertificate`.
    package init(
        _ settings: NetworkSettings, limits: RequestLimits = RequestLimits(), connections: ConnectionCount? = nil,
        atOnce: AtOnce? = nil
    ) throws(Problem) {
        self.settings = settings
        self.limits = limits
        self.atOnce = atOnce
        self.connections = connections ?? ConnectionCount(settings)
        if let files = settings.tls { certificate = try TLSCertificate(files) } else { certificate = nil }
    }

    /// For `Application(router:server:)`.
    package var server: HTTPServerBuilder {
        let date = ResponseDate()
        return HTTPServerBuilder { [limits, atOnce] responder in
            let configuration = HTTP1Channel.Configuration(
                additionalChannelHandlers: Self.handlers(limits, atOnce, date),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.field, maxHeaderListSize: limits.fields,
                    maxHeaderFieldCount: limits.fieldCount))
            return ServerConnection(
                base: HTTP1Channel(responder: responder, configuration: configuration), certificate: certificate,
                connections: connections)
        }
    }

    private static func handlers(
        _ limits: RequestLimits, _ atOnce: AtOnce?, _ date: ResponseDate
    ) -> [any RemovableChannelHandler] {
        let watch = RequestWatch(limits)
        return if let atOnce { [watch, AtOnceHandler(atOnce, date: date)] } else { [watch] }
    }
}

/// One connection of the server, from its first byte.
struct ServerConnection: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let certificate: TLSCertificate?
    let connections: ConnectionCount

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let address = channel.remoteAddress?.ip
        guard connections.enter(address) else {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(TooManyConnections())
        }
        channel.closeFuture.whenComplete { [connections] _ in connections.leave(address) }
        guard let certificate else { return base.setup(channel: channel, logger: logger) }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

private struct TooManyConnections: Error {}

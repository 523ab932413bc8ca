import Admission
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import NIOCore
import Telemetry

/// A request as the server sees it, with the address that it comes from.
struct ServerContext: ConnectedContext {
    var coreContext: CoreRequestContextStorage
    /// Nil if the connection has none any more.
    let peer: SocketAddress?
    let local: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress
        local = source.channel.localAddress
    }
}

/// `GET /metrics`, for Prometheus. With a token it asks for that; without one it answers only programs of this machine.
struct MetricsRoute: Sendable {
    let token: Secret<String>?
    let reader: ScrapeReader
    let network: NetworkSettings

    func add(to router: Router<ServerContext>) {
        router.get("/metrics") { request, context in
            if let refusal = refusal(of: request, from: context.peer) { return refusal }
            return Response(
                status: .ok, headers: [.contentType: Exposition.contentType, .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: await reader.text())))
        }
    }

    private func refusal(of request: Request, from peer: SocketAddress?) -> Response? {
        if let token {
            let given = request.headers[.authorization] ?? ""
            guard !Self.isSame("Bearer \(token.reveal())", given) else { return nil }
            var response = Self.words(.unauthorized, "Send the header Authorization: Bearer and WEIR_METRICS_TOKEN.")
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
        guard isLocal(request, peer?.ip) else {
            return Self.words(.forbidden, "Set WEIR_METRICS_TOKEN to read the metrics from another machine.")
        }
        return nil
    }

    /// Takes the same time wherever they differ: digests of one length are compared to their end.
    private static func isSame(_ wanted: String, _ given: String) -> Bool {
        SHA256.hash(data: Data(wanted.utf8)) == SHA256.hash(data: Data(given.utf8))
    }

    /// A request that a proxy on this machine passes on comes from somewhere else (RFC 7239 and its forerunner).
    private func isLocal(_ request: Request, _ peer: IPAddress?) -> Bool {
        guard let peer, peer.isLoopback, !network.isTrustedProxy(peer) else { return false }
        return !["Forwarded", "X-Forwarded-For"].contains { name in
            HTTPField.Name(name).map { request.headers[$0] != nil } ?? false
        }
    }

    private static func words(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "\(text)\n")))
    }
}

import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import NIOCore
import Telemetry

/// A request as the server sees it, with the address that it comes from.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Nil if the connection has none any more.
    let peer: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress
    }
}

/// `GET /metrics`, for Prometheus. With a token it asks for that; without one it answers only programs of this machine.
struct MetricsRoute: Sendable {
    let token: Secret<String>?
    let reader: ScrapeReader

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
        guard Self.isLocal(request, peer) else {
            return Self.words(.forbidden, "Set WEIR_METRICS_TOKEN to read the metrics from another machine.")
        }
        return nil
    }

    /// Takes the same time wherever they differ: digests of one length are compared to their end.
    private static func isSame(_ wanted: String, _ given: String) -> Bool {
        SHA256.hash(data: Data(wanted.utf8)) == SHA256.hash(data: Data(given.utf8))
    }

    /// A request that a proxy on this machine passes on comes from somewhere else (RFC 7239 and its forerunner).
    private static func isLocal(_ request: Request, _ peer: SocketAddress?) -> Bool {
        let isPassedOn = ["Forwarded", "X-Forwarded-For"].contains { name in
            HTTPField.Name(name).map { request.headers[$0] != nil } ?? false
        }
        let address = peer?.ipAddress ?? ""
        return !isPassedOn && (address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127."))
    }

    private static func words(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "\(text)\n")))
    }
}

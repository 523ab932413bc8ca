import Glibc
import HTTPTypes
package import Hummingbird
package import Kernel
package import NIOCore
import Synchronization

/// A request's context that knows both ends of its connection.
package protocol ConnectedContext: RequestContext {
    var peer: SocketAddress? { get }
    var local: SocketAddress? { get }
}

/// Stands before all routes: says where a request comes from (`RequestOrigin.current`), refuses those for other names or
/// past the proxy, and gives every answer the headers that keep browsers strict.
///
/// The name in `Host` has to be ours. A page of another site whose name suddenly leads to this machine (DNS rebinding)
/// would be of one origin with our answers; it can make up everything but that name.
package struct Reception<Context: ConnectedContext>: RouterMiddleware {
    private let forwarding: Forwarding
    private let settings: NetworkSettings
    private let names = KnownNames()

    package init(_ settings: NetworkSettings) {
        self.settings = settings
        forwarding = Forwarding(settings)
    }

    package func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let origin: RequestOrigin
        let name: HostName
        do {
            (origin, name) = try receive(request, context)
        } catch {
            return error.response(path: request.uri.path)
        }
        return try await RequestOrigin.$current.withValue(origin) {
            var response: Response
            do {
                response = try await next(request, context)
            } catch let error as any HTTPResponseError {
                response = try error.response(from: request, context: context)
            }
            BrowserHeaders.complete(&response, isSecure: origin.isSecure, host: name.host)
            return response
        }
    }

    private func receive(_ request: Request, _ context: Context) throws(EdgeAnswer) -> (RequestOrigin, HostName) {
        let peer = context.peer?.ip
        if settings.isBehindProxy, let peer, !peer.isLoopback, !settings.isTrustedProxy(peer) {
            throw .notThroughProxy
        }
        // The first Host is the authority; another one would be among the headers.
        guard let authority = request.head.authority, !request.headers.contains(otherHosts) else { throw .noHost }
        var origin = forwarding.origin(peer: peer, authority: authority, fields: request.headers)
        origin.program = request.headers[.userAgent]
        guard let name = names.name(origin.authority) else { throw .noHost }
        guard answers(to: name, context) else { throw .otherHost }
        return (origin, name)
    }

    /// To the names it was given, those of this machine, and the address that the connection came to: foreign pages cannot
    /// be served under an address.
    private func answers(to name: HostName, _ context: Context) -> Bool {
        if name.isOfThisMachine || settings.hosts.contains(name.host) { return true }
        return IPAddress(name.host).map { $0 == context.local?.ip } ?? false
    }
}

/// What `Host` was read as, of the names that were heard last: they are few, unless somebody makes them up.
private final class KnownNames: Sendable {
    private static let most = 64
    private let known = Mutex<[String: HostName]>([:])

    func name(_ authority: String) -> HostName? {
        if let name = known.withLock({ $0[authority] }) { return name }
        guard let name = HostName(authority: authority) else { return nil }
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known[authority] = name
        }
        return name
    }
}

private let otherHosts = HTTPField.Name("Host") ?? .from

extension SocketAddress {
    /// Nil for unix sockets.
    package var ip: IPAddress? {
        withSockAddr { address, _ in
            IPAddress(family: Int32(address.pointee.sa_family), socketAddress: UnsafeRawPointer(address))
        }
    }
}

enum IPAddressText {
    static func isNone(_ host: String) -> Bool { IPAddress(host) == nil }
}

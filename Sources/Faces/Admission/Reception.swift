import Glibc
package import HTTPTypes
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
    private let doorway: Doorway

    package init(_ doorway: Doorway) { self.doorway = doorway }

    package func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let arrival: Doorway.Arrival
        do {
            let ends = ConnectionEnds(peer: context.peer?.ip, local: context.local?.ip)
            arrival = try doorway.receive(request.head, ends)
        } catch {
            return error.response(path: request.uri.path)
        }
        return try await RequestOrigin.$current.withValue(arrival.origin) {
            var response: Response
            do {
                response = try await next(request, context)
            } catch let error as any HTTPResponseError {
                response = try error.response(from: request, context: context)
            }
            doorway.complete(&response.headers, of: arrival)
            return response
        }
    }
}

/// Says where a request comes from, whether it is let in at all, and what its answer tells browsers.
package struct Doorway: Sendable {
    /// A request that is let in.
    package struct Arrival: Sendable {
        package let origin: RequestOrigin
        fileprivate let name: HostName
    }

    private let forwarding: Forwarding
    private let settings: NetworkSettings
    private let names = KnownNames()

    package init(_ settings: NetworkSettings) {
        self.settings = settings
        forwarding = Forwarding(settings)
    }

    /// Nil if the request gets to no route.
    package func arrival(of head: HTTPRequest, _ ends: ConnectionEnds) -> Arrival? { try? receive(head, ends) }

    func receive(_ head: HTTPRequest, _ ends: ConnectionEnds) throws(EdgeAnswer) -> Arrival {
        if settings.isBehindProxy, let peer = ends.peer, !peer.isLoopback, !settings.isTrustedProxy(peer) {
            throw .notThroughProxy
        }
        // The first Host is the authority; another one would be among the headers.
        guard let authority = head.authority, !head.headerFields.contains(otherHosts) else { throw .noHost }
        var origin = forwarding.origin(peer: ends.peer, authority: authority, fields: head.headerFields)
        origin.program = head.headerFields[.userAgent]
        guard let name = names.name(origin.authority) else { throw .noHost }
        guard answers(to: name, at: ends.local) else { throw .otherHost }
        return Arrival(origin: origin, name: name)
    }

    /// Adds what browsers are told and `fields` do not say yet.
    package func complete(_ fields: inout HTTPFields, of arrival: Arrival) {
        BrowserHeaders.complete(&fields, isSecure: arrival.origin.isSecure, host: arrival.name.host)
    }

    /// To the names it was given, those of this machine, and the address that the connection came to: foreign pages cannot
    /// be served under an address.
    private func answers(to name: HostName, at local: IPAddress?) -> Bool {
        if name.isOfThisMachine || settings.hosts.contains(name.host) { return true }
        return IPAddress(name.host).map { $0 == local } ?? false
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

import Access
import HTTPTypes
import Hummingbird
import Kernel

/// Says for the audit, and for lists of sessions, where a request came from: as `Reception`, which stands before it, can vouch for.
struct OriginMiddleware<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let origin = ClientOrigin(
            address: RequestOrigin.current?.address.map { "\($0)" }, userAgent: request.headers[.userAgent])
        return try await ClientOrigin.$current.withValue(origin) { try await next(request, context) }
    }
}

import Foundation
import HTTPTypes
import Hummingbird
import Kernel

/// Stands around every request: gives it its trace, and tells of it when its answer begins.
///
/// A `traceparent` that comes with the request is gone on with (W3C Trace Context, section 4). `X-Correlation-Id` of the
/// answer is the trace's id. An answer that goes on, such as a stream of events, is told of when it begins.
struct RequestTelemetry<Context: RequestContext>: RouterMiddleware {
    let time: TimeSource
    /// Of this server's connections.
    let scheme: String
    let observe: Observe

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let caller = HTTPField.Name("traceparent").flatMap { request.headers[$0] }.flatMap {
            TraceContext(traceparent: $0)
        }
        let trace = caller?.child() ?? .begin(time.makeUUID())
        let began = Date()
        let started = ContinuousClock.now
        return try await TraceContext.$current.withValue(trace) {
            do {
                var response = try await next(request, context)
                if let name = HTTPField.Name("X-Correlation-Id"), response.headers[name] == nil {
                    response.headers[name] = trace.correlation
                }
                tell(Served(request, context.endpointPath, response.status, began, started, caller?.span), trace)
                return response
            } catch {
                let status = (error as? any HTTPResponseError)?.status ?? .internalServerError
                tell(Served(request, context.endpointPath, status, began, started, caller?.span), trace)
                throw error
            }
        }
    }

    private func tell(_ served: Served, _ trace: TraceContext) {
        observe(
            .requestServed(
                method: served.method, route: served.route, status: served.status, seconds: served.seconds))
        if let span = served.span(trace, scheme: scheme) { observe(.spanEnded(span)) }
    }
}

/// A request whose answer has begun.
private struct Served {
    let method: String
    let route: String
    let status: Int
    let began: Date
    let seconds: Double
    let parent: UInt64?

    init(
        _ request: Request, _ route: String?, _ status: HTTPResponse.Status, _ began: Date,
        _ started: ContinuousClock.Instant, _ parent: UInt64?
    ) {
        // Anybody can make up methods and paths: they must not become labels.
        method = Self.methods.contains(request.method) ? request.method.rawValue : "OTHER"
        self.route = route ?? "none"
        self.status = status.code
        self.began = began
        seconds = (ContinuousClock.now - started) / .seconds(1)
        self.parent = parent
    }

    /// By the semantic conventions for HTTP. Nil for what machines ask every few seconds.
    func span(_ trace: TraceContext, scheme: String) -> Span? {
        guard route != "/metrics", !route.hasPrefix("/health/") else { return nil }
        var attributes = [
            "http.request.method": method, "http.route": route, "http.response.status_code": String(status),
            "url.scheme": scheme,
        ]
        if status >= 500 { attributes["error.type"] = String(status) }
        return Span(
            name: "\(method) \(route)", role: .server, context: trace, parent: parent, began: began,
            ended: began.addingTimeInterval(seconds), attributes: attributes, problem: nil)
    }

    private static let methods: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .patch, .delete, .options, .connect, .trace,
    ]
}

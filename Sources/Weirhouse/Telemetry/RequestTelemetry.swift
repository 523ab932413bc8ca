import Foundation
import HTTPTypes
import Hummingbird
import Kernel

/// Stands around every request: gives it its trace, and tells of it when its answer begins.
///
/// A `traceparent` that comes with the request is gone on with (W3C Trace Context, section 4). `X-Correlation-Id` of the
/// answer is the trace's id. An answer that goes on, such as a stream of events, is told of when it begins.
struct RequestTelemetry<Context: RequestContext>: RouterMiddleware {
    let log: RequestLog

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let begun = log.begin(request.head)
        return try await TraceContext.$current.withValue(begun.trace) {
            do {
                var response = try await next(request, context)
                log.end(begun, context.endpointPath, response.status, &response.headers)
                return response
            } catch {
                let status = (error as? any HTTPResponseError)?.status ?? .internalServerError
                log.end(begun, context.endpointPath, status)
                throw error
            }
        }
    }
}

/// Gives requests their traces, and tells of their answers.
struct RequestLog: Sendable {
    /// A request that is being answered.
    struct Begun: Sendable {
        fileprivate let method: HTTPRequest.Method
        let trace: TraceContext
        /// The span of whoever asks.
        fileprivate let parent: UInt64?
        fileprivate let started: ContinuousClock.Instant
    }

    let time: TimeSource
    /// Of this server's connections; nil if spans go nowhere.
    let spanScheme: String?
    let observe: Observe
    private let ids = TraceIDs()

    init(time: TimeSource, spanScheme: String?, observe: @escaping Observe) {
        self.time = time
        self.spanScheme = spanScheme
        self.observe = observe
    }

    func begin(_ head: HTTPRequest, at started: ContinuousClock.Instant = .now) -> Begun {
        let caller = head.headerFields[.traceparent].flatMap { TraceContext(traceparent: $0) }
        return Begun(
            method: head.method, trace: caller?.child() ?? ids.begin(), parent: caller?.span, started: started)
    }

    /// - Parameter fields: of the answer; they get the correlation id.
    func end(_ begun: Begun, _ route: String?, _ status: HTTPResponse.Status, _ fields: inout HTTPFields) {
        if !fields.contains(.correlation) {
            fields.append(HTTPField(name: .correlation, value: begun.trace.correlation))
        }
        end(begun, route, status)
    }

    func end(_ begun: Begun, _ route: String?, _ status: HTTPResponse.Status) {
        let served = Served(begun, route, status)
        observe(
            .requestServed(
                method: served.method, route: served.route, status: served.status, seconds: served.seconds))
        guard let spanScheme, let span = served.span(begun.trace, scheme: spanScheme, ended: time.now()) else { return }
        observe(.spanEnded(span))
    }
}

extension HTTPField.Name {
    fileprivate static let traceparent = Self("traceparent") ?? .from
    fileprivate static let correlation = Self("X-Correlation-Id") ?? .from
}

/// A request whose answer has begun.
private struct Served {
    let method: String
    let route: String
    let status: Int
    let seconds: Double
    let parent: UInt64?

    init(_ begun: RequestLog.Begun, _ route: String?, _ status: HTTPResponse.Status) {
        // Anybody can make up methods and paths: they must not become labels.
        method = Self.methods.contains(begun.method) ? begun.method.rawValue : "OTHER"
        self.route = route ?? "none"
        self.status = status.code
        seconds = (ContinuousClock.now - begun.started) / .seconds(1)
        parent = begun.parent
    }

    /// By the semantic conventions for HTTP. Nil for what machines ask every few seconds.
    func span(_ trace: TraceContext, scheme: String, ended: Date) -> Span? {
        guard route != "/metrics", !route.hasPrefix("/health/") else { return nil }
        var attributes = [
            "http.request.method": method, "http.route": route, "http.response.status_code": String(status),
            "url.scheme": scheme,
        ]
        if status >= 500 { attributes["error.type"] = String(status) }
        return Span(
            name: "\(method) \(route)", role: .server, context: trace, parent: parent,
            began: ended.addingTimeInterval(-seconds), ended: ended, attributes: attributes, problem: nil)
    }

    private static let methods: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .patch, .delete, .options, .connect, .trace,
    ]
}

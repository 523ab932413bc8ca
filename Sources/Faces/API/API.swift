import Foundation
import HTTPTypes
package import Hummingbird
package import Kernel
import Logging
import NIOCore
import Roles
package import Wire

/// The JSON face: routes under `/api/v1` and `/health`, over `Operations`. `Endpoint.all` holds every route next to
/// its words in the OpenAPI document.
package struct API: Sendable {
    let operations: any Operations
    let time: TimeSource
    let observe: Observe
    let heartbeats: Heartbeats
    let attempts: AttemptLimits
    /// Nil keeps nothing.
    let ready: ReadyAnswers<ReadyJSON>?

    /// - Parameters:
    ///   - attempts: of tokens, counted together with the console's sign-ins.
    ///   - changes: those that `operations` make and hear of; without them no answer is kept for the next who asks.
    ///   - observe: told of each answer that is an unexpected error or a fault of ours (status 500 and above);
    ///     nil writes them to the log.
    package init(
        operations: any Operations, attempts: AttemptLimits = AttemptLimits(), time: TimeSource = .system,
        changes: ChangeCounts? = nil, observe: Observe? = nil
    ) {
        self.init(
            operations: operations, attempts: attempts, time: time, changes: changes, observe: observe,
            heartbeats: .every(.seconds(15)))
    }

    init(
        operations: any Operations, attempts: AttemptLimits = AttemptLimits(), time: TimeSource,
        changes: ChangeCounts? = nil, freshness: Duration = .seconds(1), observe: Observe?, heartbeats: Heartbeats
    ) {
        ready = changes.map { ReadyAnswers($0, freshness: freshness) { $0.body.readableBytes } }
        self.attempts = attempts
        self.operations = operations
        self.time = time
        self.observe = observe ?? Self.log
        self.heartbeats = heartbeats
    }

    /// Adds the routes, and before them a gate that answers what no route does: unknown paths under `/api` (404) and
    /// wrong methods (405). Call it before routes and middleware of other faces are added; paths outside `/api` and
    /// `/health` pass the gate untouched.
    package func addRoutes<Context: RequestContext>(to router: Router<Context>) {
        router.add(middleware: Gate<Context>(api: self))
        for endpoint in Endpoint.all {
            for path in [endpoint.path] + endpoint.shadowed { addRoute(endpoint, at: path, to: router) }
        }
        DirectoryRoutes(api: self).add(to: router)
    }

    private func addRoute<Context: RequestContext>(
        _ endpoint: Endpoint, at path: String, to router: Router<Context>
    ) {
        let route = RouterPath(path)
        router.on(route, method: endpoint.method) { request, context in
            await respond(to: request, by: endpoint, at: path, parameters: context.parameters)
        }
        guard endpoint.answersHead else { return }
        router.on(route, method: .head) { request, context in
            await respond(to: request, by: endpoint, at: path, parameters: context.parameters).createHeadResponse()
        }
    }

    private func respond(
        to request: Request, by endpoint: Endpoint, at route: String, parameters: Parameters
    ) async -> Response {
        let correlation = makeCorrelation()
        do {
            var response = try await answer(request, endpoint, route, parameters, correlation)
            response.headers[.correlation] = correlation
            return response
        } catch {
            return refuse(request, with: Refusal(wrapping: error), correlation: correlation)
        }
    }

    private func answer(
        _ request: Request, _ endpoint: Endpoint, _ route: String, _ parameters: Parameters, _ correlation: String
    ) async throws -> Response {
        let faults = FaultReport(api: self, request: request, correlation: correlation)
        switch endpoint.action {
        case .open(let action):
            let call = try await Call.read(request, for: endpoint, parameters, api: self, faults: faults)
            return try await action(call)
        case .signedIn(let permission, let action):
            let caller = try await admit(request, endpoint, permission)
            let call = try await Call.read(request, for: endpoint, parameters, api: self, faults: faults)
            return try await action(call, caller)
        case .shared(let permission, let action):
            let caller = try await admit(request, endpoint, permission)
            let make: @Sendable () async throws -> ReadyJSON = {
                let call = try await Call.read(request, for: endpoint, parameters, api: self, faults: faults)
                let written = try WireJSON.encode(try await action(call, caller.anybody))
                return ReadyJSON(body: ByteBuffer(bytes: written), route: route)
            }
            guard let ready, let address = request.head.path else { return .json(try await make().body) }
            return .json(try await ready.answer(at: address, for: caller.audience, make).body)
        }
    }

    private func admit(_ request: Request, _ endpoint: Endpoint, _ permission: Permission) async throws -> Caller {
        let token = try bearerToken(in: request.headers)
        let caller = try await attempts.attempt(token) { try await operations.caller(token: token) }
        try await operations.admit(caller, to: permission, at: "\(endpoint.method.rawValue) \(endpoint.path)")
        return caller
    }

    /// The trace's id, or one of its own where nobody has begun a trace.
    func makeCorrelation() -> String { TraceContext.current?.correlation ?? time.makeUUID().uuidString.lowercased() }

    /// The problem as an answer. What is our fault is reported with its cause; the caller sees only the problem's words.
    func refuse(_ request: Request, with refusal: Refusal, correlation: String) -> Response {
        if refusal.status >= 500 {
            report(refusal.problem, of: request, correlation: correlation)
        }
        return refusal.response(correlation: correlation)
    }

    func report(_ problem: Problem, of request: Request, correlation: String) {
        observe(
            .requestFailed(
                correlation: correlation, method: request.method.rawValue, path: request.uri.path, problem: problem))
    }

    private static func log(_ observation: Observation) {
        guard case .requestFailed(let correlation, let method, let path, let problem) = observation else { return }
        Logger(label: "weirhouse.api").error(
            "request failed",
            metadata: [
                "correlation_id": "\(correlation)", "method": "\(method)", "path": "\(path)",
                "code": "\(problem.code.rawValue)", "detail": "\(problem.detail)",
                "cause": "\(problem.cause.map { String(describing: $0) } ?? "none")",
            ])
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750, section 2.1).
func bearerToken(in fields: HTTPFields) throws -> String {
    let field = fields[.authorization] ?? ""
    // As nearly all write it.
    if field.utf8.starts(with: "Bearer ".utf8) { return String(field.dropFirst(7).drop { $0 == " " }) }
    let parts = field.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else {
        throw Problem(
            .unauthenticated, "This request carries no token.",
            hint: "Send the header Authorization: Bearer <token>; the token is in the file `token` of the data folder.")
    }
    return parts[1].trimmingPrefix { $0 == " " }.description
}

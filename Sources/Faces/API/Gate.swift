import HTTPTypes
import Hummingbird
import Kernel

/// Answers requests under `/api` and `/health` that no endpoint takes, so that they get problems too. All else passes.
struct Gate<Context: RequestContext>: RouterMiddleware {
    let api: API

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let address = request.uri.path
        guard address.hasPrefix("/api") || address.hasPrefix("/health") || address.hasPrefix("//") else {
            return try await next(request, context)
        }
        if Endpoint.takes(request.method, at: address) { return try await next(request, context) }
        let path = address.split(separator: "/")
        guard path.first == "api" || path.first == "health" else { return try await next(request, context) }
        let methods = Endpoint.methods(at: path)
        guard !methods.contains(request.method) else { return try await next(request, context) }
        let refusal = methods.isEmpty ? unknown() : wrongMethod(request.method, allowed: methods)
        return api.refuse(request, with: refusal, correlation: api.makeCorrelation())
    }

    private func unknown() -> Refusal {
        Refusal(
            Problem(
                .notFound, "The API has no such address.", hint: "GET /api/v1/openapi.json lists all that there are."))
    }

    private func wrongMethod(_ method: HTTPRequest.Method, allowed: [HTTPRequest.Method]) -> Refusal {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        return Refusal(
            Problem(
                .unsupported, "This address does not take the method \(method.rawValue).", hint: "It takes \(names)."),
            status: 405, headers: [.allow: names])
    }
}

/// What methods are taken where, worked out once: every request asks.
private struct MethodTable: Sendable {
    /// By a path without captures.
    private var literal: [String: [HTTPRequest.Method]] = [:]
    /// Paths with captures, which are nil here, by the number of their parts.
    private var templates: [Int: [(parts: [String?], methods: [HTTPRequest.Method])]] = [:]

    init(_ endpoints: [Endpoint]) {
        for path in Set(endpoints.map(\.path)) {
            let isLiteral = !path.contains("{")
            let here = endpoints.filter { $0.path == path || (isLiteral && $0.shadowed.contains(path)) }
            let methods = here.flatMap { $0.answersHead ? [$0.method, .head] : [$0.method] }
            if isLiteral {
                literal[path] = methods
            } else {
                let parts = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
                templates[parts.count, default: []].append((parts, methods))
            }
        }
    }

    /// Whether a path without captures, as it came, takes a method. False says nothing.
    func takes(_ method: HTTPRequest.Method, at path: String) -> Bool { literal[path]?.contains(method) ?? false }

    /// `HEAD` included.
    func methods(at path: [Substring]) -> [HTTPRequest.Method] {
        if let methods = literal["/" + path.joined(separator: "/")] { return methods }
        return (templates[path.count] ?? [])
            .filter { zip($0.parts, path).allSatisfy { part, given in part.map { $0 == given } ?? true } }
            .flatMap(\.methods)
    }
}

extension Endpoint {
    private static let methodTable = MethodTable(all)

    /// Known at once to be taken: most requests are for a path without captures, in its plain form.
    static func takes(_ method: HTTPRequest.Method, at path: String) -> Bool {
        methodTable.takes(method, at: path)
    }

    /// The methods that the endpoints at this path take, `HEAD` included.
    static func methods(at path: [Substring]) -> [HTTPRequest.Method] { methodTable.methods(at: path) }

    /// Literal paths of other endpoints that a capture of this one matches too, as `/schedules/preview` matches
    /// `/schedules/{name}`: a schedule may be called so. The router goes by the literal path and looks no further: this
    /// endpoint has to be there as well.
    var shadowed: [String] {
        guard path.contains("{") else { return [] }
        let others = Self.all.filter { !$0.path.contains("{") && admits($0.path.split(separator: "/")) }
        let taken = Set(others.filter { $0.method == method }.map(\.path))
        return Set(others.map(\.path)).subtracting(taken).sorted()
    }

    /// What stands in a path where the capture of this name is.
    func capture(_ name: String, in path: String) -> String? {
        zip(self.path.split(separator: "/"), path.split(separator: "/")).first { $0.0 == "{\(name)}" }
            .map { String($0.1) }
    }

    /// Whether it matches, and what stands for its captures can be what they ask for: no run's id is `actions`.
    private func admits(_ path: [Substring]) -> Bool {
        let parts = zip(self.path.split(separator: "/"), path)
        return matches(path)
            && parameters.filter { $0.place == .path }.allSatisfy { parameter in
                let part = parts.first { $0.0 == "{\(parameter.name)}" }
                return part.map { parameter.schema.fault(inText: String($0.1)) == nil } ?? true
            }
    }

    private func matches(_ path: [Substring]) -> Bool {
        let template = self.path.split(separator: "/")
        return template.count == path.count && zip(template, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}

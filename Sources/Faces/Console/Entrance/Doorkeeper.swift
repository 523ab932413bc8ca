import HTTPTypes
import Hummingbird
import Kernel
import Logging
import Wire

/// Stands before every page: refuses posts from other sites, turns problems into pages, and sets the headers that keep
/// the browser strict.
struct Doorkeeper<Context: RequestContext>: RouterMiddleware {
    let console: Console

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            try refuseOtherSites(request)
            response = try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            throw error
        } catch {
            response = await answer(to: error, request: request, context: context)
        }
        response.headers.makeStrict()
        return response
    }

    /// Browsers say where a post comes from: `Sec-Fetch-Site` on secure origins and this machine, `Origin` everywhere
    /// (Fetch, section 3.2). Whoever says neither is no browser and has no business with a form: programs use the API.
    ///
    /// There is no token in each form: it could only show what the browser says here already, and would have to be kept
    /// secret in every page (docs/decisions/0013-browser-and-network.md).
    private func refuseOtherSites(_ request: Request) throws {
        guard request.method != .get, request.method != .head, !isForPrograms(request) else { return }
        let isOurs: Bool
        if let site = request.headers.value("Sec-Fetch-Site") {
            isOurs = site == "same-origin" || site == "none"
        } else if let origin = request.headers[.origin] {
            isOurs = origin == RequestOrigin.current?.text ?? "http://\(request.head.authority ?? "")"
        } else {
            isOurs = false
        }
        guard isOurs else {
            throw Problem(
                .forbidden, "This form was sent from another site.", hint: "Open the console and do it there.")
        }
    }

    /// What an identity provider sends is signed, and asks for no session.
    private func isForPrograms(_ request: Request) -> Bool { request.uri.path.hasPrefix("/sign-in/backchannel/") }

    private func answer(to error: any Error, request: Request, context: Context) async -> Response {
        let problem = Problem(wrapping: error)
        let correlation =
            TraceContext.current?.correlation ?? context.logger[metadataKey: "hb.request.id"].map { "\($0)" }
        if problem.code.httpStatus >= 500 {
            // The route, not the address: the code of a sign-in link is part of its address.
            let route = context.endpointPath ?? ""
            console.observe(
                .requestFailed(
                    correlation: correlation ?? "", method: request.method.rawValue, path: route, problem: problem))
        }
        let call = Call(request: request, parameters: context.parameters)
        var response = await console.page(for: problem, call: call, correlation: correlation)
        if let wait = problem.cause as? RetryAfter { response.headers[.retryAfter] = String(wait.seconds) }
        return response
    }
}

extension HTTPFields {
    /// Sets what every answer of the console tells browsers.
    mutating func makeStrict() {
        for field in strictHeaders { self[field.name] = field.value }
        if !contains(.cacheControl) { append(HTTPField(name: .cacheControl, value: "no-store")) }
    }
}

private let strictHeaders: [HTTPField] = {
    let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")
    return [
        ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ].compactMap { name, value in HTTPField.Name(name).map { HTTPField(name: $0, value: value) } }
}()

extension Request {
    /// Whether a page of another site has led here, as browsers say.
    var comesFromElsewhere: Bool { ["cross-site", "same-site"].contains(headers.value("Sec-Fetch-Site")) }
}

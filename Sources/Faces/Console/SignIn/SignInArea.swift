import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// Signing in by a one-time link, and out.
struct SignInArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.open("/sign-in", .get) { _ in explain(nil, status: .ok) }
        entrance.open("/sign-in/:code", .get) { _ in confirm() }
        entrance.open("/sign-in/:code", .post) { try await openSession($0) }
        entrance.open("/sign-out", .post) { try await closeSession($0) }
    }

    private func explain(_ problem: Problem?, status: HTTPResponse.Status) -> Response {
        let view = SignInPage(problem: problem.map { ProblemNote($0) })
        return console.pages.page("sign-in", view, Heading("Sign in", .none), visit: nil, status: status)
    }

    /// A link is opened by previews and prefetching too, so only the button uses it up. The form has no address: it
    /// posts to the page's own, and the code is nowhere in the page.
    private func confirm() -> Response {
        console.pages.page("sign-in-confirm", SignInPage(problem: nil), Heading("Sign in", .none), visit: nil)
    }

    private func openSession(_ call: Call) async throws -> Response {
        do {
            let session = try await console.operations.openSession(code: try call.parameter("code"))
            var response = Response.redirect(to: ReturnCookie.path(in: call.request)?.text ?? "/")
            response.setCookie(SessionCookie.carrying(session, for: call.request))
            if call.request.cookies[ReturnCookie.name] != nil {
                response.setCookie(ReturnCookie.gone(for: call.request))
            }
            return response
        } catch let problem as Problem where problem.code == .unauthenticated {
            return explain(problem, status: .unauthorized)
        }
    }

    private func closeSession(_ call: Call) async throws -> Response {
        if let session = call.session { try await console.operations.closeSession(session) }
        var response = Response.redirect(to: "/sign-in")
        response.setCookie(SessionCookie.gone(for: call.request))
        return response
    }
}

private struct SignInPage {
    let problem: ProblemNote?
}

/// The browser's half of a session.
enum SessionCookie {
    static let name = "weir_session"

    /// 12 hours, as the session itself.
    private static let seconds = 12 * 3600

    static func carrying(_ session: Secret<String>, for request: Request) -> Cookie {
        make(session.reveal(), seconds: seconds, for: request)
    }

    static func gone(for request: Request) -> Cookie { make("", seconds: 0, for: request) }

    /// Lax, not strict: a link to a run in an e-mail or a chat opens signed in, and posts from other sites are refused
    /// by their origin anyway.
    private static func make(_ value: String, seconds: Int, for request: Request) -> Cookie {
        Cookie(
            name: name, value: value, maxAge: seconds, path: "/", secure: isSecure(request), httpOnly: true,
            sameSite: .lax)
    }

    static func isSecure(_ request: Request) -> Bool {
        request.head.scheme == "https" || request.headers.value("X-Forwarded-Proto") == "https"
    }
}

import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// Signing in by a one-time link, and out. `ProviderSignInArea` has the way through an issuer.
struct SignInArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.open("/sign-in", .get) { _ in try await console.signInPage() }
        entrance.open("/sign-in/:code", .get) { _ in confirm() }
        entrance.open("/sign-in/:code", .post) { try await openSession($0) }
        entrance.open("/sign-out", .post) { try await closeSession($0) }
    }

    /// A link is opened by previews and prefetching too, so only the button uses it up. The form has no address: it
    /// posts to the page's own, and the code is nowhere in the page.
    private func confirm() -> Response {
        let seconds = console.operations.sessionLifetime / .seconds(1)
        return console.pages.page(
            "sign-in-confirm", ConfirmSignInPage(lasting: Readable.minutes(Int(seconds / 60))),
            Heading("Sign in", .none), visit: nil)
    }

    private func openSession(_ call: Call) async throws -> Response {
        do {
            let code = try call.parameter("code")
            let session = try await console.attempts.attempt(code) {
                try await console.operations.openSession(code: code)
            }
            // Whoever sat at this browser before is signed out.
            if let old = call.session { try await console.operations.closeSession(old) }
            var response = Response.redirect(to: ReturnCookie.path(in: call.request)?.text ?? "/")
            response.setCookie(
                SessionCookie.carrying(session, lifetime: console.operations.sessionLifetime, for: call.request))
            if ReturnCookie.isSet(in: call.request) { response.setCookie(ReturnCookie.gone(for: call.request)) }
            return response
        } catch let problem as Problem where problem.code == .unauthenticated {
            return try await console.signInPage(problem)
        }
    }

    /// Here at once. Whoever came from a provider is signed in there still, and is told where to end that too: a link,
    /// since browsers let a form lead to no other site (`form-action`).
    private func closeSession(_ call: Call) async throws -> Response {
        var response = Response.redirect(to: "/sign-in")
        if let session = call.session, let elsewhere = try await console.operations.signOut(session) {
            response = console.pages.page(
                "signed-out", SignedOutPage(label: elsewhere.label, address: elsewhere.address),
                Heading("Signed out", .none), visit: nil)
        }
        response.setCookie(SessionCookie.gone(for: call.request))
        return response
    }
}

private struct SignedOutPage: Sendable {
    let label: String
    let address: String
}

private struct ConfirmSignInPage {
    /// `12 h`.
    let lasting: String
}

/// The browser's half of a session.
enum SessionCookie {
    private static let name = "weir_session"

    static func value(in request: Request) -> String? { GuardedCookie(name: name, seconds: 0).value(in: request) }

    static func value(in fields: HTTPFields, isSecure: Bool) -> String? {
        GuardedCookie(name: name, seconds: 0).value(in: fields, isSecure: isSecure)
    }

    /// - Parameter lifetime: the session's own.
    static func carrying(_ session: Secret<String>, lifetime: Duration, for request: Request) -> Cookie {
        GuardedCookie(name: name, seconds: Int(lifetime / .seconds(1))).carrying(session.reveal(), for: request)
    }

    static func gone(for request: Request) -> Cookie { GuardedCookie(name: name, seconds: 0).gone(for: request) }
}

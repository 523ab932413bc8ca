import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// Signing in through an issuer: the way to its provider, the way back, and its word that somebody has left.
struct ProviderSignInArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.open("/sign-in/email", .post) { try await showIssuers($0) }
        entrance.open("/sign-in/with/:issuer", .get) { try await begin($0) }
        entrance.open("/sign-in/callback/:issuer", .get) { try await finish($0) }
        entrance.open("/sign-in/backchannel/:issuer", .post) { try await signOutByProvider($0) }
    }

    /// Links, not a redirect: browsers let a form of this page lead to no other site (`form-action`).
    private func showIssuers(_ call: Call) async throws -> Response {
        let email = try await call.form()["email"] ?? ""
        do {
            let found = try await console.operations.issuers(forEmail: email)
            let view = SignInChoices(
                email: email, buttons: found.map { SignInLink($0, email: email) })
            return console.pages.page("sign-in-issuers", view, Heading("Sign in", .none), visit: nil)
        } catch let problem as Problem where [.invalidInput, .notFound].contains(problem.code) {
            return try await console.signInPage(problem)
        }
    }

    private func begin(_ call: Call) async throws -> Response {
        if call.request.comesFromElsewhere, let page = try await confirmation(call) { return page }
        do {
            let begun = try await console.operations.beginSignIn(
                with: try call.parameter("issuer"), returnPath: ReturnCookie.path(in: call.request)?.text ?? "/",
                email: call.query["email"])
            var response = Response.redirect(to: begun.address)
            response.setCookie(SeedCookie.carrying(begun.seed, for: call.request))
            return response
        } catch let problem as Problem where problem.isToldAtSignIn {
            return try await console.signInPage(problem)
        }
    }

    /// Another site's page led here: it could sign somebody in who did not ask for it, with an account of its own.
    private func confirmation(_ call: Call) async throws -> Response? {
        let name = try call.parameter("issuer")
        guard name.wholeMatch(of: /[a-z][a-z0-9-]{0,39}/) != nil else { return nil }
        let label = try await console.operations.signInOffer().buttons.first { $0.name == name }?.label ?? name
        let view = SignInChoices(
            email: call.query["email"],
            buttons: [SignInLink(SignInButton(name: name, label: label), email: call.query["email"])])
        return console.pages.page("sign-in-issuers", view, Heading("Sign in", .none), visit: nil)
    }

    private func finish(_ call: Call) async throws -> Response {
        let query = call.query
        let answer = SignInAnswer(
            through: try call.parameter("issuer"), state: query["state"], code: query["code"], error: query["error"],
            issuer: query["iss"],
            seed: SeedCookie.seed(in: call.request), oldSession: call.session)
        var response: Response
        do {
            let finished = try await console.operations.finishSignIn(answer)
            response = Response.redirect(to: ReturnPath(finished.returnPath)?.text ?? "/")
            response.setCookie(
                SessionCookie.carrying(
                    finished.session, lifetime: console.operations.sessionLifetime, for: call.request))
            if ReturnCookie.isSet(in: call.request) {
                response.setCookie(ReturnCookie.gone(for: call.request))
            }
        } catch let problem as Problem where problem.isToldAtSignIn {
            response = try await console.signInPage(problem)
        }
        if answer.seed != nil { response.setCookie(SeedCookie.gone(for: call.request)) }
        return response
    }

    /// Back-Channel Logout 1.0, section 2.8: 200 if it is done, 400 with the reason if it is not believed.
    private func signOutByProvider(_ call: Call) async throws -> Response {
        do {
            let token = try await call.form()["logout_token"] ?? ""
            try await console.operations.signOutByProvider(try call.parameter("issuer"), token: token)
            return Response(status: .ok)
        } catch let problem as Problem where [.invalidInput, .notFound].contains(problem.code) {
            return console.data(
                ["error": "invalid_request", "error_description": problem.detail], status: .badRequest)
        }
    }
}

extension Problem {
    /// Whether the sign-in page tells it, so that the person can try again there. All else is a page of its own.
    fileprivate var isToldAtSignIn: Bool {
        switch code {
        case .unauthenticated, .forbidden, .notFound, .invalidInput, .unsupported, .deliveryFailed: true
        default: false
        }
    }
}

extension Console {
    /// The page that offers all ways to sign in.
    func signInPage(_ problem: Problem? = nil) async throws -> Response {
        let offer = try await operations.signInOffer()
        let view = SignInPage(
            problem: problem.map { ProblemNote($0) }, buttons: offer.buttons.map { SignInLink($0) },
            asksForEmail: offer.asksForEmail, hasIssuers: !offer.buttons.isEmpty || offer.asksForEmail)
        let status = HTTPResponse.Status(problem)
        return pages.page("sign-in", view, Heading("Sign in", .none), visit: nil, status: status)
    }
}

struct SignInPage: Sendable {
    let problem: ProblemNote?
    let buttons: [SignInLink]
    let asksForEmail: Bool
    let hasIssuers: Bool
}

private struct SignInChoices: Sendable {
    let email: String?
    let buttons: [SignInLink]
}

struct SignInLink: Sendable {
    let label: String
    let address: String

    init(_ button: SignInButton, email: String? = nil) {
        label = button.label
        address =
            "/sign-in/with/\(button.name.encodedForAddress)"
            + (email.map { "?email=\($0.encodedForAddress)" } ?? "")
    }
}

/// What ties the way back to the browser that went: the seed of state, nonce and PKCE verifier. Ten minutes, as the
/// sign-in itself.
private enum SeedCookie {
    private static let cookie = GuardedCookie(name: "weir_sign_in", seconds: 600)

    static func seed(in request: Request) -> Secret<String>? { cookie.value(in: request).map { Secret($0) } }

    static func carrying(_ seed: Secret<String>, for request: Request) -> Cookie {
        cookie.carrying(seed.reveal(), for: request)
    }

    static func gone(for request: Request) -> Cookie { cookie.gone(for: request) }
}

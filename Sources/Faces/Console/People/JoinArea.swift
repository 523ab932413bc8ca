import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// The page that an invitation's link opens. Previews and prefetching open it too, so only the button uses it up.
struct JoinArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.open("/join/:code", .get) { try await show($0, display: nil, problem: nil) }
        entrance.open("/join/:code", .post) { try await join($0) }
    }

    private func show(_ call: Call, display: String?, problem: Problem?) async throws -> Response {
        guard let found = try await console.operations.invitation(code: try call.parameter("code")) else {
            let over = Problem(
                .unauthenticated, "This invitation was used already, is too old, or was replaced by a newer one.",
                hint: "Ask whoever invited you for a new link.")
            return page(JoinPage(nil, display: nil, guest: nil, problem: over), status: .unauthorized)
        }
        var guest: Caller?
        if let session = call.session { guest = try await console.operations.caller(session: session) }
        let status = HTTPResponse.Status(problem)
        return page(JoinPage(found, display: display, guest: guest, problem: problem), status: status)
    }

    private func page(_ view: JoinPage, status: HTTPResponse.Status) -> Response {
        console.pages.page("join", view, Heading("Join", .none), visit: nil, status: status)
    }

    private func join(_ call: Call) async throws -> Response {
        let display = try await call.form()["display"]
        do {
            let session = try await console.operations.join(
                code: try call.parameter("code"), display: display, session: call.session)
            if let old = call.session { try await console.operations.closeSession(old) }
            var response = Response.redirect(to: "/")
            response.setCookie(
                SessionCookie.carrying(session, lifetime: console.operations.sessionLifetime, for: call.request))
            return response
        } catch let problem as Problem where problem.code.isForPerson || problem.code == .unauthenticated {
            return try await show(call, display: display, problem: problem)
        }
    }
}

struct JoinPage: Sendable {
    let invitation: Invitation?
    let problem: ProblemNote?

    struct Invitation: Sendable {
        let organization: String
        let email: String
        let display: String
        let roles: String
        let invitedBy: String?
        /// Who the browser is signed in as.
        let guest: String?
    }

    init(_ found: InvitationView?, display: String?, guest: Caller?, problem: Problem?) {
        invitation = found.map { found in
            Invitation(
                organization: found.organization, email: found.email, display: display ?? found.display ?? "",
                roles: found.roles.joined(separator: ", "), invitedBy: found.invitedBy,
                guest: guest.map { "\($0.display) of \($0.slug)" })
        }
        self.problem = problem.map { ProblemNote($0) }
    }
}

import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// The organizations that somebody belongs to: another one is a session of its own.
struct SwitchArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/organizations", .accountManage) { try await page($0) }
        entrance.post("/organizations", .accountManage) { try await found($0) }
        entrance.post("/organizations/switch", .accountManage) { visit in
            let slug = try await visit.call.form()["slug"] ?? ""
            // Another tab was faster.
            guard slug != visit.caller.slug else { return Response.redirect(to: "/") }
            return try await open(slug, visit, at: "/")
        }
    }

    private func page(_ visit: Visit, form: Form = Form(""), problem: Problem? = nil) async throws -> Response {
        let view = SwitchPage(
            organizations: try await console.operations.organizations(as: visit.caller).map { SwitchRow($0) },
            mayFound: await console.operations.mayFound(as: visit.caller), slug: form["slug"] ?? "",
            name: form["name"] ?? "", problem: problem.map { ProblemNote($0) })
        let status = HTTPResponse.Status(problem)
        return console.pages.page(
            "organizations", view, Heading("Your organizations", .none), visit: visit, status: status)
    }

    private func found(_ visit: Visit) async throws -> Response {
        let form = try await visit.call.form()
        do {
            let request = FoundRequest(slug: form["slug"] ?? "", name: form["name"])
            let made = try await console.operations.foundOrganization(request, as: visit.caller)
            return try await open(made.slug, visit, at: "/")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(visit, form: form, problem: problem)
        }
    }

    private func open(_ slug: String, _ visit: Visit, at path: String) async throws -> Response {
        let session = try await console.operations.openSession(in: slug, as: visit.caller)
        try await console.operations.closeSession(visit.session)
        var response = Response.redirect(to: path)
        response.setCookie(
            SessionCookie.carrying(session, lifetime: console.operations.sessionLifetime, for: visit.call.request))
        return response
    }
}

struct SwitchPage: Sendable {
    let organizations: [SwitchRow]
    let mayFound: Bool
    let slug: String
    let name: String
    let problem: ProblemNote?
}

struct SwitchRow: Sendable {
    let slug: String
    let name: String
    let roles: String
    let state: StateBadge?
    let isCurrent: Bool

    init(_ found: OrganizationSummary) {
        slug = found.slug
        name = found.name
        roles = found.roles.isEmpty ? "no role" : found.roles.joined(separator: ", ")
        state =
            switch found.state {
            case "suspended": StateBadge(word: "Suspended", style: "failed")
            case "deleting": StateBadge(word: "Being deleted", style: "failed")
            default: nil
            }
        isCurrent = found.isCurrent
    }
}

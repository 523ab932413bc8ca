import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Tokens of one's own, and for admins services and everybody's tokens.
struct TokensArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/tokens", .accountManage) { try await list($0) }
        entrance.get("/tokens/new", .accountManage) { try await form(TokenForm($0.call.query), $0) }
        entrance.post("/tokens", .accountManage) { try await make($0) }
        entrance.get("/tokens/:id/revoke", .accountManage) { try await confirmRevoking($0) }
        entrance.post("/tokens/:id/revoke", .accountManage) { visit in
            try await console.operations.revokeToken(try id(of: visit), as: visit.caller)
            return .redirect(to: "/tokens")
        }
        entrance.post("/tokens/:id/rotate", .accountManage) { try await rotate($0) }
        entrance.post("/services", .tokensManage) { try await makeService($0) }
        entrance.get("/services/:name/remove", .tokensManage) { try await confirmRemoving($0) }
        entrance.post("/services/:name/remove", .tokensManage) { visit in
            try await console.operations.removeService(try visit.call.parameter("name"), as: visit.caller)
            return .redirect(to: "/tokens#services")
        }
    }

    private func list(
        _ visit: Visit, serviceProblem: Problem? = nil, serviceName: String = "", status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let isAdmin = visit.caller.may(.tokensManage)
        let view = TokensPage(
            tokens: try await console.operations.tokens(all: isAdmin, as: visit.caller).map {
                TokenRow($0, now: console.time.now(), reader: visit.caller)
            },
            isAdmin: isAdmin,
            services: isAdmin
                ? try await console.operations.services(as: visit.caller).map {
                    ServiceRow($0, now: console.time.now())
                } : [], roles: TokensPage.roles, environments: TokensPage.environments, serviceName: serviceName,
            problem: serviceProblem.map { ProblemNote($0) })
        return console.pages.page("tokens", view, Heading("Tokens", .tokens), visit: visit, status: status)
    }

    private func form(_ form: TokenForm, _ visit: Visit, problem: Problem? = nil) async throws -> Response {
        let services =
            visit.caller.may(.tokensManage) ? try await console.operations.services(as: visit.caller) : []
        let view = TokenFormPage(form, services: services, caller: visit.caller, problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page("token-form", view, Heading("New token", .tokens), visit: visit, status: status)
    }

    /// The answer is the only page that ever shows the token.
    private func make(_ visit: Visit) async throws -> Response {
        let form = TokenForm(try await visit.call.form())
        do {
            let made = try await console.operations.makeToken(form.request, as: visit.caller)
            return show(made, old: nil, visit)
        } catch let problem as Problem where problem.code.isForPerson {
            return try await self.form(form, visit, problem: problem)
        }
    }

    private func rotate(_ visit: Visit) async throws -> Response {
        let hours = Int(try await visit.call.form()["grace"] ?? "") ?? 24
        let made = try await console.operations.rotateToken(
            try id(of: visit), TokenRotation(graceHours: hours), as: visit.caller)
        return show(made, old: hours == 0 ? "The old one is over." : "The old one goes on for \(hours) hours.", visit)
    }

    private func show(_ made: TokenMade, old: String?, _ visit: Visit) -> Response {
        let view = TokenMadePage(
            secret: made.secret, token: TokenRow(made.token, now: console.time.now(), reader: visit.caller), old: old)
        return console.pages.page(
            "token-made", view, Heading("New token", .tokens), visit: visit, status: .created)
    }

    private func makeService(_ visit: Visit) async throws -> Response {
        let form = try await visit.call.form()
        let name = form["name"] ?? ""
        do {
            let role = PlacedRole(role: form["role"] ?? "", environment: form["environment"])
            _ = try await console.operations.makeService(ServiceRequest(name: name, roles: [role]), as: visit.caller)
            return .redirect(to: "/tokens#services")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await list(
                visit, serviceProblem: problem, serviceName: name,
                status: HTTPResponse.Status(problem))
        }
    }

    private func confirmRevoking(_ visit: Visit) async throws -> Response {
        let id = try id(of: visit)
        let isAdmin = visit.caller.may(.tokensManage)
        let all = try await console.operations.tokens(all: isAdmin, as: visit.caller)
        guard let token = all.first(where: { CredentialID($0.tokenID) == id }) else { throw Self.missing }
        let row = TokenRow(token, now: console.time.now(), reader: visit.caller)
        let view = ConfirmPage(
            area: "Tokens", back: "/tokens", question: "Revoke \(row.name)?",
            text: "\(row.beginning) speaks for \(row.owner). What uses it is refused from this moment.",
            action: "\(row.address)/revoke", button: "Revoke the token")
        return console.pages.page("confirm", view, Heading(view.question, .tokens), visit: visit)
    }

    private func confirmRemoving(_ visit: Visit) async throws -> Response {
        let name = try visit.call.parameter("name")
        let all = try await console.operations.services(as: visit.caller)
        guard let service = all.first(where: { $0.name == name }) else {
            throw Problem(.notFound, "There is no such service.", hint: "See what there is under Tokens.")
        }
        let row = ServiceRow(service, now: console.time.now())
        let view = ConfirmPage(
            area: "Tokens", back: "/tokens#services", question: "Remove the service \(row.name)?",
            text: "Its tokens (\(row.tokens)) open nothing from this moment. What it did stays.",
            action: "\(row.address)/remove", button: "Remove the service")
        return console.pages.page("confirm", view, Heading(view.question, .tokens), visit: visit)
    }

    private func id(of visit: Visit) throws -> CredentialID {
        guard let id = CredentialID(try visit.call.parameter("id")) else { throw Self.missing }
        return id
    }

    private static let missing = Problem(
        .notFound, "There is no such token.", hint: "See what there is under Tokens.")
}

import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Through which providers people sign in, and whom of their accounts the organization lets in.
struct IssuersArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/issuers", .signInManage) { try await list($0) }
        entrance.post("/issuers", .signInManage) { try await put($0) }
        entrance.get("/issuers/new", .signInManage) { form(IssuerForm($0.call.query), $0) }
        entrance.get("/issuers/:name/change", .signInManage) { visit in
            form(IssuerForm(try await issuer(of: visit)), visit)
        }
        entrance.post("/issuers/:name/test", .signInManage) { try await test($0) }
        entrance.get("/issuers/:name/remove", .signInManage) { try await confirmRemoving($0) }
        entrance.post("/issuers/:name/remove", .signInManage) { try await remove($0) }
        entrance.post("/sign-in-rules", .signInManage) { try await addRule($0) }
        entrance.get("/sign-in-rules/:id/remove", .signInManage) { try await confirmRemovingRule($0) }
        entrance.post("/sign-in-rules/:id/remove", .signInManage) { visit in
            try await console.operations.removeSignInRule(try visit.call.parameter("id"), as: visit.caller)
            return .redirect(to: "/issuers#rules")
        }
    }

    private func list(
        _ visit: Visit, rule: RuleForm = RuleForm(Form("")), problem: Problem? = nil, ruleProblem: Problem? = nil,
        tested: (name: String, check: IssuerCheck)? = nil
    ) async throws -> Response {
        let view = IssuersPage(
            issuers: try await console.operations.issuers(as: visit.caller),
            rules: try await console.operations.signInRules(as: visit.caller), rule: rule, tested: tested,
            problem: problem, ruleProblem: ruleProblem)
        let status = HTTPResponse.Status(problem ?? ruleProblem)
        return console.pages.page("issuers", view, Heading("Sign-in", .issuers), visit: visit, status: status)
    }

    private func form(_ form: IssuerForm, _ visit: Visit, problem: Problem? = nil) -> Response {
        let view = IssuerFormPage(form, problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page("issuer-form", view, Heading(view.title, .issuers), visit: visit, status: status)
    }

    private func put(_ visit: Visit) async throws -> Response {
        let form = IssuerForm(try await visit.call.form())
        do {
            let issuers = try await console.operations.issuers(as: visit.caller)
            guard form.isKnown || !issuers.contains(where: { $0.name == form.name }) else {
                throw Problem(.conflict, "There is an issuer of this name already.", hint: "Choose another name.")
            }
            _ = try await console.operations.putIssuer(form.name, form.request, as: visit.caller)
            return .redirect(to: "/issuers")
        } catch let problem as Problem where Self.isOfProvider(problem) {
            return self.form(form, visit, problem: problem)
        }
    }

    private func test(_ visit: Visit) async throws -> Response {
        let name = try visit.call.parameter("name")
        do {
            let check = try await console.operations.testIssuer(name, as: visit.caller)
            return try await list(visit, tested: (name, check))
        } catch let problem as Problem where Self.isOfProvider(problem) && problem.code != .notFound {
            return try await list(visit, problem: problem)
        }
    }

    /// What whoever set it up can mend: the form's fault, or the provider's.
    private static func isOfProvider(_ problem: Problem) -> Bool {
        problem.code.isForPerson || problem.code.httpStatus == 502
    }

    private func issuer(of visit: Visit) async throws -> IssuerView {
        let name = try visit.call.parameter("name")
        let all = try await console.operations.issuers(as: visit.caller)
        guard let found = all.first(where: { $0.name == name && $0.isOwn }) else {
            throw Problem(.notFound, "There is no such issuer to change.", hint: "See what there is under Sign-in.")
        }
        return found
    }

    private func confirmRemoving(_ visit: Visit) async throws -> Response {
        let issuer = try await issuer(of: visit)
        let rules = try await console.operations.signInRules(as: visit.caller).count { $0.issuer == issuer.name }
        let view = ConfirmPage(
            area: "Sign-in", back: "/issuers", question: "Remove \(issuer.label)?",
            text: "Nobody signs in through it any more. Its rules (\(rules)) go, and the roles that they gave.",
            action: "/issuers/\(issuer.name.encodedForAddress)/remove", button: "Remove the issuer")
        return console.pages.page("confirm", view, Heading(view.question, .issuers), visit: visit)
    }

    private func remove(_ visit: Visit) async throws -> Response {
        do {
            try await console.operations.removeIssuer(try visit.call.parameter("name"), as: visit.caller)
            return .redirect(to: "/issuers")
        } catch let problem as Problem where problem.code == .conflict || problem.code == .forbidden {
            return try await list(visit, problem: problem)
        }
    }

    private func addRule(_ visit: Visit) async throws -> Response {
        let form = RuleForm(try await visit.call.form())
        do {
            _ = try await console.operations.addSignInRule(form.request, as: visit.caller)
            return .redirect(to: "/issuers#rules")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await list(visit, rule: form, ruleProblem: problem)
        }
    }

    private func confirmRemovingRule(_ visit: Visit) async throws -> Response {
        let id = try visit.call.parameter("id")
        guard let rule = try await console.operations.signInRules(as: visit.caller).first(where: { $0.ruleID == id })
        else {
            throw Problem(.notFound, "There is no such rule.", hint: "See what there is under Sign-in.")
        }
        let row = RuleRow(rule, labels: [:])
        let view = ConfirmPage(
            area: "Sign-in", back: "/issuers#rules", question: "Remove the rule for \(row.whom)?",
            text: "Whoever has the role \(row.role) by it loses it at once. Roles that a person gave stay.",
            action: "\(row.address)/remove", button: "Remove the rule")
        return console.pages.page("confirm", view, Heading(view.question, .issuers), visit: visit)
    }
}

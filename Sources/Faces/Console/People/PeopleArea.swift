import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Who belongs to the organization: invited, given roles, shut out.
struct PeopleArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/people", .membersRead) { try await page($0) }
        entrance.post("/people", .membersManage) { try await invite($0) }
        entrance.get("/people/:member", .membersRead) { try await memberPage($0) }
        entrance.post("/people/:member/grant", .membersManage) { visit in
            try await change(visit) { _ = try await console.operations.grant($1.request(), to: $0, as: visit.caller) }
        }
        entrance.post("/people/:member/revoke", .membersManage) { visit in
            try await change(visit) {
                _ = try await console.operations.revoke($1.request(), from: $0, as: visit.caller)
            }
        }
        entrance.post("/people/:member/activate", .membersManage) { visit in
            try await change(visit) { id, _ in _ = try await console.operations.activate(id, as: visit.caller) }
        }
        entrance.get("/people/:member/deactivate", .membersManage) { visit in
            try await confirm(
                visit, question: { "Deactivate \($0)?" },
                text: "All sessions and tokens are worthless at once. Roles stay, for when they are activated again.",
                verb: "deactivate", button: "Deactivate")
        }
        entrance.post("/people/:member/deactivate", .membersManage) { visit in
            try await change(visit) { id, _ in _ = try await console.operations.deactivate(id, as: visit.caller) }
        }
        entrance.get("/people/:member/remove", .membersManage) { visit in
            try await confirm(
                visit, question: { "Remove \($0) from the organization?" },
                text: "Sessions, tokens and roles go. What they have made stays: runs, schedules, models.",
                verb: "remove", button: "Remove")
        }
        entrance.post("/people/:member/remove", .membersManage) { visit in
            let id = try visit.call.parameter("member")
            do {
                try await console.operations.removeMember(id, as: visit.caller)
                return .redirect(to: "/people")
            } catch let problem as Problem where problem.code == .conflict || problem.code == .forbidden {
                return try await memberPage(visit, problem: problem)
            }
        }
    }

    private func page(
        _ visit: Visit, form: InviteForm = InviteForm(Form("")), problem: Problem? = nil
    ) async throws -> Response {
        let view = PeoplePage(
            try await console.operations.members(as: visit.caller), form: form, caller: visit.caller,
            now: console.time.now(), problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page("people", view, Heading("People", .people), visit: visit, status: status)
    }

    private func invite(_ visit: Visit) async throws -> Response {
        let form = InviteForm(try await visit.call.form())
        do {
            let made = try await console.operations.invite(try form.request(), as: visit.caller)
            let view = InvitationPage(made, now: console.time.now())
            return console.pages.page("invitation-made", view, Heading("Invited", .people), visit: visit)
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(visit, form: form, problem: problem)
        }
    }

    private func memberPage(_ visit: Visit, problem: Problem? = nil) async throws -> Response {
        let found = try await console.operations.member(try visit.call.parameter("member"), as: visit.caller)
        let view = MemberPage(found, caller: visit.caller, now: console.time.now(), problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page("member", view, Heading(found.display, .people), visit: visit, status: status)
    }

    /// Does something to the member of the address and shows their page again, with what was wrong.
    private func change(
        _ visit: Visit, _ work: (_ id: String, _ form: RoleForm) async throws -> Void
    ) async throws -> Response {
        let id = try visit.call.parameter("member")
        let form = RoleForm(try await visit.call.form())
        do {
            try await work(id, form)
            return .redirect(to: "/people/\(id.encodedForAddress)")
        } catch let problem as Problem where problem.code.isForPerson && problem.code != .notFound {
            return try await memberPage(visit, problem: problem)
        }
    }

    private func confirm(
        _ visit: Visit, question: (String) -> String, text: String, verb: String, button: String
    ) async throws -> Response {
        let found = try await console.operations.member(try visit.call.parameter("member"), as: visit.caller)
        let address = "/people/\(found.memberID.encodedForAddress)"
        let view = ConfirmPage(
            area: "People", back: address, question: question(found.display), text: text, action: "\(address)/\(verb)",
            button: button)
        return console.pages.page("confirm", view, Heading(view.question, .people), visit: visit)
    }
}

/// A role and where, as a form sends them.
struct RoleForm: Sendable {
    let role: String?
    let environment: String?

    init(_ form: Form) {
        role = form["role"]
        environment = form["environment"]
    }

    /// - Throws: `invalidInput` for a role that there is not.
    func request() throws -> GrantRequest {
        guard let role = role.flatMap({ Role(rawValue: $0) }) else {
            throw Problem(.invalidInput, "It is not said which role.", hint: "Choose one.")
        }
        return GrantRequest(role: role, environment: environment)
    }
}

/// The form of an invitation as it was sent.
struct InviteForm: Sendable {
    let email: String
    let role: RoleForm

    init(_ form: Form) {
        email = form["email"] ?? ""
        role = RoleForm(form)
    }

    /// - Throws: `invalidInput` if it lacks something.
    func request() throws -> InviteRequest {
        guard !email.isEmpty else {
            throw Problem(.invalidInput, "The e-mail address is missing.", hint: "Give one.")
        }
        let role = try role.request()
        return InviteRequest(email: email, role: role.role, environment: role.environment)
    }
}

import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// The organization: its name, its environments, its end.
struct OrganizationArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/organization", .organizationRead) { try await page($0) }
        entrance.post("/organization", .organizationManage) { visit in
            try await change(visit) { form in
                _ = try await console.operations.renameOrganization(form["name"] ?? "", as: visit.caller)
            }
        }
        entrance.post("/organization/environments/:environment", .organizationManage) { visit in
            let environment = try visit.call.parameter("environment")
            return try await change(visit, "#environments") { form in
                _ = try await console.operations.putEnvironment(
                    environment, try EnvironmentForm.request(form), as: visit.caller)
            }
        }
        addStates(to: entrance)
        entrance.post("/organization/setup/dismiss", .organizationManage) { visit in
            try await console.operations.dismissSetup(as: visit.caller)
            return .redirect(to: "/")
        }
    }

    private func addStates(to entrance: Entrance<some RequestContext>) {
        entrance.get("/organization/suspend", .organizationManage) { try await ending($0, .suspend) }
        entrance.post("/organization/suspend", .organizationManage) { visit in
            try await end(visit, .suspend) { form in
                _ = try await console.operations.suspendOrganization(because: form["because"] ?? "", as: visit.caller)
            }
        }
        entrance.post("/organization/resume", .organizationDelete) { visit in
            try await change(visit) { _ in _ = try await console.operations.resumeOrganization(as: visit.caller) }
        }
        entrance.get("/organization/delete", .organizationDelete) { try await ending($0, .delete) }
        entrance.post("/organization/delete", .organizationDelete) { visit in
            try await end(visit, .delete) { form in
                guard form["slug"] == visit.caller.slug else {
                    throw Problem(
                        .invalidInput, "This is not the organization's short name.", hint: "Write \(visit.caller.slug)."
                    )
                }
                _ = try await console.operations.deleteOrganization(as: visit.caller)
            }
        }
        entrance.post("/organization/restore", .organizationDelete) { visit in
            try await change(visit) { _ in _ = try await console.operations.restoreOrganization(as: visit.caller) }
        }
    }

    private func page(_ visit: Visit, problem: Problem? = nil) async throws -> Response {
        let view = OrganizationPage(
            try await console.operations.organization(as: visit.caller), caller: visit.caller,
            now: console.time.now(), problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page(
            "organization", view, Heading("Organization", .organization), visit: visit, status: status)
    }

    private func change(
        _ visit: Visit, _ anchor: String = "", _ work: (Form) async throws -> Void
    ) async throws -> Response {
        do {
            try await work(try await visit.call.form())
            return .redirect(to: "/organization\(anchor)")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(visit, problem: problem)
        }
    }

    private func ending(_ visit: Visit, _ end: EndPage.End, problem: Problem? = nil) async throws -> Response {
        let found = try await console.operations.organization(as: visit.caller)
        let view = EndPage(end, of: found, problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page(
            "organization-end", view, Heading(view.question, .organization), visit: visit, status: status)
    }

    private func end(
        _ visit: Visit, _ end: EndPage.End, _ work: (Form) async throws -> Void
    ) async throws -> Response {
        do {
            try await work(try await visit.call.form())
            return .redirect(to: "/organization")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await ending(visit, end, problem: problem)
        }
    }
}

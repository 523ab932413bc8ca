import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Workers, limits and maintenance windows.
struct WorkersArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/workers", .workforceRead) { try await page($0) }
        entrance.post("/workers/limits", .workforceManage) { visit in
            try await change(visit) { form in
                _ = try await console.operations.setLimit(try LimitForm(form).request(), as: visit.caller)
            }
        }
        entrance.post("/workers/limits/pause", .workforceManage) { visit in
            try await change(visit) { form in
                _ = try await console.operations.pauseLimit(try LimitForm.pause(form), as: visit.caller)
            }
        }
        entrance.post("/workers/limits/resume", .workforceManage) { visit in
            try await change(visit) { form in
                _ = try await console.operations.resumeLimit(try LimitForm.key(form["key"]), as: visit.caller)
            }
        }
        MaintenanceWindows(console: console).addRoutes(to: entrance)
    }

    /// Changes a limit and shows the page again; a form that cannot be is shown with what was typed.
    private func change(_ visit: Visit, _ work: (Form) async throws -> Void) async throws -> Response {
        let form = try await visit.call.form()
        do {
            try await work(form)
            return .redirect(to: "/workers#limits")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(visit, form: LimitForm(form), problem: problem)
        }
    }

    private func page(
        _ visit: Visit, form: LimitForm = LimitForm(), problem: Problem? = nil
    ) async throws -> Response {
        let limits = try await console.operations.limits(as: visit.caller)
        let pipelines = try await KnownPipelines(console, as: visit.caller)
        let view = WorkersPage(
            workers: try await console.operations.workers(as: visit.caller), limits: limits,
            windows: try await console.operations.windows(as: visit.caller),
            keys: LimitKey.choices(pipelines, used: limits.map(\.key), chosen: form.key), now: console.time.now(),
            form: form, problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page("workers", view, Heading("Workers", .workers), visit: visit, status: status)
    }
}

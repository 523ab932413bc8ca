import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Times in which nothing of a key starts: made, changed, deleted.
struct MaintenanceWindows: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/workers/windows/new", .workforceManage) {
            try await page(WindowForm(Form("")), changing: nil, $0)
        }
        entrance.post("/workers/windows", .workforceManage) { try await save($0, changing: nil) }
        entrance.get("/workers/windows/:name/edit", .workforceManage) { visit in
            let window = try await window(of: visit)
            return try await page(WindowForm(window), changing: window.name, visit)
        }
        entrance.post("/workers/windows/:name", .workforceManage) {
            try await save($0, changing: try $0.call.parameter("name"))
        }
        entrance.get("/workers/windows/:name/delete", .workforceManage) { visit in
            let window = try await window(of: visit)
            let view = ConfirmPage(
                area: "Workers", back: "/workers#windows", question: "Delete the maintenance window \(window.name)?",
                text: "Jobs start in its times again: \(window.words).",
                action: "/workers/windows/\(window.name.encodedForAddress)/delete", button: "Delete the window")
            return console.pages.page("confirm", view, Heading(view.question, .workers), visit: visit)
        }
        entrance.post("/workers/windows/:name/delete", .workforceManage) { visit in
            try await console.operations.deleteWindow(try visit.call.parameter("name"), as: visit.caller)
            return .redirect(to: "/workers#windows")
        }
    }

    private func save(_ visit: Visit, changing known: String?) async throws -> Response {
        let form = WindowForm(try await visit.call.form())
        do {
            let name = if let known { known } else { try await newName(form, visit) }
            _ = try await console.operations.putWindow(name, try form.request(), as: visit.caller)
            return .redirect(to: "/workers#windows")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(form, changing: known, visit, problem: problem)
        }
    }

    /// - Throws: `conflict` for the name of another window, which would be changed without being seen.
    private func newName(_ form: WindowForm, _ visit: Visit) async throws -> String {
        guard Slug.isValid(form.name) else {
            throw Problem(
                .invalidInput, "A window's name holds a-z, digits and _ only, and begins with a letter.",
                hint: form.name.isEmpty ? "Try weekend." : "Try \(Slug.snakeCase("\(form.name) window")).")
        }
        if try await console.operations.windows(as: visit.caller).contains(where: { $0.name == form.name }) {
            throw Problem(
                .conflict, "There is a window \(form.name) already.", hint: "Change that one, or choose another name.")
        }
        return form.name
    }

    private func page(
        _ form: WindowForm, changing name: String?, _ visit: Visit, problem: Problem? = nil
    ) async throws -> Response {
        let pipelines = try await KnownPipelines(console, as: visit.caller)
        let view = WindowFormPage(
            title: name.map { "Change \($0)" } ?? "New maintenance window",
            action: name.map { "/workers/windows/\($0.encodedForAddress)" } ?? "/workers/windows", isNew: name == nil,
            form: form, keys: LimitKey.choices(pipelines, used: [], chosen: form.key),
            problem: problem.map { ProblemNote($0) })
        let status = HTTPResponse.Status(problem)
        return console.pages.page("window-form", view, Heading(view.title, .workers), visit: visit, status: status)
    }

    private func window(of visit: Visit) async throws -> WindowView {
        let name = try visit.call.parameter("name")
        guard let window = try await console.operations.windows(as: visit.caller).first(where: { $0.name == name })
        else {
            throw Problem(
                .notFound, "There is no maintenance window \(name).", hint: "See what there is under Workers.")
        }
        return window
    }
}

struct WindowFormPage: Sendable {
    let title: String
    let action: String
    let isNew: Bool
    let form: WindowForm
    let keys: [Choice]
    let problem: ProblemNote?
}

/// The form of a window as it was sent, or as a window fills it.
struct WindowForm: Sendable {
    let name: String
    let key: String?
    let expression: String
    let timeZone: String
    let minutes: String
    let because: String

    init(_ form: Form) {
        name = form["name"] ?? ""
        key = form["key"]
        expression = form["expression"] ?? ""
        timeZone = form["timeZone"] ?? ""
        minutes = form["minutes"] ?? ""
        because = form["because"] ?? ""
    }

    init(_ window: WindowView) {
        name = window.name
        key = window.key
        expression = window.expression
        timeZone = window.timeZone
        minutes = String(window.minutes)
        because = window.because ?? ""
    }

    /// - Throws: `invalidInput` if it lacks something.
    func request() throws -> WindowRequest {
        guard !expression.isEmpty else {
            throw Problem(.invalidInput, "It is not said when the window opens.", hint: "Try 0 2 * * 6.")
        }
        guard let length = try LimitForm.whole(minutes, "How long it stays open") else {
            throw Problem(.invalidInput, "It is not said how long the window stays open.", hint: "Give minutes.")
        }
        return WindowRequest(
            key: try LimitForm.key(key), expression: expression, timeZone: timeZone.isEmpty ? nil : timeZone,
            minutes: length, because: because.isEmpty ? nil : because)
    }
}

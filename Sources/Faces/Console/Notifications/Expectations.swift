import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// How fresh pipelines are to be: made, removed.
struct Expectations: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/notifications/expectations/new", .notificationsManage) {
            try await page(ExpectationForm($0.call.query), $0)
        }
        entrance.post("/notifications/expectations", .notificationsManage) { try await save($0) }
        entrance.get("/notifications/expectations/:id/remove", .notificationsManage) { try await confirm($0) }
        entrance.post("/notifications/expectations/:id/remove", .notificationsManage) { visit in
            try await console.operations.removeExpectation(try visit.call.parameter("id"), as: visit.caller)
            return .redirect(to: "/notifications#expectations")
        }
    }

    private func save(_ visit: Visit) async throws -> Response {
        let form = ExpectationForm(try await visit.call.form())
        do {
            _ = try await console.operations.expect(try form.request(), as: visit.caller)
            return .redirect(to: "/notifications#expectations")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(form, visit, problem: problem)
        }
    }

    private func confirm(_ visit: Visit) async throws -> Response {
        let id = try visit.call.parameter("id")
        let all = try await console.operations.expectations(as: visit.caller)
        guard let expectation = all.first(where: { $0.expectationID == id }) else {
            throw Problem(
                .notFound, "There is no such expectation.", hint: "See what there is under Notifications.")
        }
        let row = ExpectationRow(expectation, now: console.time.now())
        let view = ConfirmPage(
            area: "Notifications", back: "/notifications#expectations",
            question: "Expect nothing of \(row.title) any more?",
            text: "\(row.rule). Nobody is told any more when it is late.", action: "\(row.address)/remove",
            button: "Remove the expectation")
        return console.pages.page("confirm", view, Heading(view.question, .notifications), visit: visit)
    }

    private func page(_ form: ExpectationForm, _ visit: Visit, problem: Problem? = nil) async throws -> Response {
        let pipelines = try await KnownPipelines(console, as: visit.caller)
        let view = ExpectationFormPage(
            pipelines: pipelines.choices(chosen: form.pipeline), table: form.table, count: form.count,
            units: ScheduleForm.units.map { Choice(value: $0.0, label: $0.0, isChosen: $0.0 == form.unit) },
            problem: problem.map { ProblemNote($0) })
        let status = HTTPResponse.Status(problem)
        let heading = Heading("New expectation", .notifications)
        return console.pages.page("expectation-form", view, heading, visit: visit, status: status)
    }
}

struct ExpectationFormPage: Sendable {
    let pipelines: [Choice]
    let table: String
    let count: String
    let units: [Choice]
    let problem: ProblemNote?
}

/// The form of an expectation as it was sent.
struct ExpectationForm: Sendable {
    let pipeline: Pipeline?
    let table: String
    let count: String
    let unit: String

    init(_ form: Form) {
        pipeline = form["pipeline"].flatMap { Pipeline($0) }
        table = form["table"] ?? ""
        count = form["count"] ?? (form.raw("count") == nil ? "6" : "")
        unit = form["unit"] ?? "hours"
    }

    /// - Throws: `invalidInput` if it lacks something.
    func request() throws -> ExpectationRequest {
        guard let pipeline else {
            throw Problem(.invalidInput, "No pipeline is chosen.", hint: "Clone a source first, then choose it here.")
        }
        let factor = ScheduleForm.units.first { $0.0 == unit }?.1
        guard let number = Int(count), number > 0, number <= 100_000, let factor else {
            throw Problem(.invalidInput, "How fresh it is to be is no whole number.", hint: "Try 6 hours.")
        }
        return ExpectationRequest(
            source: pipeline.source, environment: pipeline.environment, table: table.isEmpty ? nil : table,
            freshWithinMinutes: number * factor)
    }
}

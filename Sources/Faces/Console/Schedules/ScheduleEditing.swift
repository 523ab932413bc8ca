import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// The form of a schedule: filled in, tried, saved.
struct ScheduleEditing: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/schedules/new", .schedulesManage) { visit in
            try await page(ScheduleForm(visit.call.query), changing: nil, visit)
        }
        entrance.post("/schedules/new/preview", .schedulesManage) { try await preview($0, changing: nil) }
        entrance.post("/schedules", .schedulesManage) { try await save($0, changing: nil) }
        entrance.get("/schedules/:name/edit", .schedulesManage) { visit in
            let schedule = try await console.operations.schedule(try name(of: visit), as: visit.caller)
            return try await page(ScheduleForm(schedule), changing: schedule.name, visit)
        }
        entrance.post("/schedules/:name/preview", .schedulesManage) {
            try await preview($0, changing: try name(of: $0))
        }
        entrance.post("/schedules/:name", .schedulesManage) { try await save($0, changing: try name(of: $0)) }
    }

    /// What the trigger means: a piece for htmx, the whole form again without it.
    private func preview(_ visit: Visit, changing name: String?) async throws -> Response {
        let form = ScheduleForm(try await visit.call.form())
        do {
            let trigger = try form.trigger()
            let preview = try await console.operations.preview(trigger, as: visit.caller)
            let note = PreviewNote(preview, zone: trigger.timeZone, now: console.time.now())
            if visit.call.isFragment { return .html(console.pages.render("schedule-preview", note)) }
            return try await page(form, changing: name, visit, preview: note)
        } catch let problem as Problem where problem.code.isForPerson && !visit.call.isFragment {
            return try await page(form, changing: name, visit, problem: problem)
        }
    }

    private func save(_ visit: Visit, changing known: String?) async throws -> Response {
        let form = ScheduleForm(try await visit.call.form())
        do {
            let name = if let known { known } else { try await newName(form, visit) }
            let schedule = try await console.operations.putSchedule(name, try form.request(), as: visit.caller)
            return .redirect(to: Address.schedule(schedule.name))
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(form, changing: known, visit, problem: problem)
        }
    }

    /// - Throws: `conflict` for the name of another schedule, which would be changed without being seen.
    private func newName(_ form: ScheduleForm, _ visit: Visit) async throws -> String {
        let name = try form.checkedName()
        if try await console.operations.schedules(as: visit.caller).contains(where: { $0.name == name }) {
            throw Problem(
                .conflict, "There is a schedule \(name) already.", hint: "Change that one, or choose another name.")
        }
        return name
    }

    private func page(
        _ form: ScheduleForm, changing name: String?, _ visit: Visit, preview: PreviewNote? = nil,
        problem: Problem? = nil
    ) async throws -> Response {
        let pipelines = try await KnownPipelines(console, as: visit.caller)
        let view = ScheduleFormPage(form, changing: name, pipelines: pipelines, preview: preview, problem: problem)
        let status = HTTPResponse.Status(problem)
        let heading = Heading(view.title, .schedules, needsHtmx: true)
        return console.pages.page("schedule-form", view, heading, visit: visit, status: status)
    }

    private func name(of visit: Visit) throws -> String { try visit.call.parameter("name") }
}

extension Problem.Code {
    /// Whether a form that met it is shown again, with what was typed: the person can mend it there.
    var isForPerson: Bool { [.invalidInput, .notFound, .conflict, .forbidden, .unsupported].contains(self) }
}

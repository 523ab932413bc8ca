import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Schedules: when pipelines run by themselves.
struct SchedulesArea: Sendable {
    private static let lastRuns = 8

    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/schedules", .schedulesRead) { try await list($0) }
        entrance.get("/schedules/:name", .schedulesRead) { visit in
            try await show(try await schedule(of: visit), visit)
        }
        entrance.post("/schedules/:name/run", .clonesStart) { visit in
            let accepted = try await console.operations.runSchedule(try name(of: visit), as: visit.caller)
            return .redirect(to: Address.run(accepted.runID))
        }
        entrance.post("/schedules/:name/pause", .schedulesManage) { visit in
            let because = try await visit.call.form()["because"]
            return back(
                try await console.operations.pauseSchedule(try name(of: visit), because: because, as: visit.caller))
        }
        entrance.post("/schedules/:name/resume", .schedulesManage) { visit in
            back(try await console.operations.resumeSchedule(try name(of: visit), as: visit.caller))
        }
        entrance.post("/schedules/:name/backfill", .clonesStart) { try await backfill($0) }
        entrance.get("/schedules/:name/delete", .schedulesManage) { try await confirm($0) }
        entrance.post("/schedules/:name/delete", .schedulesManage) { visit in
            try await console.operations.deleteSchedule(try name(of: visit), as: visit.caller)
            return .redirect(to: "/schedules")
        }
        ScheduleEditing(console: console).addRoutes(to: entrance)
    }

    private func list(_ visit: Visit) async throws -> Response {
        let schedules = try await console.operations.schedules(as: visit.caller)
        let runs =
            schedules.isEmpty ? try await console.operations.runs(RunFilter(limit: 1), as: visit.caller).runs : []
        let now = console.time.now()
        let view = SchedulesPage(
            schedules: schedules.map { ScheduleRow($0, now: now) }, hasPipelines: !schedules.isEmpty || !runs.isEmpty)
        return console.pages.page("schedules", view, Heading("Schedules", .schedules), visit: visit)
    }

    private func show(
        _ schedule: ScheduleView, _ visit: Visit, backfill: SchedulePage.Backfill = SchedulePage.Backfill(),
        status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let filter = RunFilter(limit: Self.lastRuns, schedule: schedule.name)
        let runs = try await console.operations.runs(filter, as: visit.caller).runs
        let view = SchedulePage(schedule, runs: runs, now: console.time.now(), backfill: backfill)
        let heading = Heading(schedule.name, .schedules)
        return console.pages.page("schedule", view, heading, visit: visit, status: status)
    }

    private func backfill(_ visit: Visit) async throws -> Response {
        let form = try await visit.call.form()
        var note = SchedulePage.Backfill(from: form["from"] ?? "", through: form["through"] ?? "")
        let schedule = try await schedule(of: visit)
        do {
            let accepted = try await console.operations.backfill(
                schedule.name, BackfillRequest(from: note.from, through: note.through), as: visit.caller)
            let made = accepted.runIDs.count
            let there = accepted.alreadyThere
            note.outcome =
                "\(Readable.plural(made, "run")) \(made == 1 ? "was" : "were") made"
                + (there > 0
                    ? "; \(Readable.plural(there, "time")) had \(there == 1 ? "its" : "their") run already." : ".")
            return try await show(schedule, visit, backfill: note)
        } catch let problem as Problem where problem.code == .invalidInput {
            note.problem = ProblemNote(problem)
            return try await show(schedule, visit, backfill: note, status: .badRequest)
        }
    }

    private func confirm(_ visit: Visit) async throws -> Response {
        let schedule = try await schedule(of: visit)
        let address = Address.schedule(schedule.name)
        let view = ConfirmPage(
            area: "Schedules", back: address, question: "Delete the schedule \(schedule.name)?",
            text:
                "\(schedule.source) in \(schedule.environment) does not run by itself any more. Runs that it made stay.",
            action: "\(address)/delete", button: "Delete the schedule")
        return console.pages.page("confirm", view, Heading(view.question, .schedules), visit: visit)
    }

    private func back(_ schedule: ScheduleView) -> Response { .redirect(to: Address.schedule(schedule.name)) }

    private func name(of visit: Visit) throws -> String { try visit.call.parameter("name") }

    private func schedule(of visit: Visit) async throws -> ScheduleView {
        try await console.operations.schedule(try name(of: visit), as: visit.caller)
    }
}

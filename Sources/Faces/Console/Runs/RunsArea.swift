import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// All runs, and one run while it goes on.
struct RunsArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.getShared("/runs", .runsRead) { try await list($0) }
        entrance.post("/runs/actions", .runsManage) { try await BulkChange(console: console, visit: $0).response() }
        entrance.get("/runs/:id", .runsRead) { try await show($0) }
        entrance.get("/runs/:id/events", .runsRead) { try await stream($0) }
        entrance.post("/runs/:id/cancel", .runsManage) { visit in
            try await change(visit) { id, form in
                try await console.operations.cancelRun(id, note: form["note"], as: visit.caller)
            }
        }
        entrance.post("/runs/:id/retry", .runsManage) { visit in
            try await change(visit) { id, form in
                try await console.operations.retryRun(id, from: form["from"], as: visit.caller)
            }
        }
        entrance.post("/runs/:id/resolve", .runsManage) { visit in
            try await change(visit) { id, form in
                try await console.operations.resolveRun(id, note: form["note"] ?? "", as: visit.caller)
            }
        }
    }

    /// Changes a run and shows its page again, or the page of this console that the form names. Empty fields count as
    /// absent.
    private func change(
        _ visit: Visit, _ work: (RunID, Form) async throws -> RunDetail
    ) async throws -> Response {
        let form = try await visit.call.form()
        let detail = try await work(try runID(of: visit), form)
        return .redirect(to: form["next"].flatMap { ReturnPath($0)?.text } ?? Address.run(detail.run.runID))
    }

    /// The page, or the list alone for a script that keeps it fresh.
    private func list(_ visit: Visit) async throws -> SharedContent {
        let choice = try RunChoice(visit.call.query)
        let runs = try await console.operations.runs(choice.filter, as: visit.caller)
        let view = RunsPage(runs, choice: choice, now: console.time.now())
        if visit.call.isFragment { return .fragment("run-list", view: view.list) }
        return .page("runs", view: view, Heading("Runs", .runs))
    }

    private func show(_ visit: Visit) async throws -> Response {
        let id = try runID(of: visit)
        let detail = try await console.operations.run(id, as: visit.caller)
        let before = visit.call.query["before"].flatMap { Int64($0) }
        let log = try await console.operations.log(
            of: id, .before(before), limit: RunPage.logLines, as: visit.caller)
        let view = RunPage(detail, log: log, isNewest: before == nil, now: console.time.now())
        let heading = Heading(
            view.live.title, .runs, refreshSeconds: view.events == nil ? nil : 3)
        return console.pages.page("run", view, heading, visit: visit)
    }

    /// A browser that lost the line names the last log line it has; others say where their page ends.
    private func stream(_ visit: Visit) async throws -> Response {
        let last = visit.call.request.headers.value("Last-Event-ID") ?? visit.call.query["after"] ?? "0"
        let events = try await console.operations.events(
            of: try runID(of: visit), after: Int64(last) ?? 0, as: visit.caller)
        return RunEventStream(pages: console.pages, time: console.time).response(to: events)
    }

    private func runID(of visit: Visit) throws -> RunID {
        guard let id = RunID(try visit.call.parameter("id")) else {
            throw Problem(.notFound, "There is no such run.", hint: "See all runs under Runs.")
        }
        return id
    }
}

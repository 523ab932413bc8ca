import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let runLists: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/runs", name: "listRuns",
            summary: "Runs, the newest first, in pages: ask again with `before` for the next.",
            parameters: [
                .query("limit", "How many at most; 50 if absent.", .integer(least: 1, most: 500)),
                .query("before", "Only runs before this one in the list: the `next` of the page before."),
                .query("state", "Any of these; all if absent.", .list(.words(StateWord.allCases.map(\.rawValue)))),
                .query("kind", "`clone` or `notify`; all but `notify` if absent."),
                .query("source", "A source's name."),
                .query("environment", "All if absent.", Shapes.environments),
                .query("schedule", "The name of the schedule that made it."),
                .query("search", "Part of a source's name, of a run's id, of its problem or its note, in any case."),
            ],
            answer: .json(Shapes.runList, "The runs."),
            action: .shared(.runsRead) { call, caller in
                try await call.operations.runs(filter(of: call), as: caller)
            }),
        Endpoint(
            method: .post, path: "/api/v1/runs/actions", name: "changeRuns",
            summary: "Cancels, retries or resolves several runs, each by itself. What could not be done is said in its "
                + "outcome.",
            body: Shapes.bulkRequest, answer: .json(Shapes.bulkOutcomes, "How each run stands now."),
            action: .signedIn(.runsManage) { call, caller in
                try .json(["outcomes": await call.operations.changeRuns(call.decoded(), as: caller)])
            }),
    ]

    private static func filter(of call: Call) -> RunFilter {
        RunFilter(
            limit: call.integer("limit", default: 50), before: call.text("before"),
            states: call.list("state").compactMap(StateWord.init), kind: call.text("kind"),
            source: call.text("source"), environment: call.text("environment"), schedule: call.text("schedule"),
            search: call.text("search"))
    }
}

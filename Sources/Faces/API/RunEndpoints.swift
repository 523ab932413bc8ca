import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let runs: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/runs/{id}", name: "getRun", summary: "A run with its jobs and receipts.",
            parameters: [runID], answer: .json(Shapes.runDetail, "The run."), problems: [.notFound],
            action: .signedIn(.runsRead) { call, caller in
                try .json(await call.operations.run(call.runID(), as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/runs/{id}/cancel", name: "cancelRun",
            summary: "Cancels all of a run that is not done. Jobs that run stop within seconds.",
            parameters: [runID], body: Shapes.cancelRequest, answer: .json(Shapes.runDetail, "The run."),
            problems: [.notFound],
            action: .signedIn(.runsManage) { call, caller in
                let request: CancelRequest = try call.decoded()
                return try .json(
                    await call.operations.cancelRun(call.runID(), note: request.note, as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/runs/{id}/retry", name: "retryRun",
            summary: "Takes a failed run (RETRYABLE) up again.",
            parameters: [runID], body: Shapes.retryRequest, answer: .json(Shapes.runDetail, "The run."),
            problems: [.notFound, .conflict],
            action: .signedIn(.runsManage) { call, caller in
                let request: RetryRequest = try call.decoded()
                return try .json(
                    await call.operations.retryRun(call.runID(), from: request.from, as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/runs/{id}/resolve", name: "resolveRun",
            summary: "Ends a failed run (RETRYABLE) that somebody has taken care of.",
            parameters: [runID], body: Shapes.resolveRequest, answer: .json(Shapes.runDetail, "The run."),
            problems: [.notFound, .conflict],
            action: .signedIn(.runsManage) { call, caller in
                let request: ResolveRequest = try call.decoded()
                return try .json(
                    await call.operations.resolveRun(call.runID(), note: request.note, as: caller))
            }),
        Endpoint(
            method: .get, path: "/api/v1/runs/{id}/logs", name: "getRunLogs",
            summary: "A run's log lines, in order and in pages: ask again with `after` for the next page.",
            parameters: [
                runID, after,
                .query("limit", "How many lines at most; 500 if absent.", .integer(least: 1, most: LogPage.most)),
            ],
            answer: .json(Shapes.logLines, "The lines."), problems: [.notFound],
            action: .signedIn(.runsRead) { call, caller in
                let sequence = Int64(call.integer("after", default: 0))
                return try .json(
                    await call.operations.log(
                        of: call.runID(), .after(sequence), limit: call.integer("limit", default: 500), as: caller))
            }),
        Endpoint(
            method: .get, path: "/api/v1/runs/{id}/events", name: "followRun",
            summary:
                "Follows a run by server-sent events: `run` with a RunDetail, `log` with a LogLine (its `id` is the "
                + "sequence), `problem` with a Problem when the server cannot go on. It ends after the `run` event whose "
                + "state is over, or when the server stops: connect again then. Comment lines come every 15 seconds.",
            parameters: [
                runID, after,
                Parameter(
                    name: "Last-Event-ID", place: .header, schema: .integer(least: 0),
                    note: "The last log line that was read; it goes before `after`."),
            ],
            answer: Answer(
                note: "The events.", contents: [Answer.Content(mediaType: "text/event-stream", schema: nil)],
                isEndless: true),
            problems: [.notFound],
            action: .signedIn(.runsRead) { call, caller in
                let sequence = call.integer("Last-Event-ID", default: call.integer("after", default: 0))
                let events = try await call.operations.events(of: call.runID(), after: Int64(sequence), as: caller)
                return EventFeed(events: events, heartbeats: call.heartbeats, faults: call.faults).response
            }),
    ]

    private static let runID = Parameter.path("id", "The run's id.", .text(format: "uuid"))
    private static let after = Parameter.query("after", "Only log lines after this sequence.", .integer(least: 0))
}

import Wire

extension Shapes {
    static let states = Schema.words(StateWord.allCases.map(\.rawValue))

    static let runSummary = Shape(
        name: "RunSummary", note: "A run.",
        fields: [
            Field("run_id", .text(format: "uuid")),
            Field("kind", .text(), "`clone` or `notify`"),
            Field("organization", .text()),
            Field("environment", .text()),
            Field("source", .text()),
            Field(
                "state", states, "RETRYABLE or FAILED if any of its jobs is and nothing can go on, SUCCESS if all are."),
            Field("created_at", .text(format: "date-time")),
            .optional("finished_at", .text(format: "date-time")),
            Field("seconds", .number(), "From creation to the end, or to now."),
            .optional("problem", .shape(innerProblem)),
            .optional("schedule", .text(), "The schedule that made it; absent if a person did."),
            .optional("scheduled_for", .text(format: "date-time"), "The schedule's time that it stands for."),
            .optional("note", .text(), "What a person said who cancelled or resolved it."),
            .optional("correlation_id", .text(), "The trace that it belongs to, also in the log."),
        ])

    static let cancelRequest = Shape(
        name: "CancelRequest", note: "Why a run is cancelled.",
        fields: [.optional("note", .text(), "For others.")])

    static let retryRequest = Shape(
        name: "RetryRequest", note: "Where a failed run is taken up again.",
        fields: [.optional("from", .text(), "A kind of job: it and all after it; the jobs that failed if absent.")])

    static let resolveRequest = Shape(
        name: "ResolveRequest", note: "How a failed run was taken care of.", fields: [Field("note", .text())])

    static let progress = Shape(
        name: "Progress", note: "How far a job is.",
        fields: [
            Field("done", .integer()),
            .optional("total", .integer(), "If known."),
            Field("unit", .text(), "What `done` and `total` count."),
            .optional("rows", .integer()),
            .optional("bytes", .integer()),
            .optional("note", .text(), "What it is at."),
            .optional("per_second", .number(), "`done` per second since the job began."),
            .optional("seconds_left", .number(), "How long the rest takes at that rate."),
        ])

    static let job = Shape(
        name: "Job", note: "A unit of durable work.",
        fields: [
            Field("job_id", .text(format: "uuid")),
            Field("kind", .text(), "`provision`, `extract`, `validate`, `load`, `model` or `publish`."),
            Field("state", states),
            Field("attempt", .integer(least: 0)),
            .optional("progress", .shape(progress)),
            .optional("started_at", .text(format: "date-time")),
            .optional("finished_at", .text(format: "date-time")),
            .optional("problem", .shape(innerProblem)),
            .optional("waiting", .text(), "Why a pending job is not running."),
            Field("after", .list(.text(format: "uuid")), "Ids of the jobs that it comes after."),
            .optional(
                "ready_at", .text(format: "date-time"),
                "When a worker could first have taken it: all jobs before it were done."),
            .optional("worker", .text(), "Who has it, or had it last: `host/pid`."),
        ])

    static let streamReceipt = Shape(
        name: "StreamReceipt", note: "Rows at the source in the snapshot against rows in the warehouse.",
        fields: [
            Field("name", .text()),
            Field("table", .text(), "The table in RAW."),
            .optional("source_rows", .integer(least: 0)),
            .optional("loaded_rows", .integer(least: 0)),
            Field("verified", .boolean, "Whether they are equal."),
            .optional("problem", .shape(innerProblem)),
        ])

    static let modelsReceipt = Shape(
        name: "ModelsReceipt", note: "What dbt built and tested.",
        fields: [
            Field("built", .integer(least: 0)),
            Field("tests_passed", .integer(least: 0)),
            Field("tests_failed", .integer(least: 0)),
        ])

    static let runDetail = Shape(
        name: "RunDetail", note: "A run with its jobs and receipts.",
        fields: [
            Field("run", .shape(runSummary)),
            Field("jobs", .list(.shape(job)), "In the order of the journey."),
            Field("streams", .list(.shape(streamReceipt)), "Known from the extraction on."),
            .optional("models", .shape(modelsReceipt)),
            .optional("dashboard_url", .text()),
            .optional("load_seconds", .number(), "Extract, validate and load, without models; absent until loaded."),
        ])

    static let logLine = Shape(
        name: "LogLine", note: "One line of a run's log.",
        fields: [
            Field("sequence", .integer(least: 0), "Grows along a run."),
            Field("at", .text(format: "date-time")),
            Field("job", .text()),
            Field("level", .text(), "`info`, `warning` or `error`."),
            Field("text", .text()),
        ])

    static let logLines = Shape(
        name: "LogLines", note: "Log lines in order.",
        fields: [
            Field("lines", .list(.shape(logLine))),
            .optional(
                "next", .integer(least: 1), "Give it as `after` to get the next page; absent if there is none yet."),
        ])
}

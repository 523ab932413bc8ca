import Wire

extension Shapes {
    static let workerJob = Shape(
        name: "WorkerJob", note: "A job that a worker has for the caller's organization.",
        fields: [
            Field("run_id", .text(format: "uuid")),
            Field("kind", .text()),
            Field("source", .text()),
            Field("seconds", .number()),
        ])

    static let worker = Shape(
        name: "Worker", note: "A process that does jobs.",
        fields: [
            Field("name", .text(), "`host/pid`"),
            Field("version", .text()),
            Field("kinds", .list(.text()), "Kinds of jobs that it takes."),
            Field("is_limited", .boolean, "Whether it takes jobs of some organizations only."),
            Field("slots", .integer(least: 0), "How many jobs it does at once."),
            Field("is_alive", .boolean),
            Field("started_at", .text(format: "date-time")),
            Field("seen_at", .text(format: "date-time")),
            Field("jobs", .list(.shape(workerJob)), "What it does for the caller's organization now."),
        ])

    static let workerList = Shape(
        name: "WorkerList", note: "Workers.", fields: [Field("workers", .list(.shape(worker)))])

    private static let key = Field(
        "key", .text(), "`organization`, `source/{environment}/{name}` or `warehouse/{environment}`.")

    static let limitRequest = Shape(
        name: "LimitRequest", note: "How many jobs of a key may run at once, and how far apart they start.",
        fields: [
            key,
            .open(
                "most", .integer(least: 0, most: 10_000), "At once, 0 for none; as many as there are places if absent."),
            .open("seconds_between_starts", .number(), "None if absent."),
        ])

    static let limitPauseRequest = Shape(
        name: "LimitPauseRequest", note: "No job of a key starts for a while.",
        fields: [
            key,
            .open("minutes", .integer(least: 1, most: mostMinutes), "From now; until it is resumed if absent."),
            .open("because", .text(), "For others."),
        ])

    static let limitResumeRequest = Shape(
        name: "LimitResumeRequest", note: "Jobs of a key start again.", fields: [key])

    static let limit = Shape(
        name: "Limit", note: "What holds jobs of a key back.",
        fields: [
            key,
            .optional("most", .integer()),
            .optional("seconds_between_starts", .number()),
            Field("running", .integer(least: 0), "Jobs that count under it now."),
            Field("waiting", .integer(least: 0), "Jobs that wait for it."),
            .optional("paused_until", .text(), "RFC 3339, or `further notice`; absent if it is not paused."),
            .optional("paused_because", .text()),
        ])

    static let limitList = Shape(
        name: "LimitList", note: "Limits.", fields: [Field("limits", .list(.shape(limit)))])

    static let windowRequest = Shape(
        name: "WindowRequest", note: "Times in which no job of a key starts.",
        fields: [
            key,
            Field("expression", .text(), "When it opens: cron, five fields."),
            .open("time_zone", .text(), "Of the tz database; UTC if absent."),
            Field("minutes", .integer(least: 1, most: mostMinutes), "How long it stays open."),
            .open("because", .text(), "For others."),
        ])

    static let window = Shape(
        name: "Window", note: "Times in which no job of a key starts.",
        fields: [
            Field("name", .text()),
            key,
            Field("expression", .text()),
            Field("time_zone", .text()),
            Field("minutes", .integer()),
            .optional("because", .text()),
            Field("words", .text(), "`At 02:00 on Saturday (Europe/Berlin), for 4 hours`"),
            .optional("open_until", .text(format: "date-time"), "Absent while it is closed."),
            Field("next", .text(format: "date-time"), "When it opens next."),
        ])

    static let windowList = Shape(
        name: "WindowList", note: "Maintenance windows.", fields: [Field("windows", .list(.shape(window)))])
}

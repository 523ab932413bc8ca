import Wire

extension Shapes {
    static let environments = Schema.words(["dev", "stage", "prod"])

    /// The most minutes that a request may name: a year of 366 days.
    static let mostMinutes = 527_040

    static let trigger = Shape(
        name: "Trigger", note: "When a schedule makes a run. Which other fields are set follows from `kind`.",
        fields: [
            Field("kind", .words(["every", "cron", "file", "after"])),
            .open("minutes", .integer(least: 1, most: mostMinutes), "`every`: minutes between two runs."),
            .open("expression", .text(), "`cron`: five fields."),
            .open("time_zone", .text(), "`cron`: of the tz database, such as `Europe/Berlin`; UTC if absent."),
            .open(
                "location", .text(),
                "`file`: a folder of the lake's raw zone, or `s3://bucket/prefix`, under which `_SUCCESS` markers "
                    + "arrive."),
            .open("source", .text(), "`after`: the pipeline whose successful runs it follows."),
        ])

    static let scheduleRequest = Shape(
        name: "ScheduleRequest", note: "A schedule as a whole.",
        fields: [
            Field("source", .text(), "The pipeline: a source that has been cloned into that environment."),
            .open("environment", environments, "`dev` if absent."),
            Field("trigger", .shape(trigger)),
            .open("catch_up", .words(["latest", "all", "none"]), "Of missed runs; `latest` if absent."),
            .open("tables", .list(.text()), "As a clone request's."),
            .open("views", .boolean, "As a clone request's."),
            .open("credentials", .shape(bucketCredentials), "`file` in a bucket; those that are kept stay if absent."),
        ])

    static let bucketCredentials = Shape(
        name: "BucketCredentials",
        note: "An access key that may list the bucket below the location. Kept encrypted, never shown.",
        fields: [
            Field("access_key_id", .text()), Field("secret_access_key", .text()),
            .open("session_token", .text(), "Of temporary keys."),
        ])

    static let schedule = Shape(
        name: "Schedule", note: "When a pipeline runs by itself.",
        fields: [
            Field("name", .text()),
            Field("source", .text()),
            Field("environment", .text()),
            Field("trigger", .shape(trigger)),
            Field("words", .text(), "The trigger in words: `every 6 hours`, `At 06:00 (Europe/Berlin)`."),
            Field("catch_up", .text(), "`latest`, `all` or `none`: what becomes of runs that were missed."),
            Field("tables", .list(.text()), "All if empty."),
            Field("views", .boolean),
            Field("is_paused", .boolean),
            .optional("paused_by", .text()),
            .optional("paused_because", .text()),
            Field(
                "next", .list(.text(format: "date-time")),
                "The next five times; empty while it is paused and for triggers that are no times."),
            .optional("waiting", .text(), "Why it has not fired although it was due, or what keeps it from firing."),
            .optional("problem", .shape(innerProblem)),
            .optional("last_run_id", .text(format: "uuid")),
            .optional("last_run_state", states),
            .optional("last_fired_at", .text(format: "date-time")),
            Field("created_by", .text()),
        ])

    static let scheduleList = Shape(
        name: "ScheduleList", note: "Schedules, by name.", fields: [Field("schedules", .list(.shape(schedule)))])

    static let triggerPreview = Shape(
        name: "TriggerPreview", note: "What a trigger means.",
        fields: [
            Field("words", .text()),
            Field(
                "next", .list(.text(format: "date-time")),
                "The next five times; empty for triggers that are no times."),
        ])

    static let pauseRequest = Shape(
        name: "PauseRequest", note: "Why it is paused.", fields: [.open("because", .text(), "For others.")])

    static let backfillRequest = Shape(
        name: "BackfillRequest", note: "A range of days in the schedule's time zone, both included.",
        fields: [Field("from", .text(format: "date")), Field("through", .text(format: "date"))])

    static let backfillAccepted = Shape(
        name: "BackfillAccepted", note: "The runs that now go on by themselves.",
        fields: [
            Field("run_ids", .list(.text(format: "uuid")), "Those that are new, the oldest first."),
            Field("already_there", .integer(least: 0), "Times that had their run already."),
        ])
}

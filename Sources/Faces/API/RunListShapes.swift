import Wire

extension Shapes {
    static let runList = Shape(
        name: "RunList", note: "A page of runs, the newest first.",
        fields: [
            Field("runs", .list(.shape(runSummary))),
            .optional("next", .text(), "Give it as `before` to get the next page; absent if this is the last."),
        ])

    static let bulkRequest = Shape(
        name: "BulkRequest", note: "The same for several runs.",
        fields: [
            Field("action", .words(["cancel", "retry", "resolve"])),
            Field("run_ids", .list(.text(format: "uuid")), "At most 200."),
            .open("note", .text(), "Why, or how they were resolved; `resolve` needs it."),
        ])

    static let bulkOutcomes = Shape(
        name: "BulkOutcomes", note: "How each run stands after it.",
        fields: [Field("outcomes", .list(.shape(bulkOutcome)))])

    static let bulkOutcome = Shape(
        name: "BulkOutcome", note: "How a run stands after it, or why it could not be done.",
        fields: [
            Field("run_id", .text(format: "uuid")),
            .optional("state", states, "Absent if it could not be done."),
            .optional("problem", .shape(innerProblem)),
        ])
}

import Wire

extension Shapes {
    static let auditLine = Shape(
        name: "AuditLine", note: "Who did what. Every field but `hash` is in the line's hash: see docs/audit.md.",
        fields: [
            Field("organization_id", .text(format: "uuid"), "Zeros: the house."),
            Field("sequence", .integer(least: 1), "From 1 on, without gaps."),
            Field("at", .text(format: "date-time"), "With microseconds."),
            .optional("who_id", .text(format: "uuid")),
            Field("who", .text(), "As they were called then."),
            Field("who_kind", .words(["person", "service", "local", "system", "nobody"])),
            .optional("credential_id", .text(format: "uuid"), "The token or session that was used."),
            Field("action", .text(), "`schedules.put`; of who was refused at the door the permission."),
            .optional("target_kind", .text()),
            .optional("target", .text(), "Its name or its id."),
            Field("outcome", .words(["done", "refused", "failed"])),
            .optional("problem", .text(), "A problem's code."),
            .optional("before", .text(), "Settings as they were: JSON as text."),
            .optional("after", .text(), "Settings as they are now, or what was asked for: JSON as text."),
            .optional("address", .text(), "Where the request came from."),
            .optional("user_agent", .text()),
            .optional("correlation_id", .text(), "Also in the log, in traces and in the run that it began."),
            Field("previous_hash", .text(), "Of the line before; zeros for the first."),
            Field("hash", .text(), "SHA-256 in hexadecimal digits."),
        ])

    static let auditPage = Shape(
        name: "AuditPage", note: "Lines, the newest first.",
        fields: [
            Field("lines", .list(.shape(auditLine))),
            .optional("next", .text(), "As `before`: the page of older lines; absent if there is none."),
        ])

    static let auditHead = Shape(
        name: "AuditHead", note: "Where the chain ends.",
        fields: [
            Field("head", .text(), "`sequence:hash`, to be kept elsewhere."),
            Field("sequence", .integer(least: 0)),
            Field("first", .integer(least: 1), "The first line that is kept."),
            Field("keep_days", .integer(least: 0), "How long lines are kept."),
        ])

    static let auditFault = Shape(
        name: "AuditFault", note: "What no honest chain has.",
        fields: [
            Field("kind", .words(["changed", "missing", "unlinked", "inserted", "head", "anchor"])),
            Field("sequence", .integer(least: 0)), Field("through", .integer(least: 0)),
            Field("words", .text(), "One sentence."),
        ])

    static let auditVerification = Shape(
        name: "AuditVerification", note: "What the check of a chain has found.",
        fields: [
            Field("is_whole", .boolean, "Whether nothing is wrong."),
            Field("lines", .integer(least: 0), "How many were checked."),
            Field("first", .integer(least: 1)),
            Field("head", .text(), "Up to which it was checked."),
            Field("seconds", .number()),
            Field("faults", .list(.shape(auditFault)), "At most 100."),
        ])

    static let auditRetention = Shape(
        name: "AuditRetention", note: "How long lines are kept.",
        fields: [Field("keep_days", .integer(least: 90, most: 36_500))])
}

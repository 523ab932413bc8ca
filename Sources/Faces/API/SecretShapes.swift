import Wire

extension Shapes {
    static let secretRequest = Shape(
        name: "SecretRequest", note: "A new value: `value` or `password`.",
        fields: [
            .open(
                "value", .text(),
                "A source's address; a bucket's key as JSON (`access_key_id`, `secret_access_key`); a webhook's `whsec_…`."
            ),
            .open("password", .text(), "Of a source: only its password; the rest of its address stays."),
        ])

    static let secretUse = Shape(
        name: "SecretUse", note: "What hangs on a secret.",
        fields: [
            Field("what", .text(), "`source shop in dev`"),
            Field("without", .text(), "What stops without it."),
        ])

    static let secret = Shape(
        name: "Secret", note: "A secret without its value.",
        fields: [
            Field("name", .text()),
            Field("kind", .words(["source", "bucket", "webhook", "warehouse", "other"])),
            Field("version", .integer(least: 0), "Counts up with each new value; 0 if the store does not count."),
            Field("changed_at", .text(format: "date-time")),
            .optional("changed_by", .text(), "Absent if Weirhouse made it."),
            Field("is_replaceable", .boolean, "Whether people may put a new value."),
            Field("is_revocable", .boolean, "Whether people may remove it."),
            Field("uses", .list(.shape(secretUse))),
        ])

    static let secretList = Shape(
        name: "SecretList", note: "Secrets, by name.", fields: [Field("secrets", .list(.shape(secret)))])

    static let masterKeyUse = Shape(
        name: "MasterKeyUse", note: "What hangs on a master key.",
        fields: [
            .optional(
                "master_key", .text(), "Its id, which says nothing of it; absent for secrets from before data keys."),
            Field("count", .integer(least: 0), "How many data keys, or such secrets."),
            Field("seals", .boolean, "Whether it seals what is new."),
        ])

    static let secretStore = Shape(
        name: "SecretStore", note: "Where secrets are kept.",
        fields: [
            Field("place", .text(), "`this database`, or where else."),
            Field("healthy", .boolean),
            .optional("problem", .shape(innerProblem)),
            Field("master_keys", .list(.shape(masterKeyUse)), "None if they are kept elsewhere."),
            Field("waiting", .integer(least: 0), "How many are in this database still; they move when they are used."),
        ])
}

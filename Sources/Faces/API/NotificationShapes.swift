import Wire

extension Shapes {
    static let deliveryStates = ["waiting", "sent", "dead", "resolved"]

    static let subscriptionRequest = Shape(
        name: "SubscriptionRequest", note: "Who is told of what, and how.",
        fields: [
            Field("channel", .words(["email", "webhook"])),
            Field("target", .text(), "An e-mail address, or an `https://` (or `http://`) address."),
            .open("source", .text(), "One pipeline; all if absent."),
            .open("environment", environments, "All if absent."),
            .open("events", .list(.words(["failure", "recovery", "late", "fresh"])), "All if absent or empty."),
        ])

    static let delivery = Shape(
        name: "Delivery", note: "One message to one subscription about one event.",
        fields: [
            Field("delivery_id", .text(format: "uuid")),
            Field("event", .text(), "`failure`, `recovery`, `late`, `fresh` or `test`."),
            Field("title", .text()),
            Field("channel", .text()),
            Field("target", .text()),
            .optional("source", .text()),
            .optional("environment", .text()),
            Field(
                "state", .words(deliveryStates),
                "`dead`: given up. Retrying its run (`run_id`) sends it again."),
            Field("attempts", .integer(least: 0)),
            Field("created_at", .text(format: "date-time")),
            .optional("sent_at", .text(format: "date-time")),
            .optional("problem", .shape(innerProblem)),
            Field("run_id", .text(format: "uuid"), "The run that sends it."),
            .optional("about_run_id", .text(format: "uuid"), "The run that it tells of."),
        ])

    static let deliveryList = Shape(
        name: "DeliveryList", note: "Messages, the newest first.",
        fields: [Field("deliveries", .list(.shape(delivery)))])

    static let subscription = Shape(
        name: "Subscription", note: "Who is told of what, and how.",
        fields: [
            Field("subscription_id", .text(format: "uuid")),
            Field("channel", .text(), "`email` or `webhook`."),
            Field("target", .text()),
            .optional("source", .text(), "All pipelines if absent."),
            .optional("environment", .text(), "All environments if absent."),
            Field("events", .list(.text())),
            Field("person", .text(), "Whose it is."),
            Field("created_at", .text(format: "date-time")),
            .optional("last_delivery", .shape(delivery), "How the last message went."),
        ])

    static let subscriptionList = Shape(
        name: "SubscriptionList", note: "Subscriptions.",
        fields: [Field("subscriptions", .list(.shape(subscription)))])

    static let subscriptionMade = Shape(
        name: "SubscriptionMade", note: "A new subscription.",
        fields: [
            Field("subscription", .shape(subscription)),
            .optional(
                "signing_secret", .text(),
                "A webhook's: `whsec_…` (Standard Webhooks). It is shown this once; absent for e-mail."),
        ])

    static let expectationRequest = Shape(
        name: "ExpectationRequest", note: "How old a pipeline, or one of its tables, may be.",
        fields: [
            Field("source", .text()),
            .open("environment", environments, "`dev` if absent."),
            .open("table", .text(), "A table in RAW or a stream's name; the pipeline's oldest table if absent."),
            Field("fresh_within_minutes", .integer(least: 1, most: mostMinutes)),
        ])

    static let expectation = Shape(
        name: "Expectation", note: "How old a pipeline or table may be, and how it is.",
        fields: [
            Field("expectation_id", .text()),
            Field("source", .text()),
            Field("environment", .text()),
            .optional("table", .text(), "The whole pipeline if absent."),
            Field("fresh_within_minutes", .integer()),
            Field("is_late", .boolean),
            .optional("late_since", .text(format: "date-time")),
            .optional(
                "fresh_at", .text(format: "date-time"),
                "When what is in the warehouse was taken from the source; absent if there is nothing yet."),
        ])

    static let expectationList = Shape(
        name: "ExpectationList", note: "Expectations.", fields: [Field("expectations", .list(.shape(expectation)))])
}

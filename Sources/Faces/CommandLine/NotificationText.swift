import Wire

/// Subscriptions and messages for people.
struct NotificationText {
    let style: Style

    func text(of subscriptions: [SubscriptionView]) -> String {
        guard !subscriptions.isEmpty else {
            return "Nobody is told of anything yet. Subscribe with: weir notifications add --email ADDRESS\n"
        }
        var grid = Grid(
            columns: [.init("subscription", isWhole: true)]
                + ["to", "of", "events", "whose", "last message"].map { .init($0) })
        grid.rows = subscriptions.map { subscription in
            [
                subscription.subscriptionID, subscription.target.withoutControls,
                pipeline(subscription.source, subscription.environment), subscription.events.joined(separator: ", "),
                subscription.person.withoutControls, subscription.lastDelivery.map(outcome) ?? "-",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    /// - Parameter option: what a command needs to mean the same data folder.
    func text(of made: SubscriptionMade, option: String) -> String {
        let subscription = made.subscription
        var lines = ["\(subscription.target.withoutControls) is subscribed: \(subscription.subscriptionID)"]
        if let secret = made.signingSecret {
            lines += [
                "Signing secret: \(secret)", "It is shown this once: keep it where the webhook checks signatures.",
            ]
            lines += Self.verification
        }
        lines.append("Try it with: weir notifications test \(subscription.subscriptionID)\(option)")
        return lines.map { $0 + "\n" }.joined()
    }

    /// How a webhook knows a message to be Weirhouse's (Standard Webhooks, "Signature scheme").
    private static let verification = [
        "Verify each message (Standard Webhooks; there are libraries for most languages):",
        "  1. The key is what follows whsec_, decoded from base64.",
        "  2. Join the headers webhook-id and webhook-timestamp and the body, as it came, with dots.",
        "  3. The HMAC-SHA256 of that, in base64, is what follows v1, in one of the signatures, separated by spaces,",
        "     of the header webhook-signature. Compare in constant time.",
        "  4. Refuse a timestamp more than five minutes off, and an id that was taken already.",
    ]

    func text(of deliveries: [DeliveryView], onlyDead: Bool) -> String {
        guard !deliveries.isEmpty else {
            return onlyDead
                ? "No message was given up.\n"
                : "No message was sent yet. Try a subscription with: weir notifications test ID\n"
        }
        var grid = Grid(
            columns: [
                .init("made"), .init("message"), .init("to"), .init("state"), .init("tried", isNumber: true),
                .init("run", isWhole: true), .init("problem"),
            ])
        grid.rows = deliveries.map { delivery in
            [
                delivery.createdAt.minute, delivery.title.withoutControls, delivery.target.withoutControls,
                delivery.state, Figures.grouped(delivery.attempts), delivery.runID, delivery.problem?.line ?? "-",
            ]
        }
        var lines = grid.lines(style: style) { column, text in
            guard column == 3 else { return text }
            return text == "sent" ? style.green(text) : text == "dead" ? style.red(text) : text
        }
        if deliveries.contains(where: { $0.state == "dead" }) {
            lines.append("Send a dead one again with: weir runs retry RUN")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func outcome(_ delivery: DeliveryView) -> String {
        "\(delivery.event) \(delivery.state) \((delivery.sentAt ?? delivery.createdAt).minute)"
    }

    private func pipeline(_ source: String?, _ environment: String?) -> String {
        [source ?? "all sources", environment].compactMap(\.self).joined(separator: " ")
    }
}

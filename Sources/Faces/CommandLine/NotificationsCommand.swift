import ArgumentParser
import Foundation
import Wire

struct NotificationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notifications", abstract: "List who is told of what; subscribe, test, and see what was sent.",
        subcommands: [
            ListNotificationsCommand.self, AddNotificationCommand.self, RemoveNotificationCommand.self,
            TestNotificationCommand.self, DeliveriesCommand.self,
        ],
        defaultSubcommand: ListNotificationsCommand.self)
}

struct ListNotificationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List who is told of what.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: SubscriptionList = try await answers.client.get(Address.of("subscriptions"))
        try answers.show(answer) { NotificationText(style: $0).text(of: answer.subscriptions) }
    }

    /// `GET /api/v1/subscriptions`.
    private struct SubscriptionList: Codable {
        let subscriptions: [SubscriptionView]
    }
}

struct AddNotificationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Subscribe an e-mail address or a webhook.",
        discussion: "A webhook's signing secret is printed this once.")

    @Option(help: "An e-mail address.")
    var email: String?
    @Option(help: "The https:// address of a webhook.")
    var webhook: String?
    @Option(help: "Only of this source.")
    var source: String?
    @Option(help: "Only of dev, stage or prod.")
    var environment: String?
    @Option(help: "Only these, of failure,recovery,late,fresh.")
    var events: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard (email == nil) != (webhook == nil) else {
            throw ValidationError("Say where to, with --email or with --webhook.")
        }
        if let events, events.elements.isEmpty { throw ValidationError("--events names no event.") }
    }

    func run() async throws {
        let request = SubscriptionRequest(
            channel: email == nil ? "webhook" : "email", target: email ?? webhook ?? "", source: source,
            environment: environment, events: events?.elements)
        let made: SubscriptionMade = try await answers.client.post(Address.of("subscriptions"), request)
        try answers.show(made) { NotificationText(style: $0).text(of: made, option: answers.client.folder.option) }
    }
}

/// A subscription's id, and how to print the answer.
struct SubscriptionOptions: ParsableArguments {
    @Argument(help: "A subscription's id; weir notifications lists them.")
    var id: String
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard UUID(uuidString: id) != nil else {
            throw ValidationError("A subscription's id is a UUID; weir notifications lists them.")
        }
    }
}

struct RemoveNotificationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "End a subscription.")

    @OptionGroup var subscription: SubscriptionOptions

    func run() async throws {
        try await subscription.answers.client.delete(Address.of("subscriptions", subscription.id.lowercased()))
        subscription.answers.say("The subscription is ended.")
    }
}

struct TestNotificationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send a message that is only a test.")

    @OptionGroup var subscription: SubscriptionOptions

    func run() async throws {
        let answers = subscription.answers
        let delivery: DeliveryView = try await answers.client.post(
            Address.of("subscriptions", subscription.id.lowercased(), "test"))
        try answers.show(delivery) { _ in
            """
            The message to \(delivery.target.withoutControls) is on its way.
            See how it went with: weir notifications deliveries\(answers.client.folder.option)

            """
        }
    }
}

struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "List messages, the newest first.",
        discussion: "A dead one was given up: weir runs retry RUN sends it again.")

    @Flag(help: "Only those that were given up.")
    var dead = false
    @Option(help: "How many at most, 1 to 500.")
    var limit = 20
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard (1...500).contains(limit) else { throw ValidationError("--limit must be from 1 to 500.") }
    }

    func run() async throws {
        let query = Address.query(["state": dead ? "dead" : nil, "limit": String(limit)])
        let answer: DeliveryList = try await answers.client.get(Address.of("deliveries") + query)
        try answers.show(answer) { NotificationText(style: $0).text(of: answer.deliveries, onlyDead: dead) }
    }

    /// `GET /api/v1/deliveries`.
    private struct DeliveryList: Codable {
        let deliveries: [DeliveryView]
    }
}

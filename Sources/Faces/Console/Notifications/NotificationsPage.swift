import Foundation
import Kernel
import Wire

/// Who is told of what, what is expected, and how messages went.
struct NotificationsPage: Sendable {
    static let deliveries = 100

    let subscriptions: [SubscriptionRow]
    let expectations: [ExpectationRow]
    let deliveries: [DeliveryRow]
    let filters: [RunFilterView.Link]
    let isFiltered: Bool
    /// Set if there may be older ones.
    let limitNote: String?
    let notice: String?

    init(
        subscriptions: [SubscriptionView], expectations: [ExpectationView], deliveries: [DeliveryView],
        state: DeliveryState?, now: Date, notice: String? = nil
    ) {
        self.subscriptions = subscriptions.map { SubscriptionRow($0, now: now) }
        self.expectations = expectations.map { ExpectationRow($0, now: now) }
        let here = Address.make("/notifications", [("state", state?.rawValue)]) + "#deliveries"
        self.deliveries = deliveries.map { DeliveryRow($0, back: here, now: now) }
        let all = RunFilterView.Link(label: "All", address: "/notifications#deliveries", isChosen: state == nil)
        filters =
            [all]
            + DeliveryState.allCases.map {
                RunFilterView.Link(
                    label: $0.label, address: "/notifications?state=\($0.rawValue)#deliveries", isChosen: $0 == state)
            }
        isFiltered = state != nil
        limitNote = deliveries.count == Self.deliveries ? "The newest \(Self.deliveries)" : nil
        self.notice = notice
    }
}

/// How a message went.
enum DeliveryState: String, Sendable, CaseIterable {
    case waiting
    case sent
    case dead
    case resolved

    var label: String {
        switch self {
        case .waiting: "Waiting"
        case .sent: "Sent"
        case .dead: "Dead letters"
        case .resolved: "Resolved"
        }
    }

    var badge: StateBadge {
        switch self {
        case .waiting: StateBadge(.pending)
        case .sent: StateBadge(word: "Sent", style: "success")
        case .dead: StateBadge(word: "Dead", style: "failed")
        case .resolved: StateBadge(.resolved)
        }
    }
}

/// What somebody can be told of.
enum NotificationEvent: String, Sendable, CaseIterable {
    case failure
    case recovery
    case late
    case fresh

    var label: String {
        switch self {
        case .failure: "A run failed"
        case .recovery: "It succeeds again"
        case .late: "Data is late"
        case .fresh: "Data is fresh again"
        }
    }

    /// For words that are not known here, such as `test`, the word itself.
    static func label(_ word: String) -> String { Self(rawValue: word)?.label ?? word.capitalizedFirst }
}

struct SubscriptionRow: Sendable {
    let address: String
    let channel: String
    let target: String
    let about: String
    let events: [String]
    let person: String
    let last: Last?

    struct Last: Sendable {
        let state: StateBadge
        let at: Moment
        let problem: ProblemNote?
    }

    init(_ subscription: SubscriptionView, now: Date) {
        address = "/notifications/subscriptions/\(subscription.subscriptionID.encodedForAddress)"
        channel = subscription.channel == "email" ? "E-mail" : subscription.channel.capitalizedFirst
        target = subscription.target
        about = "\(subscription.source ?? "All pipelines") in \(subscription.environment ?? "all environments")"
        let words = subscription.events.isEmpty ? NotificationEvent.allCases.map(\.rawValue) : subscription.events
        events = words.map { NotificationEvent.label($0) }
        person = subscription.person
        last = subscription.lastDelivery.map { delivery in
            Last(
                state: DeliveryRow.badge(delivery.state),
                at: Moment(delivery.sentAt ?? delivery.createdAt, now: now),
                problem: delivery.problem.map { ProblemNote($0) })
        }
    }
}

struct ExpectationRow: Sendable {
    let address: String
    /// `orders of shop in dev`.
    let title: String
    let rule: String
    let state: StateBadge
    let lateSince: Moment?
    let fresh: Moment?

    init(_ expectation: ExpectationView, now: Date) {
        address = "/notifications/expectations/\(expectation.expectationID.encodedForAddress)"
        let pipeline = Pipeline(environment: expectation.environment, source: expectation.source).label
        title = expectation.table.map { "\($0) of \(pipeline)" } ?? pipeline
        rule = "Fresh within \(Readable.minutes(expectation.freshWithinMinutes))"
        lateSince = expectation.isLate ? expectation.lateSince.map { Moment($0, now: now) } : nil
        fresh = expectation.freshAt.map { Moment($0, now: now) }
        state =
            if expectation.isLate {
                StateBadge(word: "Late", style: "failed")
            } else if expectation.freshAt == nil {
                StateBadge(word: "Nothing yet", style: "pending")
            } else {
                StateBadge(word: "Fresh", style: "success")
            }
    }
}

struct DeliveryRow: Sendable {
    let title: String
    let target: String
    let state: StateBadge
    let created: Moment
    let attempts: String
    let problem: ProblemNote?
    /// The run that it tells of.
    let about: String?
    /// The run that sends it.
    let run: String
    /// Where it can be sent again, and where to go then; nil unless it is a dead letter.
    let again: Again?

    struct Again: Sendable {
        let action: String
        let next: String
    }

    init(_ delivery: DeliveryView, back: String, now: Date) {
        title = delivery.title
        target = delivery.target
        state = Self.badge(delivery.state)
        created = Moment(delivery.createdAt, now: now)
        attempts = Readable.plural(delivery.attempts, "attempt")
        problem = delivery.state == "sent" ? nil : delivery.problem.map { ProblemNote($0) }
        about = delivery.aboutRunID.map { Address.run($0) }
        run = Address.run(delivery.runID)
        again =
            delivery.state == DeliveryState.dead.rawValue
            ? Again(action: "\(Address.run(delivery.runID))/retry", next: back) : nil
    }

    static func badge(_ word: String) -> StateBadge {
        DeliveryState(rawValue: word)?.badge ?? StateBadge(word: word.capitalizedFirst, style: "pending")
    }
}

/// `POST /api/v1/subscriptions`: who is told of what, and how.
package struct SubscriptionRequest: Sendable, Codable {
    /// `email` or `webhook`.
    package var channel: String
    /// An e-mail address, or an `https://` (or `http://`) address.
    package var target: String
    /// One pipeline; all if nil.
    package var source: String?
    /// One environment; all if nil.
    package var environment: String?
    /// Of `failure`, `recovery`, `late`, `fresh`; all if nil or empty.
    package var events: [String]?

    package init(
        channel: String, target: String, source: String? = nil, environment: String? = nil, events: [String]? = nil
    ) {
        self.channel = channel
        self.target = target
        self.source = source
        self.environment = environment
        self.events = events
    }
}

package struct SubscriptionView: Sendable, Codable {
    package var subscriptionID: String
    package var channel: String
    package var target: String
    package var source: String?
    package var environment: String?
    package var events: [String]
    /// Whose it is.
    package var person: String
    package var createdAt: String
    /// How the last message went.
    package var lastDelivery: DeliveryView?

    package init(
        subscriptionID: String, channel: String, target: String, source: String?, environment: String?,
        events: [String], person: String, createdAt: String, lastDelivery: DeliveryView?
    ) {
        self.subscriptionID = subscriptionID
        self.channel = channel
        self.target = target
        self.source = source
        self.environment = environment
        self.events = events
        self.person = person
        self.createdAt = createdAt
        self.lastDelivery = lastDelivery
    }
}

/// The answer to a new subscription: a webhook's signing secret is shown this once.
package struct SubscriptionMade: Sendable, Codable {
    package var subscription: SubscriptionView
    /// `whsec_…` (Standard Webhooks); nil for e-mail.
    package var signingSecret: String?

    package init(subscription: SubscriptionView, signingSecret: String?) {
        self.subscription = subscription
        self.signingSecret = signingSecret
    }
}

/// One message to one subscription about one event.
package struct DeliveryView: Sendable, Codable {
    package var deliveryID: String
    /// `failure`, `recovery`, `late`, `fresh` or `test`.
    package var event: String
    /// `shop failed: …`
    package var title: String
    package var channel: String
    package var target: String
    package var source: String?
    package var environment: String?
    /// `waiting`, `sent`, `dead` (given up: a person can send it again by retrying its run) or `resolved`.
    package var state: String
    package var attempts: Int
    /// RFC 3339.
    package var createdAt: String
    package var sentAt: String?
    package var problem: ProblemView?
    /// The run that sends it.
    package var runID: String
    /// The run that it tells of.
    package var aboutRunID: String?

    package init(
        deliveryID: String, event: String, title: String, channel: String, target: String, source: String?,
        environment: String?, state: String, attempts: Int, createdAt: String, sentAt: String?, problem: ProblemView?,
        runID: String, aboutRunID: String?
    ) {
        self.deliveryID = deliveryID
        self.event = event
        self.title = title
        self.channel = channel
        self.target = target
        self.source = source
        self.environment = environment
        self.state = state
        self.attempts = attempts
        self.createdAt = createdAt
        self.sentAt = sentAt
        self.problem = problem
        self.runID = runID
        self.aboutRunID = aboutRunID
    }
}

/// `PUT /api/v1/expectations`: a pipeline, or one of its tables, is to be at most so old.
package struct ExpectationRequest: Sendable, Codable {
    package var source: String
    package var environment: String?
    /// A table in RAW or a stream's name; the oldest of the pipeline's tables if nil.
    package var table: String?
    /// Late when what is in the warehouse was taken longer ago than this.
    package var freshWithinMinutes: Int

    package init(source: String, environment: String? = nil, table: String? = nil, freshWithinMinutes: Int) {
        self.source = source
        self.environment = environment
        self.table = table
        self.freshWithinMinutes = freshWithinMinutes
    }
}

package struct ExpectationView: Sendable, Codable {
    package var expectationID: String
    package var source: String
    package var environment: String
    package var table: String?
    package var freshWithinMinutes: Int
    package var isLate: Bool
    /// Since when; RFC 3339.
    package var lateSince: String?
    /// When what is in the warehouse was taken from the source; nil if there is nothing yet.
    package var freshAt: String?

    package init(
        expectationID: String, source: String, environment: String, table: String?, freshWithinMinutes: Int,
        isLate: Bool, lateSince: String?, freshAt: String?
    ) {
        self.expectationID = expectationID
        self.source = source
        self.environment = environment
        self.table = table
        self.freshWithinMinutes = freshWithinMinutes
        self.isLate = isLate
        self.lateSince = lateSince
        self.freshAt = freshAt
    }
}

import Foundation
import Kernel
import Wire

/// Who is told what of the shop, and how it went: messages of each state.
enum ShopNotifications {
    static let mailID = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8b01"
    static let hookID = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8b02"
    static let lateID = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8c01"
    static let messageRun = "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a32"
    private static let refused = Problem(
        .deliveryRefused, "hooks.acme.example answered 410 Gone.", hint: "Check the address.")

    static let deliveries: [DeliveryView] = [
        delivery(
            "failure", "billing failed: the source closed the connection", "waiting", 3, "2026-11-21T09:20:00Z",
            problem: Problem(.deliveryFailed, "mail.acme.example does not answer.", hint: "It is tried again.")),
        delivery("late", "orders of shop in dev is late", "dead", 18, "2026-11-20T12:00:00Z", problem: refused),
        delivery("failure", "\(ShopHistory.hostile) failed", "dead", 1, "2026-11-20T11:00:00Z", problem: refused),
        delivery("recovery", "billing succeeds again", "sent", 1, "2026-11-19T12:00:00Z"),
        delivery("test", "This is only a test", "sent", 2, "2026-11-18T12:00:00Z", isAboutRun: false),
        delivery(
            "fresh", "orders of shop in dev is fresh again", "resolved", 9, "2026-11-10T12:00:00Z", problem: refused),
    ]

    static let subscriptions: [SubscriptionView] = [
        SubscriptionView(
            subscriptionID: mailID, channel: "email", target: "data-team@acme.example", source: nil, environment: nil,
            events: ["failure", "recovery", "late", "fresh"], person: "admin", createdAt: "2026-11-01T00:00:00Z",
            lastDelivery: deliveries[3]),
        SubscriptionView(
            subscriptionID: hookID, channel: "webhook",
            target: "https://hooks.acme.example/services/T0001/B0001/very-long-path-that-has-no-blank-in-it-anywhere",
            source: "shop", environment: "prod", events: ["failure"], person: "ana",
            createdAt: "2026-11-02T00:00:00Z", lastDelivery: deliveries[1]),
        SubscriptionView(
            subscriptionID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8b03", channel: "email", target: ShopHistory.hostile,
            source: ShopHistory.hostile, environment: "dev", events: ["late"], person: ShopHistory.hostile,
            createdAt: "2026-11-02T00:00:00Z", lastDelivery: nil),
    ]

    static let expectations: [ExpectationView] = [
        ExpectationView(
            expectationID: lateID, source: "shop", environment: "dev", table: "orders", freshWithinMinutes: 360,
            isLate: true, lateSince: "2026-11-21T04:10:00Z", freshAt: "2026-11-20T22:10:00Z"),
        ExpectationView(
            expectationID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8c02", source: "billing", environment: "stage", table: nil,
            freshWithinMinutes: 90, isLate: false, lateSince: nil, freshAt: "2026-11-21T08:40:00Z"),
        ExpectationView(
            expectationID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8c03", source: "erp", environment: "dev", table: nil,
            freshWithinMinutes: 2880, isLate: false, lateSince: nil, freshAt: nil),
    ]

    private static func delivery(
        _ event: String, _ title: String, _ state: String, _ attempts: Int, _ created: String, problem: Problem? = nil,
        isAboutRun: Bool = true
    ) -> DeliveryView {
        DeliveryView(
            deliveryID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a04", event: event, title: title,
            channel: attempts == 1 ? "email" : "webhook",
            target: attempts == 1 ? "data-team@acme.example" : "https://hooks.acme.example/weir", source: "shop",
            environment: "dev", state: state, attempts: attempts, createdAt: created,
            sentAt: state == "sent" ? created : nil, problem: problem.map { ProblemView($0) }, runID: messageRun,
            aboutRunID: isAboutRun ? Shop.failedID : nil)
    }
}

extension FixtureOperations {
    func subscriptions(as caller: Caller) async throws -> [SubscriptionView] {
        mood == .empty ? [] : ShopNotifications.subscriptions
    }

    func subscribe(_ request: SubscriptionRequest, as caller: Caller) async throws -> SubscriptionMade {
        if request.target.contains("127.0.0.1") {
            throw Problem(.forbidden, "The address of 127.0.0.1 is private.", hint: "Allow it, or use another.")
        }
        let about = "\(request.source ?? "-") \(request.environment ?? "-")"
        remember("\(request.channel) \(request.target) \(about) \(request.events?.joined(separator: "+") ?? "-")")
        return SubscriptionMade(
            subscription: ShopNotifications.subscriptions[1],
            signingSecret: request.channel == "webhook" ? "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" : nil)
    }

    func unsubscribe(_ id: SubscriptionID, as caller: Caller) async throws { remember("unsubscribe \(id)") }

    func testSubscription(_ id: SubscriptionID, as caller: Caller) async throws -> DeliveryView {
        remember("test \(id)")
        return ShopNotifications.deliveries[4]
    }

    func deliveries(state: String?, limit: Int, as caller: Caller) async throws -> [DeliveryView] {
        mood == .empty ? [] : ShopNotifications.deliveries.filter { (state ?? $0.state) == $0.state }
    }

    func expectations(as caller: Caller) async throws -> [ExpectationView] {
        mood == .empty ? [] : ShopNotifications.expectations
    }

    func expect(_ request: ExpectationRequest, as caller: Caller) async throws -> ExpectationView {
        guard request.table != "nowhere" else {
            throw Problem(.notFound, "There is no table nowhere of shop in dev.", hint: "Check the name.")
        }
        let place = "\(request.source) \(request.environment ?? "-") \(request.table ?? "-")"
        remember("expect \(place) \(request.freshWithinMinutes)")
        return ShopNotifications.expectations[0]
    }

    func removeExpectation(_ id: String, as caller: Caller) async throws { remember("no expectation \(id)") }
}

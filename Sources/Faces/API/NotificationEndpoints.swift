import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let subscriptions: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/subscriptions", name: "listSubscriptions",
            summary: "Who is told of what, and how.", answer: .json(Shapes.subscriptionList, "The subscriptions."),
            action: .signedIn(.notificationsRead) { call, caller in
                try .json(["subscriptions": await call.operations.subscriptions(as: caller)])
            }),
        Endpoint(
            method: .post, path: "/api/v1/subscriptions", name: "subscribe",
            summary: "Subscribes an e-mail address or a webhook. A webhook's signing secret is shown this once.",
            body: Shapes.subscriptionRequest,
            answer: .json(Shapes.subscriptionMade, "The subscription.", status: 201), problems: [.notFound],
            action: .signedIn(.notificationsManage) { call, caller in
                try .json(await call.operations.subscribe(call.decoded(), as: caller), status: .created)
            }),
        Endpoint(
            method: .delete, path: "/api/v1/subscriptions/{id}", name: "unsubscribe",
            summary: "Ends a subscription.", parameters: [subscriptionID], answer: .nothing("It is ended."),
            problems: [.notFound],
            action: .signedIn(.notificationsManage) { call, caller in
                try await call.operations.unsubscribe(id(of: call), as: caller)
                return .nothing
            }),
        Endpoint(
            method: .post, path: "/api/v1/subscriptions/{id}/test", name: "testSubscription",
            summary: "Sends a message that is only a test, as durable work.",
            parameters: [subscriptionID],
            answer: .json(Shapes.delivery, "The message is on its way.", status: 202), problems: [.notFound],
            action: .signedIn(.notificationsManage) { call, caller in
                try .json(
                    await call.operations.testSubscription(id(of: call), as: caller), status: .accepted)
            }),
        Endpoint(
            method: .get, path: "/api/v1/deliveries", name: "listDeliveries",
            summary: "Messages that were or are to be sent, the newest first.",
            parameters: [
                .query("state", "All if absent.", .words(Shapes.deliveryStates)),
                .query("limit", "How many at most; 50 if absent.", .integer(least: 1, most: 500)),
            ],
            answer: .json(Shapes.deliveryList, "The messages."),
            action: .signedIn(.notificationsRead) { call, caller in
                let deliveries = try await call.operations.deliveries(
                    state: call.text("state"), limit: call.integer("limit", default: 50), as: caller)
                return try .json(["deliveries": deliveries])
            }),
    ]

    static let expectations: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/expectations", name: "listExpectations",
            summary: "How old pipelines and tables may be, and which are late.",
            answer: .json(Shapes.expectationList, "The expectations."),
            action: .signedIn(.notificationsRead) { call, caller in
                try .json(["expectations": await call.operations.expectations(as: caller)])
            }),
        Endpoint(
            method: .put, path: "/api/v1/expectations", name: "putExpectation",
            summary: "Expects a pipeline, or one of its tables, to be at most so old. The same again changes its time.",
            body: Shapes.expectationRequest, answer: .json(Shapes.expectation, "The expectation."),
            problems: [.notFound],
            action: .signedIn(.notificationsManage) { call, caller in
                try .json(await call.operations.expect(call.decoded(), as: caller))
            }),
        Endpoint(
            method: .delete, path: "/api/v1/expectations/{id}", name: "deleteExpectation",
            summary: "Takes an expectation away.",
            parameters: [.path("id", "The expectation's id.")], answer: .nothing("It is gone."),
            problems: [.notFound],
            action: .signedIn(.notificationsManage) { call, caller in
                try await call.operations.removeExpectation(call.part("id"), as: caller)
                return .nothing
            }),
    ]

    private static let subscriptionID = Parameter.path("id", "The subscription's id.", .text(format: "uuid"))

    private static func id(of call: Call) throws -> SubscriptionID {
        guard let id = SubscriptionID(call.part("id")) else {
            throw Refusal.invalid("The subscription's id must be a UUID.")
        }
        return id
    }
}

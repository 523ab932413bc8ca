import Testing
import Wire
import WireSamples

@testable import CommandLine

@Suite(.serialized) struct NotificationCommandTests {
    private static let id = WireSamples.subscription.subscriptionID

    @Test("subscriptions and expectations are asked and changed in the API's words")
    func requests() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            for arguments in [
                ["notifications"], ["notifications", "add", "--email", "ann@acme.example"],
                [
                    "notifications", "add", "--webhook", "https://hooks.acme.example/weir", "--source", "shop",
                    "--environment", "prod", "--events", "failure, late", "--json",
                ], ["notifications", "test", Self.id], ["notifications", "remove", Self.id.uppercased()],
                ["notifications", "deliveries"], ["notifications", "deliveries", "--dead", "--limit", "5"],
                ["expect", "shop", "--fresh-within", "6h"],
                ["expect", "shop", "--fresh-within", "2d", "--table", "orders", "--environment", "prod"],
                ["expectations"], ["expectations", "remove", WireSamples.expectation.expectationID],
            ] {
                #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 0, "\(arguments)")
            }
            #expect(await weir("notifications", "add", "--webhook", "http://127.0.0.1/", "--data", folder) == 1)
        }
        #expect(
            recorder.take() == [
                "GET /api/v1/subscriptions",
                #"POST /api/v1/subscriptions {"channel":"email","target":"ann@acme.example"}"#,
                #"POST /api/v1/subscriptions {"channel":"webhook","environment":"prod","#
                    + #""events":["failure","late"],"source":"shop","target":"https://hooks.acme.example/weir"}"#,
                "POST /api/v1/subscriptions/\(Self.id)/test", "DELETE /api/v1/subscriptions/\(Self.id)",
                "GET /api/v1/deliveries?limit=20", "GET /api/v1/deliveries?state=dead&limit=5",
                #"PUT /api/v1/expectations {"fresh_within_minutes":360,"source":"shop"}"#,
                #"PUT /api/v1/expectations {"environment":"prod","fresh_within_minutes":2880,"source":"shop","#
                    + #""table":"orders"}"#, "GET /api/v1/expectations",
                "DELETE /api/v1/expectations/\(WireSamples.expectation.expectationID)",
                #"POST /api/v1/subscriptions {"channel":"webhook","target":"http://127.0.0.1/"}"#,
            ])
    }

    @Test(
        "wrong usage exits with 2 and asks nothing",
        arguments: [
            ["notifications", "add"], ["notifications", "add", "--email", "a@b", "--webhook", "https://c"],
            ["notifications", "add", "--email", "a@b", "--events", ","], ["notifications", "remove", "1"],
            ["notifications", "test"], ["notifications", "deliveries", "--limit", "0"], ["expect", "shop"],
            ["expect", "shop", "--fresh-within", "90s"], ["expect", "--fresh-within", "6h"],
            ["expectations", "remove"],
        ])
    func usage(arguments: [String]) async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 2)
        }
        #expect(recorder.take().isEmpty)
    }

    @Test("a new webhook's signing secret is said, an e-mail has none")
    func made() throws {
        let text = NotificationText(style: .plain)
        let webhook = SubscriptionMade(subscription: WireSamples.subscription, signingSecret: "whsec_c2VjcmV0")
        try expectGolden(text.text(of: webhook, option: " --data d"), "notification-made.txt")
        let email = text.text(
            of: SubscriptionMade(subscription: WireSamples.subscription, signingSecret: nil), option: "")
        #expect(!email.contains("secret") && email.hasSuffix("weir notifications test \(Self.id)\n"))
    }

    @Test("subscriptions, messages and expectations for people")
    func rendering() throws {
        let text = NotificationText(style: .plain)
        var new = WireSamples.subscription
        (new.target, new.source, new.environment, new.lastDelivery) = ("ann@acme.example", nil, nil, nil)
        try expectGolden(text.text(of: [WireSamples.subscription, new]), "notifications.txt")
        #expect(text.text(of: [SubscriptionView]()).contains("weir notifications add"))
        var sent = WireSamples.delivery
        (sent.state, sent.problem, sent.attempts) = ("sent", nil, 1)
        try expectGolden(text.text(of: [WireSamples.delivery, sent], onlyDead: false), "deliveries.txt")
        #expect(!text.text(of: [sent], onlyDead: false).contains("retry"))
        #expect(text.text(of: [], onlyDead: true) == "No message was given up.\n")
        #expect(text.text(of: [], onlyDead: false).contains("weir notifications test"))
        var fresh = WireSamples.expectation
        (fresh.isLate, fresh.table, fresh.freshWithinMinutes) = (false, nil, 90)
        var nothing = fresh
        nothing.freshAt = nil
        try expectGolden(
            ExpectationText(style: .plain).text(of: [WireSamples.expectation, fresh, nothing]), "expectations.txt")
        #expect(ExpectationText(style: .plain).text(of: []).contains("weir expect SOURCE"))
    }
}

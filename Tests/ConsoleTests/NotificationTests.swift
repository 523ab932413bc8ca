import Testing
import Wire

@testable import Console

@Suite struct NotificationTests {
    private static let here = "/notifications/subscriptions"

    @Test(arguments: [
        "notifications": "/notifications", "notifications-dead": "/notifications?state=dead",
        "subscription-new": "\(here)/new", "expectation-new": "/notifications/expectations/new",
        "subscription-remove": "\(here)/\(ShopNotifications.hookID)/remove",
        "expectation-remove": "/notifications/expectations/\(ShopNotifications.lateID)/remove",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        #expect(!answer.body.contains("<script>alert"))
        try Golden.expect(answer.body, name)
    }

    @Test func `where nobody is told yet the page says what can be told`() async throws {
        let body = try await Browser(FixtureOperations(.empty)).get("/notifications").body
        #expect(body.contains("Nobody is told yet"))
        #expect(body.contains("No message was sent yet."))
        try Golden.expect(body, "notifications-empty")
    }

    @Test func `messages are shown by state, and only dead letters can be sent again`() async throws {
        let browser = try Browser()
        let again = "action=\"/runs/\(ShopNotifications.messageRun)/retry\""
        for (state, count, canSend) in [("waiting", 1, 0), ("sent", 2, 0), ("dead", 2, 2), ("resolved", 1, 0)] {
            let body = try await browser.get("/notifications?state=\(state)").body
            let rows = body.split(separator: "class=\"deliveries\"").last.map { $0.matches(of: /<tr><td>/).count }
            #expect(rows == count)
            #expect(body.ranges(of: again).count == canSend)
        }
        #expect(try await browser.get("/notifications?state=moon").status == 400)
        let dead = try await browser.get("/notifications?state=dead").body
        #expect(dead.contains("hooks.acme.example answered 410 Gone."))
        #expect(dead.contains("name=\"next\" value=\"/notifications?state=dead#deliveries\""))
    }

    @Test func `a webhook's secret is on the page that makes it, and on no other`() async throws {
        let browser = try Browser()
        let form =
            "channel=webhook&webhook=https%3A%2F%2Fhooks.acme.example&email=x%40y&source=shop&environment=prod&listed=yes"
        let made = try await browser.post(Self.here, form + "&event=failure&event=late")
        #expect(made.status == 201)
        #expect(made.body.contains("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        #expect(made["Cache-Control"] == "no-store")
        #expect(browser.operations.asked == ["webhook https://hooks.acme.example shop prod failure+late"])
        #expect(try await !browser.get("/notifications").body.contains("whsec_"))
        try Golden.expect(made.body, "subscription-made")
    }

    @Test func `an e-mail subscription leads back to the list`() async throws {
        let browser = try Browser()
        let answer = try await browser.post(Self.here, "channel=email&email=ana%40acme.example&webhook=left")
        #expect(answer["Location"] == "/notifications")
        #expect(browser.operations.asked == ["email ana@acme.example - - -"])
    }

    @Test(arguments: [
        ("channel=email&webhook=https%3A%2F%2Fkept.example", 400, "The address is missing."),
        ("channel=webhook&webhook=http%3A%2F%2F127.0.0.1%2Fkept.example", 403, "is private."),
        ("channel=email&email=a%40kept.example&listed=yes", 400, "No event is chosen."),
        ("channel=email&email=a%40kept.example&environment=moon", 400, "There is no such environment."),
    ])
    func `a subscription that cannot be is shown again with what was typed`(
        form: String, status: Int, sentence: String
    ) async throws {
        let browser = try Browser()
        let answer = try await browser.post(Self.here, form)
        #expect(answer.status == status)
        #expect(answer.body.contains(sentence))
        #expect(answer.body.contains("kept.example\""))
        #expect(browser.operations.asked.isEmpty)
    }

    @Test func `a subscription is tried and removed`() async throws {
        let browser = try Browser()
        let one = "\(Self.here)/\(ShopNotifications.mailID)"
        #expect(try await browser.post("\(one)/test").body.contains("A test is on its way to"))
        #expect(try await browser.post("\(one)/remove")["Location"] == "/notifications")
        #expect(
            browser.operations.asked.map { $0.lowercased() }
                == ["test \(ShopNotifications.mailID)", "unsubscribe \(ShopNotifications.mailID)"])
        #expect(try await browser.post("\(Self.here)/nonsense/remove").status == 404)
        #expect(try await browser.get("\(Self.here)/\(Shop.doneID)/remove").status == 404)
    }

    @Test func `an expectation is made and removed, or refused with its form kept`() async throws {
        let browser = try Browser()
        let path = "/notifications/expectations"
        let made = try await browser.post(path, "pipeline=dev%2Fshop&table=orders&count=6&unit=hours")
        #expect(made["Location"] == "/notifications#expectations")
        _ = try await browser.post("\(path)/\(ShopNotifications.lateID)/remove")
        #expect(
            browser.operations.asked
                == ["expect shop dev orders 360", "no expectation \(ShopNotifications.lateID)"])
        for (form, status) in [
            ("pipeline=dev%2Fshop&table=kept&count=0", 400), ("pipeline=moon%2Fshop&table=kept&count=1", 400),
            ("pipeline=dev%2Fshop&table=kept&count=1&unit=years", 400),
        ] {
            let answer = try await browser.post(path, form)
            #expect(answer.status == status)
            #expect(answer.body.contains("name=\"table\" value=\"kept\""))
        }
        #expect(try await browser.post(path, "pipeline=dev%2Fshop&table=nowhere&count=1").status == 404)
        #expect(browser.operations.asked.count == 2)
    }

    @Test func `Home tells of late data and dead letters, and is silent where there are none`() async throws {
        let home = try await Browser().get("/").body
        #expect(home.contains("<a href=\"/notifications#expectations\">Late: orders of shop in dev</a>"))
        #expect(home.contains("href=\"/notifications?state=dead#deliveries\">2 messages could not be delivered</a>"))
        let quiet = try await Browser(FixtureOperations(.empty)).get("/").body
        #expect(!quiet.contains("What to look at"))
    }
}

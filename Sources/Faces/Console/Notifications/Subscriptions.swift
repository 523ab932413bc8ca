import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Who is told: made, tried, removed.
struct Subscriptions: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/notifications/subscriptions/new", .notificationsManage) {
            try await page(SubscriptionForm($0.call.query), $0)
        }
        entrance.post("/notifications/subscriptions", .notificationsManage) { try await make($0) }
        entrance.post("/notifications/subscriptions/:id/test", .notificationsManage) { try await test($0) }
        entrance.get("/notifications/subscriptions/:id/remove", .notificationsManage) { try await confirm($0) }
        entrance.post("/notifications/subscriptions/:id/remove", .notificationsManage) { visit in
            try await console.operations.unsubscribe(try id(of: visit), as: visit.caller)
            return .redirect(to: "/notifications")
        }
    }

    /// The answer is the only page that ever shows a webhook's secret.
    private func make(_ visit: Visit) async throws -> Response {
        let form = SubscriptionForm(try await visit.call.form())
        do {
            let made = try await console.operations.subscribe(try form.request(), as: visit.caller)
            guard let secret = made.signingSecret else { return .redirect(to: "/notifications") }
            let view = SubscriptionMadePage(
                subscription: SubscriptionRow(made.subscription, now: console.time.now()), secret: secret)
            return console.pages.page(
                "subscription-made", view, Heading("New webhook", .notifications), visit: visit, status: .created)
        } catch let problem as Problem where problem.code.isForPerson {
            return try await page(form, visit, problem: problem)
        }
    }

    private func test(_ visit: Visit) async throws -> Response {
        let delivery = try await console.operations.testSubscription(try id(of: visit), as: visit.caller)
        let view = try await console.notifications(
            state: nil, as: visit.caller, notice: "A test is on its way to \(delivery.target).")
        return console.pages.page("notifications", view, Heading("Notifications", .notifications), visit: visit)
    }

    private func confirm(_ visit: Visit) async throws -> Response {
        let id = try id(of: visit)
        let all = try await console.operations.subscriptions(as: visit.caller)
        guard let subscription = all.first(where: { SubscriptionID($0.subscriptionID) == id }) else {
            throw Self.missing
        }
        let row = SubscriptionRow(subscription, now: console.time.now())
        let view = ConfirmPage(
            area: "Notifications", back: "/notifications", question: "Tell \(row.target) no more?",
            text: "\(row.about): \(row.events.joined(separator: ", ")). What was sent stays in the list.",
            action: "\(row.address)/remove", button: "Remove the subscription")
        return console.pages.page("confirm", view, Heading(view.question, .notifications), visit: visit)
    }

    private func page(_ form: SubscriptionForm, _ visit: Visit, problem: Problem? = nil) async throws -> Response {
        let pipelines = try await KnownPipelines(console, as: visit.caller)
        let view = SubscriptionFormPage(form, pipelines: pipelines, problem: problem)
        let status = HTTPResponse.Status(problem)
        let heading = Heading("New subscription", .notifications)
        return console.pages.page("subscription-form", view, heading, visit: visit, status: status)
    }

    private func id(of visit: Visit) throws -> SubscriptionID {
        guard let id = SubscriptionID(try visit.call.parameter("id")) else { throw Self.missing }
        return id
    }

    private static let missing = Problem(
        .notFound, "There is no such subscription.", hint: "See what there is under Notifications.")
}

struct SubscriptionMadePage: Sendable {
    let subscription: SubscriptionRow
    let secret: String
}

/// The form of a subscription as it was sent.
struct SubscriptionForm: Sendable {
    let channel: String
    let email: String
    let webhook: String
    let source: String?
    let environment: String?
    /// Nil as long as nobody chose: all are meant.
    let events: [String]?

    init(_ form: Form) {
        channel = form["channel"] ?? "email"
        email = form["email"] ?? ""
        webhook = form["webhook"] ?? ""
        source = form["source"]
        environment = form["environment"]
        events = form["listed"] == nil ? nil : form.all("event")
    }

    /// - Throws: `invalidInput` if it lacks something.
    func request() throws -> SubscriptionRequest {
        let target = channel == "email" ? email : webhook
        guard !target.isEmpty else {
            throw Problem(
                .invalidInput, "The address is missing.",
                hint: channel == "email" ? "Give an e-mail address." : "Give an https:// address.")
        }
        if let events, events.isEmpty {
            throw Problem(.invalidInput, "No event is chosen.", hint: "Choose at least one.")
        }
        return SubscriptionRequest(
            channel: channel, target: target, source: source,
            environment: try environment.map { try Place(named: $0).environment }, events: events)
    }
}

struct SubscriptionFormPage: Sendable {
    let isEmail: Bool
    let isWebhook: Bool
    let email: String
    let webhook: String
    let sources: [Choice]
    let environments: [Choice]
    let events: [Choice]
    let problem: ProblemNote?

    init(_ form: SubscriptionForm, pipelines: KnownPipelines, problem: Problem?) {
        isEmail = form.channel != "webhook"
        isWebhook = !isEmail
        email = form.email
        webhook = form.webhook
        sources = pipelines.sourceChoices(chosen: form.source, none: "All pipelines")
        environments =
            [Choice(value: "", label: "All environments", isChosen: form.environment == nil)]
            + Place.names.map { Choice(value: $0, label: $0, isChosen: $0 == form.environment) }
        events = NotificationEvent.allCases.map { event in
            Choice(
                value: event.rawValue, label: event.label,
                isChosen: form.events.map { $0.contains(event.rawValue) } ?? true)
        }
        self.problem = problem.map { ProblemNote($0) }
    }
}

import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Subscriptions, expectations and how messages went.
struct NotificationsArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/notifications", .notificationsRead) { try await list($0) }
        Subscriptions(console: console).addRoutes(to: entrance)
        Expectations(console: console).addRoutes(to: entrance)
    }

    private func list(_ visit: Visit) async throws -> Response {
        let word = visit.call.query["state"]
        let state = word.flatMap { DeliveryState(rawValue: $0) }
        guard word == nil || state != nil else {
            throw Problem(
                .invalidInput, "There is no such state of a message.", hint: "See all messages under Notifications.")
        }
        let view = try await console.notifications(state: state, as: visit.caller)
        return console.pages.page("notifications", view, Heading("Notifications", .notifications), visit: visit)
    }
}

extension Console {
    func notifications(
        state: DeliveryState?, as caller: Caller, notice: String? = nil
    ) async throws -> NotificationsPage {
        NotificationsPage(
            subscriptions: try await operations.subscriptions(as: caller),
            expectations: try await operations.expectations(as: caller),
            deliveries: try await operations.deliveries(
                state: state?.rawValue, limit: NotificationsPage.deliveries, as: caller), state: state,
            now: time.now(), notice: notice)
    }
}

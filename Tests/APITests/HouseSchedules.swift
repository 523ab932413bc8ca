import Kernel
import Synchronization
import Wire
import WireSamples

/// What a house was asked, in order.
final class Asked: Sendable {
    private let requests = Mutex<[any Sendable]>([])

    func note(_ request: any Sendable) { requests.withLock { $0.append(request) } }

    var isEmpty: Bool { requests.withLock { $0.isEmpty } }

    /// The requests of one type.
    func all<Request: Sendable>(_ type: Request.Type = Request.self) -> [Request] {
        requests.withLock { $0.compactMap { $0 as? Request } }
    }
}

extension House {
    /// A trigger with every field, as none has in life: each must have its place in the document.
    static let schedule: ScheduleView = {
        var schedule = WireSamples.schedule
        schedule.trigger = TriggerView(
            kind: "cron", minutes: 5, expression: "0 6 * * 1-5", timeZone: "Europe/Berlin", location: "s3://b/p",
            source: "erp")
        return schedule
    }()

    func schedules(as caller: Caller) async throws -> [ScheduleView] { [Self.schedule] }

    func schedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        asked.note(name)
        guard name == Self.schedule.name else { throw Problem(.notFound, "There is no schedule of this name.") }
        return Self.schedule
    }

    func putSchedule(
        _ name: String, _ request: ScheduleRequest, as caller: Caller
    ) async throws -> ScheduleView {
        asked.note(request)
        return try await schedule(name, as: caller)
    }

    func preview(_ trigger: TriggerView, as caller: Caller) async throws -> TriggerPreview {
        asked.note(trigger)
        if trigger.expression == "0 0 30 2 *" {
            throw Problem(.invalidInput, "0 0 30 2 * never fires.", hint: "February has no 30th day.")
        }
        return TriggerPreview(words: Self.schedule.words, next: Self.schedule.next)
    }

    func backfill(
        _ name: String, _ request: BackfillRequest, as caller: Caller
    ) async throws -> BackfillAccepted {
        asked.note(request)
        return BackfillAccepted(runIDs: [Self.run], alreadyThere: 2)
    }

    func deliveries(state: String?, limit: Int, as caller: Caller) async throws -> [DeliveryView] {
        asked.note("\(state ?? "all") \(limit)")
        return [WireSamples.delivery]
    }

    func unsubscribe(_ id: SubscriptionID, as caller: Caller) async throws {
        asked.note(id)
        guard id.description == WireSamples.subscription.subscriptionID else {
            throw Problem(.notFound, "There is no such subscription.")
        }
    }

    func pauseLimit(_ request: LimitPauseRequest, as caller: Caller) async throws -> LimitView {
        asked.note(request)
        return WireSamples.limit
    }
}

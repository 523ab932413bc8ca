import Kernel
import Wire

/// Refused until the commits that follow.
private let notYet = Problem(.unsupported, "The server does not do this yet.")
extension LiveOperations {
    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] { throw notYet }
    func schedules(as caller: Caller) async throws -> [ScheduleView] { throw notYet }
    func schedule(_ name: String, as caller: Caller) async throws -> ScheduleView { throw notYet }
    func putSchedule(_ name: String, _ request: ScheduleRequest, as caller: Caller) async throws -> ScheduleView {
        throw notYet
    }
    func deleteSchedule(_ name: String, as caller: Caller) async throws { throw notYet }
    func pauseSchedule(_ name: String, because: String?, as caller: Caller) async throws -> ScheduleView {
        throw notYet
    }
    func resumeSchedule(_ name: String, as caller: Caller) async throws -> ScheduleView { throw notYet }
    func runSchedule(_ name: String, as caller: Caller) async throws -> CloneAccepted { throw notYet }
    func backfill(_ name: String, _ request: BackfillRequest, as caller: Caller) async throws -> BackfillAccepted {
        throw notYet
    }
    func preview(_ trigger: TriggerView, as caller: Caller) async throws -> TriggerPreview { throw notYet }
    func subscriptions(as caller: Caller) async throws -> [SubscriptionView] { throw notYet }
    func subscribe(_ request: SubscriptionRequest, as caller: Caller) async throws -> SubscriptionMade { throw notYet }
    func unsubscribe(_ id: SubscriptionID, as caller: Caller) async throws { throw notYet }
    func testSubscription(_ id: SubscriptionID, as caller: Caller) async throws -> DeliveryView { throw notYet }
    func deliveries(state: String?, limit: Int, as caller: Caller) async throws -> [DeliveryView] { throw notYet }
    func expectations(as caller: Caller) async throws -> [ExpectationView] { throw notYet }
    func expect(_ request: ExpectationRequest, as caller: Caller) async throws -> ExpectationView { throw notYet }
    func removeExpectation(_ id: String, as caller: Caller) async throws { throw notYet }
    func workers(as caller: Caller) async throws -> [WorkerView] { throw notYet }
    func limits(as caller: Caller) async throws -> [LimitView] { throw notYet }
    func setLimit(_ request: LimitRequest, as caller: Caller) async throws -> LimitView { throw notYet }
    func pauseLimit(_ request: LimitPauseRequest, as caller: Caller) async throws -> LimitView { throw notYet }
    func resumeLimit(_ key: String, as caller: Caller) async throws -> LimitView { throw notYet }
    func windows(as caller: Caller) async throws -> [WindowView] { throw notYet }
    func putWindow(_ name: String, _ request: WindowRequest, as caller: Caller) async throws -> WindowView {
        throw notYet
    }
    func deleteWindow(_ name: String, as caller: Caller) async throws { throw notYet }
}

package import Kernel

/// What the faces ask about schedules. Names are an organization's own: `a-z`, digits and `_`, led by a letter.
package protocol ScheduleOperations: Sendable {
    /// By name.
    func schedules(as caller: Caller) async throws -> [ScheduleView]
    /// - Throws: `notFound`.
    func schedule(_ name: String, as caller: Caller) async throws -> ScheduleView
    /// Makes a schedule or changes it as a whole; doing it twice changes nothing.
    /// - Throws: `invalidInput` for a trigger that cannot be, `notFound` if the source was never cloned there.
    func putSchedule(_ name: String, _ request: ScheduleRequest, as caller: Caller) async throws -> ScheduleView
    /// Its runs stay.
    /// - Throws: `notFound`.
    func deleteSchedule(_ name: String, as caller: Caller) async throws
    /// Makes no runs until it is resumed; what runs goes on.
    func pauseSchedule(_ name: String, because: String?, as caller: Caller) async throws -> ScheduleView
    /// Goes on from now by its catch-up policy.
    func resumeSchedule(_ name: String, as caller: Caller) async throws -> ScheduleView
    /// A run at once, also while it is paused; its times stay as they are.
    func runSchedule(_ name: String, as caller: Caller) async throws -> CloneAccepted
    /// - Throws: `invalidInput` for days in the wrong order or form, more than 400 times, a trigger that is no times.
    func backfill(_ name: String, _ request: BackfillRequest, as caller: Caller) async throws -> BackfillAccepted
    /// What a trigger means; keeps nothing.
    /// - Throws: `invalidInput`.
    func preview(_ trigger: TriggerView, as caller: Caller) async throws -> TriggerPreview
}

/// What the faces ask about notifications.
package protocol NotificationOperations: Sendable {
    func subscriptions(as caller: Caller) async throws -> [SubscriptionView]
    /// - Throws: `invalidInput` for an address that is none, `forbidden` for a webhook to a private address.
    func subscribe(_ request: SubscriptionRequest, as caller: Caller) async throws -> SubscriptionMade
    /// - Throws: `notFound`.
    func unsubscribe(_ id: SubscriptionID, as caller: Caller) async throws
    /// Sends a message that is only a test, as durable work.
    func testSubscription(_ id: SubscriptionID, as caller: Caller) async throws -> DeliveryView
    /// The newest first, at most `limit` (1…500).
    /// - Parameter state: `waiting`, `sent`, `dead` or `resolved`; all if nil.
    func deliveries(state: String?, limit: Int, as caller: Caller) async throws -> [DeliveryView]

    func expectations(as caller: Caller) async throws -> [ExpectationView]
    /// One for each pipeline or table: the same again changes its time.
    /// - Throws: `invalidInput`, `notFound` for a source or table that was never cloned.
    func expect(_ request: ExpectationRequest, as caller: Caller) async throws -> ExpectationView
    /// - Throws: `notFound`.
    func removeExpectation(_ id: String, as caller: Caller) async throws
}

/// What the faces ask about workers and what holds them back.
package protocol WorkforceOperations: Sendable {
    func workers(as caller: Caller) async throws -> [WorkerView]
    /// Those that are set, paused, or in use now.
    func limits(as caller: Caller) async throws -> [LimitView]
    /// - Throws: `invalidInput` for a key or number that cannot be.
    func setLimit(_ request: LimitRequest, as caller: Caller) async throws -> LimitView
    func pauseLimit(_ request: LimitPauseRequest, as caller: Caller) async throws -> LimitView
    /// Lifts a person's pause.
    /// - Throws: `conflict` if only a maintenance window holds the key.
    func resumeLimit(_ key: String, as caller: Caller) async throws -> LimitView

    func windows(as caller: Caller) async throws -> [WindowView]
    /// - Throws: `invalidInput`.
    func putWindow(_ name: String, _ request: WindowRequest, as caller: Caller) async throws -> WindowView
    /// - Throws: `notFound`.
    func deleteWindow(_ name: String, as caller: Caller) async throws
}

package import Kernel
package import Wire

/// One of each view that has every field set, and operations that answer with them: what fixtures of faces need not
/// write again. A fixture that wants other answers has methods of its own.
package enum WireSamples {
    package static let run = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a01"
    package static let moment = "2026-11-21T07:30:00.123Z"
    package static let problem = ProblemView(
        Problem(.deliveryFailed, "Nothing answers at hooks.acme.example.", hint: "Check the address."))

    package static let schedule = ScheduleView(
        name: "nightly", source: "shop", environment: "dev",
        trigger: TriggerView(kind: "cron", expression: "0 6 * * 1-5", timeZone: "Europe/Berlin"),
        words: "At 06:00 on Monday to Friday (Europe/Berlin)", catchUp: "latest", tables: ["public.orders"],
        views: false, isPaused: true, pausedBy: "admin", pausedBecause: "stocktaking",
        next: ["2026-11-23T05:00:00.000Z"], waiting: "the run before it goes on", problem: problem, lastRunID: run,
        lastRunState: .retryable, lastFiredAt: moment, createdBy: "admin")

    package static let delivery = DeliveryView(
        deliveryID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a04", event: "failure", title: "shop failed", channel: "webhook",
        target: "https://hooks.acme.example/weir", source: "shop", environment: "dev", state: "dead", attempts: 18,
        createdAt: moment, sentAt: moment, problem: problem, runID: run, aboutRunID: run)

    package static let subscription = SubscriptionView(
        subscriptionID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a05", channel: "webhook",
        target: "https://hooks.acme.example/weir", source: "shop", environment: "dev", events: ["failure", "late"],
        person: "admin", createdAt: moment, lastDelivery: delivery)

    package static let expectation = ExpectationView(
        expectationID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a06", source: "shop", environment: "dev",
        table: "shop__orders",
        freshWithinMinutes: 360, isLate: true, lateSince: moment, freshAt: moment)

    package static let worker = WorkerView(
        name: "box/4711", version: "0.1.0", kinds: ["extract", "load"], isLimited: true, slots: 2, isAlive: true,
        startedAt: moment, seenAt: moment,
        jobs: [WorkerJob(runID: run, kind: "extract", source: "shop", seconds: 12.5)])

    package static let limit = LimitView(
        key: "source/dev/shop", most: 1, secondsBetweenStarts: 60, running: 1, waiting: 3, pausedUntil: moment,
        pausedBecause: "moving house")

    package static let window = WindowView(
        name: "weekend", key: "warehouse/dev", expression: "0 2 * * 6", timeZone: "Europe/Berlin", minutes: 240,
        because: "upgrades", words: "At 02:00 on Saturday (Europe/Berlin), for 4 hours", openUntil: moment,
        next: moment)
}

extension WireSamples {
    package static let secret = SecretView(
        name: "source/dev/shop", kind: "source", version: 3, changedAt: moment, changedBy: "admin", isReplaceable: true,
        isRevocable: true,
        uses: [
            SecretUse(
                what: "source shop in dev",
                without: "Its runs fail until it gets an address again; schedules of it: nightly.")
        ])

    package static let secretStore = SecretStoreView(
        place: "this database", healthy: false, problem: problem,
        masterKeys: [MasterKeyUse(masterKey: "161043bfb46c8178", count: 2, seals: true)], waiting: 1)
}

extension SecretOperations {
    package func secrets(as caller: Caller) async throws -> [SecretView] { [WireSamples.secret] }

    package func secret(_ name: String, as caller: Caller) async throws -> SecretView {
        guard name == WireSamples.secret.name else { throw Problem(.notFound, "There is no secret of this name.") }
        return WireSamples.secret
    }

    package func replaceSecret(
        _ name: String, _ request: SecretRequest, as caller: Caller
    ) async throws -> SecretView {
        try await secret(name, as: caller)
    }

    package func revokeSecret(_ name: String, as caller: Caller) async throws {
        _ = try await secret(name, as: caller)
    }

    package func secretStore(as caller: Caller) async throws -> SecretStoreView { WireSamples.secretStore }
}

extension ScheduleOperations {
    package func schedules(as caller: Caller) async throws -> [ScheduleView] { [WireSamples.schedule] }

    package func schedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        guard name == WireSamples.schedule.name else { throw Problem(.notFound, "There is no schedule \(name).") }
        return WireSamples.schedule
    }

    package func putSchedule(
        _ name: String, _ request: ScheduleRequest, as caller: Caller
    ) async throws -> ScheduleView {
        if request.trigger.expression == "0 0 30 2 *" {
            throw Problem(.invalidInput, "0 0 30 2 * never fires.", hint: "February has no 30th day.")
        }
        return WireSamples.schedule
    }

    package func deleteSchedule(_ name: String, as caller: Caller) async throws {
        _ = try await schedule(name, as: caller)
    }

    package func pauseSchedule(_ name: String, because: String?, as caller: Caller) async throws -> ScheduleView {
        try await schedule(name, as: caller)
    }

    package func resumeSchedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        try await schedule(name, as: caller)
    }

    package func runSchedule(_ name: String, as caller: Caller) async throws -> CloneAccepted {
        CloneAccepted(runID: WireSamples.run, runURL: "/runs/\(WireSamples.run)")
    }

    package func backfill(
        _ name: String, _ request: BackfillRequest, as caller: Caller
    ) async throws -> BackfillAccepted {
        BackfillAccepted(runIDs: [WireSamples.run], alreadyThere: 2)
    }

    package func preview(_ trigger: TriggerView, as caller: Caller) async throws -> TriggerPreview {
        TriggerPreview(words: WireSamples.schedule.words, next: WireSamples.schedule.next)
    }
}

extension NotificationOperations {
    package func subscriptions(as caller: Caller) async throws -> [SubscriptionView] { [WireSamples.subscription] }

    package func subscribe(_ request: SubscriptionRequest, as caller: Caller) async throws -> SubscriptionMade {
        if request.target.contains("127.0.0.1") {
            throw Problem(.forbidden, "The address of 127.0.0.1 is private.", hint: "Allow it, or use another.")
        }
        return SubscriptionMade(subscription: WireSamples.subscription, signingSecret: "whsec_c2VjcmV0")
    }

    package func unsubscribe(_ id: SubscriptionID, as caller: Caller) async throws {}

    package func testSubscription(_ id: SubscriptionID, as caller: Caller) async throws -> DeliveryView {
        WireSamples.delivery
    }

    package func deliveries(state: String?, limit: Int, as caller: Caller) async throws -> [DeliveryView] {
        [WireSamples.delivery]
    }

    package func expectations(as caller: Caller) async throws -> [ExpectationView] { [WireSamples.expectation] }

    package func expect(_ request: ExpectationRequest, as caller: Caller) async throws -> ExpectationView {
        WireSamples.expectation
    }

    package func removeExpectation(_ id: String, as caller: Caller) async throws {}
}

extension WorkforceOperations {
    package func workers(as caller: Caller) async throws -> [WorkerView] { [WireSamples.worker] }
    package func limits(as caller: Caller) async throws -> [LimitView] { [WireSamples.limit] }

    package func setLimit(_ request: LimitRequest, as caller: Caller) async throws -> LimitView { WireSamples.limit }

    package func pauseLimit(_ request: LimitPauseRequest, as caller: Caller) async throws -> LimitView {
        WireSamples.limit
    }

    package func resumeLimit(_ key: String, as caller: Caller) async throws -> LimitView { WireSamples.limit }
    package func windows(as caller: Caller) async throws -> [WindowView] { [WireSamples.window] }

    package func putWindow(_ name: String, _ request: WindowRequest, as caller: Caller) async throws -> WindowView {
        WireSamples.window
    }

    package func deleteWindow(_ name: String, as caller: Caller) async throws {}
}

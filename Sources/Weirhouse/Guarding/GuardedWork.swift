import Access
import Jobs
import Kernel
import Roles
import Wire

/// Schedules, notifications, workers and limits, asked of `Role.permissions` first.
extension GuardedOperations {
    // MARK: - Schedules

    func schedules(as caller: Caller) async throws -> [ScheduleView] {
        try caller.requireSomewhere(.schedulesRead)
        return try await inner.schedules(as: caller).filter { caller.may(.schedulesRead, in: $0.environment) }
    }

    func schedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        try caller.requireSomewhere(.schedulesRead)
        let found = try await inner.schedule(name, as: caller)
        guard caller.may(.schedulesRead, in: found.environment) else { throw ScheduleBook.missing(name) }
        return found
    }

    func putSchedule(_ name: String, _ request: ScheduleRequest, as caller: Caller) async throws -> ScheduleView {
        try await changeSchedule("schedules.put", name, caller) {
            try caller.require(.schedulesManage, in: request.environment ?? "dev")
            // Keys of a bucket are a secret that is kept.
            if request.credentials != nil { try caller.require(.secretsManage) }
            let old = try await existing(name, caller)
            // It may be moved here from an environment where the caller may change nothing.
            if let old { try caller.require(.schedulesManage, in: old.environment) }
            // And those that are kept go to no other place than whoever gave them meant.
            if request.trigger.location?.lowercased().hasPrefix("s3:") == true, let old,
                old.trigger.location != request.trigger.location
            {
                try caller.require(.secretsManage)
            }
            return try await inner.putSchedule(name, request, as: caller)
        }
    }

    private func changeSchedule(
        _ action: String, _ name: String, _ caller: Caller, _ work: () async throws -> ScheduleView
    ) async throws -> ScheduleView {
        try await audited(
            AuditedChange(
                action, AuditTarget("schedule", name),
                before: { try await existing(name, caller).map(ScheduleAudit.init) }, after: { ScheduleAudit($0) }),
            as: caller, work
        )
    }

    private func existing(_ name: String, _ caller: Caller) async throws -> ScheduleView? {
        do {
            return try await inner.schedule(name, as: caller)
        } catch let problem as Problem where problem.code == .notFound {
            return nil
        }
    }

    func deleteSchedule(_ name: String, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "schedules.delete", AuditTarget("schedule", name),
                before: { try await existing(name, caller).map(ScheduleAudit.init) }), as: caller
        ) {
            try await requireSchedule(name, .schedulesManage, caller)
            try await inner.deleteSchedule(name, as: caller)
        }
    }

    func pauseSchedule(_ name: String, because: String?, as caller: Caller) async throws -> ScheduleView {
        try await changeSchedule("schedules.pause", name, caller) {
            try await requireSchedule(name, .schedulesManage, caller)
            return try await inner.pauseSchedule(name, because: because, as: caller)
        }
    }

    func resumeSchedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        try await changeSchedule("schedules.resume", name, caller) {
            try await requireSchedule(name, .schedulesManage, caller)
            return try await inner.resumeSchedule(name, as: caller)
        }
    }

    func runSchedule(_ name: String, as caller: Caller) async throws -> CloneAccepted {
        try await audited(
            AuditedChange(
                "schedules.run", AuditTarget("schedule", name), after: { ["run_id": $0.runID] }), as: caller
        ) {
            try await requireSchedule(name, .clonesStart, caller)
            return try await inner.runSchedule(name, as: caller)
        }
    }

    func backfill(_ name: String, _ request: BackfillRequest, as caller: Caller) async throws -> BackfillAccepted {
        try await audited(
            AuditedChange(
                "schedules.backfill", AuditTarget("schedule", name),
                after: { BackfillAudit(request, runs: $0.runIDs.count) }, asked: BackfillAudit(request)), as: caller
        ) {
            try await requireSchedule(name, .clonesStart, caller)
            return try await inner.backfill(name, request, as: caller)
        }
    }

    func preview(_ trigger: TriggerView, as caller: Caller) async throws -> TriggerPreview {
        try caller.requireSomewhere(.schedulesRead)
        return try await inner.preview(trigger, as: caller)
    }

    private func requireSchedule(_ name: String, _ permission: Permission, _ caller: Caller) async throws {
        try caller.requireSomewhere(permission)
        try caller.require(permission, in: try await schedule(name, as: caller).environment)
    }

    // MARK: - Notifications

    func subscriptions(as caller: Caller) async throws -> [SubscriptionView] {
        try caller.require(.notificationsRead)
        return try await inner.subscriptions(as: caller)
    }

    func subscribe(_ request: SubscriptionRequest, as caller: Caller) async throws -> SubscriptionMade {
        try await audited(
            AuditedChange(
                "subscriptions.add", request.auditTarget, after: { SubscriptionAudit($0.subscription) }), as: caller
        ) {
            try caller.require(.notificationsManage)
            return try await inner.subscribe(request, as: caller)
        }
    }

    func unsubscribe(_ id: SubscriptionID, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "subscriptions.remove", AuditTarget("subscription", id.description),
                before: {
                    try await inner.subscriptions(as: caller).first { $0.subscriptionID == id.description }
                        .map(SubscriptionAudit.init)
                }), as: caller
        ) {
            try caller.require(.notificationsManage)
            try await inner.unsubscribe(id, as: caller)
        }
    }

    func testSubscription(_ id: SubscriptionID, as caller: Caller) async throws -> DeliveryView {
        try await audited("subscriptions.test", AuditTarget("subscription", id.description), as: caller) {
            try caller.require(.notificationsManage)
            return try await inner.testSubscription(id, as: caller)
        }
    }

    func deliveries(state: String?, limit: Int, as caller: Caller) async throws -> [DeliveryView] {
        try caller.require(.notificationsRead)
        return try await inner.deliveries(state: state, limit: limit, as: caller)
    }

    func expectations(as caller: Caller) async throws -> [ExpectationView] {
        try caller.require(.notificationsRead)
        return try await inner.expectations(as: caller)
    }

    func expect(_ request: ExpectationRequest, as caller: Caller) async throws -> ExpectationView {
        try await audited(
            AuditedChange(
                "expectations.put", AuditTarget("pipeline", "\(request.environment ?? "dev")/\(request.source)"),
                before: {
                    try await inner.expectations(as: caller).first { $0.isAbout(request) }.map(ExpectationAudit.init)
                }, after: { ExpectationAudit($0) }), as: caller
        ) {
            try caller.require(.notificationsManage)
            return try await inner.expect(request, as: caller)
        }
    }

    func removeExpectation(_ id: String, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "expectations.remove", AuditTarget("expectation", id),
                before: {
                    try await inner.expectations(as: caller).first { $0.expectationID == id }.map(ExpectationAudit.init)
                }), as: caller
        ) {
            try caller.require(.notificationsManage)
            try await inner.removeExpectation(id, as: caller)
        }
    }

    // MARK: - Workers and limits

    func workers(as caller: Caller) async throws -> [WorkerView] {
        try caller.require(.workforceRead)
        return try await inner.workers(as: caller)
    }

    func limits(as caller: Caller) async throws -> [LimitView] {
        try caller.require(.workforceRead)
        return try await inner.limits(as: caller).filter { isVisible($0.key, to: caller) }
    }

    /// Keys of sources and warehouses are of an environment: to whoever may see no runs there they are not there.
    private func isVisible(_ key: String, to caller: Caller) -> Bool {
        let parts = key.split(separator: "/")
        guard parts.count > 1, ["source", "warehouse"].contains(parts[0]),
            let places = caller.rights.environments(for: .runsRead)
        else { return true }
        return places.contains(String(parts[1]))
    }

    func setLimit(_ request: LimitRequest, as caller: Caller) async throws -> LimitView {
        try await changeLimit("limits.set", request.key, caller) { try await inner.setLimit(request, as: caller) }
    }

    func pauseLimit(_ request: LimitPauseRequest, as caller: Caller) async throws -> LimitView {
        try await changeLimit("limits.pause", request.key, caller) { try await inner.pauseLimit(request, as: caller) }
    }

    func resumeLimit(_ key: String, as caller: Caller) async throws -> LimitView {
        try await changeLimit("limits.resume", key, caller) { try await inner.resumeLimit(key, as: caller) }
    }

    private func changeLimit(
        _ action: String, _ key: String, _ caller: Caller, _ work: () async throws -> LimitView
    ) async throws -> LimitView {
        try await audited(
            AuditedChange(
                action, AuditTarget("limit", key),
                before: { try await inner.limits(as: caller).first { $0.key == key }.map(LimitAudit.init) },
                after: { LimitAudit($0) }), as: caller
        ) {
            try caller.require(.workforceManage)
            return try await work()
        }
    }

    func windows(as caller: Caller) async throws -> [WindowView] {
        try caller.require(.workforceRead)
        return try await inner.windows(as: caller).filter { isVisible($0.key, to: caller) }
    }

    func putWindow(_ name: String, _ request: WindowRequest, as caller: Caller) async throws -> WindowView {
        try await audited(
            AuditedChange(
                "windows.put", AuditTarget("window", name), before: { try await window(name, caller) },
                after: { WindowAudit($0) }), as: caller
        ) {
            try caller.require(.workforceManage)
            return try await inner.putWindow(name, request, as: caller)
        }
    }

    func deleteWindow(_ name: String, as caller: Caller) async throws {
        try await audited(
            AuditedChange(
                "windows.delete", AuditTarget("window", name), before: { try await window(name, caller) }), as: caller
        ) {
            try caller.require(.workforceManage)
            try await inner.deleteWindow(name, as: caller)
        }
    }

    private func window(_ name: String, _ caller: Caller) async throws -> WindowAudit? {
        try await inner.windows(as: caller).first { $0.name == name }.map(WindowAudit.init)
    }
}

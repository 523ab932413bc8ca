import Foundation
import Kernel
import Wire

/// Schedules of the shop: one of each trigger, one that is paused, one with a problem, one that waits.
enum ShopSchedules {
    static let all: [ScheduleView] = [
        schedule(
            "after_shop", "erp", TriggerView(kind: "after", source: "shop"), "after each successful run of shop in dev",
            next: [], lastRun: nil),
        schedule(
            "hourly_billing", "billing", TriggerView(kind: "every", minutes: 60), "every hour", catchUp: "none",
            next: (1...5).map { "2026-11-21T\($0 + 9):29:58.000Z" }, waiting: "the run before it goes on",
            lastRun: (.running, "2026-11-21T09:29:58.000Z")),
        schedule(
            "landed_files", "partner", TriggerView(kind: "file", location: "s3://acme-landing/partner/orders"),
            "when a _SUCCESS marker arrives under s3://acme-landing/partner/orders", next: [],
            problem: Problem(
                .forbidden, "The location s3://acme-landing/partner/orders cannot be read.",
                hint: "Give the lake's keys leave to list it."), lastRun: (.success, "2026-11-20T02:11:00.000Z")),
        schedule(
            "nightly", "shop",
            TriggerView(kind: "cron", expression: "0 6 * * 1-5", timeZone: "Europe/Berlin"),
            "At 06:00 on Monday to Friday (Europe/Berlin)", environment: "prod", tables: ["public.orders", "payments"],
            next: (23...27).map { "2026-11-\($0)T05:00:00.000Z" }, lastRun: (.success, "2026-11-20T05:00:00.000Z")),
        schedule(
            "quarterly", "ledger", TriggerView(kind: "cron", expression: "30 1 1 1,4,7,10 *"),
            "At 01:30 on day 1 of January, April, July and October", catchUp: "all", paused: "stocktaking until Friday",
            next: [], lastRun: (.retryable, "2026-10-01T01:30:00.000Z")),
    ]

    /// A schedule whose words all try to be markup.
    static let hostile = schedule(
        "hostile", ShopHistory.hostile,
        TriggerView(kind: "cron", expression: ShopHistory.hostile, timeZone: ShopHistory.hostile), ShopHistory.hostile,
        tables: [ShopHistory.hostile], paused: ShopHistory.hostile, next: ["2026-11-22T05:00:00Z"],
        waiting: ShopHistory.hostile, problem: Problem(.invalidInput, ShopHistory.hostile, hint: ShopHistory.hostile),
        lastRun: nil)

    private static func schedule(
        _ name: String, _ source: String, _ trigger: TriggerView, _ words: String, environment: String = "dev",
        catchUp: String = "latest", tables: [String] = [], paused: String? = nil, next: [String],
        waiting: String? = nil, problem: Problem? = nil, lastRun: (StateWord, String)?
    ) -> ScheduleView {
        ScheduleView(
            name: name, source: source, environment: environment, trigger: trigger, words: words, catchUp: catchUp,
            tables: tables, views: !tables.isEmpty, isPaused: paused != nil, pausedBy: paused == nil ? nil : "admin",
            pausedBecause: paused, next: next, waiting: waiting, problem: problem.map { ProblemView($0) },
            lastRunID: lastRun == nil ? nil : ShopHistory.resolvedID, lastRunState: lastRun?.0, lastFiredAt: lastRun?.1,
            createdBy: "admin")
    }
}

extension FixtureOperations {
    func schedules(as caller: Caller) async throws -> [ScheduleView] {
        switch mood {
        case .empty: []
        case .hostile: [ShopSchedules.hostile]
        default: ShopSchedules.all
        }
    }

    func schedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        guard let found = try await schedules(as: caller).first(where: { $0.name == name }) else {
            throw Problem(.notFound, "There is no schedule \(name).", hint: "See what there is under Schedules.")
        }
        return found
    }

    func putSchedule(_ name: String, _ request: ScheduleRequest, as caller: Caller) async throws -> ScheduleView {
        try refuse(request.trigger)
        let json = String(decoding: try WireJSON.encode(request), as: UTF8.self)
        remember("put \(name) \(json)")
        var schedule = ShopSchedules.all[0]
        schedule.name = name
        return schedule
    }

    func preview(_ trigger: TriggerView, as caller: Caller) async throws -> TriggerPreview {
        try refuse(trigger)
        return TriggerPreview(words: "At 06:00 (Europe/Berlin)", next: ShopSchedules.all[3].next)
    }

    private func refuse(_ trigger: TriggerView) throws {
        if trigger.expression == "0 0 30 2 *" {
            throw Problem(.invalidInput, "0 0 30 2 * never fires.", hint: "February has no 30th day.")
        }
    }

    func deleteSchedule(_ name: String, as caller: Caller) async throws { remember("delete \(name)") }

    func pauseSchedule(_ name: String, because: String?, as caller: Caller) async throws -> ScheduleView {
        remember("pause \(name) \(because ?? "-")")
        return try await schedule(name, as: caller)
    }

    func resumeSchedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        remember("resume \(name)")
        return try await schedule(name, as: caller)
    }

    func runSchedule(_ name: String, as caller: Caller) async throws -> CloneAccepted {
        remember("run \(name)")
        return CloneAccepted(runID: Shop.runningID, runURL: "http://127.0.0.1:8080/runs/\(Shop.runningID)")
    }

    func backfill(
        _ name: String, _ request: BackfillRequest, as caller: Caller
    ) async throws -> BackfillAccepted {
        guard request.from <= request.through else {
            throw Problem(.invalidInput, "The first day is after the last.", hint: "Turn them round.")
        }
        remember("backfill \(name) \(request.from) \(request.through)")
        return BackfillAccepted(runIDs: [Shop.runningID, Shop.doneID, Shop.failedID], alreadyThere: 1)
    }
}

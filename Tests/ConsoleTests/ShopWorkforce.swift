import Foundation
import Kernel
import Wire

/// Workers of the shop (alive, silent, for some kinds only), limits with jobs that wait, maintenance windows.
enum ShopWorkforce {
    static let kinds = ["provision", "extract", "validate", "load", "model", "publish", "notify"]

    static let workers: [WorkerView] = [
        WorkerView(
            name: "box/4711", version: "0.1.0", kinds: kinds, isLimited: false, slots: 2, isAlive: true,
            startedAt: "2026-11-19T07:00:00Z", seenAt: "2026-11-21T09:29:58Z",
            jobs: [
                WorkerJob(runID: Shop.runningID, kind: "extract", source: "shop", seconds: 11),
                WorkerJob(runID: ShopHistory.fannedID, kind: "load", source: "shop", seconds: 40),
            ]),
        WorkerView(
            name: "loader-7f9c6d5b4-x2k8q.weirhouse.svc.cluster.local/1", version: "0.1.1",
            kinds: ["extract", "validate"], isLimited: true, slots: 8, isAlive: true,
            startedAt: "2026-11-21T09:00:00Z", seenAt: "2026-11-21T09:29:59Z", jobs: []),
        WorkerView(
            name: "old-box/88", version: "0.0.9", kinds: kinds, isLimited: false, slots: 1, isAlive: false,
            startedAt: "2026-11-01T07:00:00Z", seenAt: "2026-11-21T08:48:00Z", jobs: []),
    ]

    static let limits: [LimitView] = [
        LimitView(
            key: "organization", most: 4, secondsBetweenStarts: nil, running: 2, waiting: 0, pausedUntil: nil,
            pausedBecause: nil),
        LimitView(
            key: "source/dev/shop", most: 1, secondsBetweenStarts: 60, running: 1, waiting: 3, pausedUntil: nil,
            pausedBecause: nil),
        LimitView(
            key: "source/prod/shop", most: nil, secondsBetweenStarts: 0.5, running: 0, waiting: 2,
            pausedUntil: "further notice", pausedBecause: "the source is being upgraded"),
        LimitView(
            key: "warehouse/prod", most: nil, secondsBetweenStarts: nil, running: 0, waiting: 0,
            pausedUntil: "2026-11-21T10:15:00Z", pausedBecause: nil),
        LimitView(
            key: ShopHistory.hostile, most: nil, secondsBetweenStarts: nil, running: 0, waiting: 0, pausedUntil: nil,
            pausedBecause: ShopHistory.hostile),
    ]

    static let windows: [WindowView] = [
        WindowView(
            name: "weekend", key: "warehouse/prod", expression: "0 2 * * 6", timeZone: "Europe/Berlin", minutes: 240,
            because: "upgrades", words: "At 02:00 on Saturday (Europe/Berlin), for 4 hours",
            openUntil: "2026-11-21T09:50:00Z", next: "2026-11-28T01:00:00Z"),
        WindowView(
            name: "lunch", key: "organization", expression: "0 12 * * *", timeZone: "UTC", minutes: 30, because: nil,
            words: "At 12:00, for 30 minutes", openUntil: nil, next: "2026-11-21T12:00:00Z"),
    ]
}

extension FixtureOperations {
    func workers(as caller: Caller) async throws -> [WorkerView] { mood == .empty ? [] : ShopWorkforce.workers }
    func limits(as caller: Caller) async throws -> [LimitView] { mood == .empty ? [] : ShopWorkforce.limits }

    func setLimit(_ request: LimitRequest, as caller: Caller) async throws -> LimitView {
        let seconds = request.secondsBetweenStarts.map { "\($0)" } ?? "-"
        remember("limit \(request.key) \(request.most.map(String.init) ?? "-") \(seconds)")
        return ShopWorkforce.limits[0]
    }

    func pauseLimit(_ request: LimitPauseRequest, as caller: Caller) async throws -> LimitView {
        remember("pause \(request.key) \(request.minutes.map(String.init) ?? "-") \(request.because ?? "-")")
        return ShopWorkforce.limits[0]
    }

    func resumeLimit(_ key: String, as caller: Caller) async throws -> LimitView {
        remember("resume \(key)")
        return ShopWorkforce.limits[0]
    }

    func windows(as caller: Caller) async throws -> [WindowView] { mood == .empty ? [] : ShopWorkforce.windows }

    func putWindow(_ name: String, _ request: WindowRequest, as caller: Caller) async throws -> WindowView {
        guard request.expression != "0 0 30 2 *" else {
            throw Problem(.invalidInput, "0 0 30 2 * never fires.", hint: "February has no 30th day.")
        }
        remember("window \(name) \(request.key) \(request.expression) \(request.timeZone ?? "-") \(request.minutes)")
        return ShopWorkforce.windows[0]
    }

    func deleteWindow(_ name: String, as caller: Caller) async throws { remember("delete window \(name)") }
}

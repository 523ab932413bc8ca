import Hummingbird
import Kernel
import Roles
import Wire

/// The first page: is all well, what ran last, where to go.
struct HomeArea: Sendable {
    /// So many are counted.
    private static let deadLetters = 50

    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/", .organizationRead) { try await show($0) }
    }

    private func show(_ visit: Visit) async throws -> Response {
        async let health = console.operations.health()
        let may = MayOpen(visit.caller)
        let runs = await read(if: may.runs) {
            try await console.operations.runs(RunFilter(limit: 6), as: visit.caller).runs
        }
        let late = await read(if: may.notifications) {
            try await console.operations.expectations(as: visit.caller).filter(\.isLate)
        }
        let dead = await read(if: may.notifications) {
            try await console.operations.deliveries(state: "dead", limit: Self.deadLetters, as: visit.caller)
        }
        let dashboards = await read(if: may.dashboards) {
            try await console.operations.dashboards(as: visit.caller)
        }
        let setup = await read(if: visit.caller.may(.organizationManage)) {
            try await console.operations.setup(as: visit.caller)
        }
        let now = console.time.now()
        let view = HomePage(
            health: HealthNote(await health), runs: runs.value?.map { RunRow($0, now: now) } ?? [],
            dashboards: dashboards.value?.map { DashboardCard($0) } ?? [],
            isNew: runs.value?.isEmpty == true,
            problem: (runs.problem ?? dashboards.problem ?? late.problem ?? dead.problem).map { ProblemNote($0) },
            concerns: Self.concerns(late: late.value ?? [], dead: dead.value?.count ?? 0), may: may,
            closed: visit.caller.closed, setup: setup.value.flatMap { SetupList($0) })
        return console.pages.page("home", view, Heading("Home", .home), visit: visit)
    }

    /// What somebody should look at.
    private static func concerns(late: [ExpectationView], dead: Int) -> [HomePage.Concern] {
        var concerns: [HomePage.Concern] = []
        if !late.isEmpty {
            let names = late.prefix(3).map { "\($0.table.map { "\($0) of " } ?? "")\($0.source) in \($0.environment)" }
            let more = late.count > 3 ? " and \(late.count - 3) more" : ""
            concerns.append(
                HomePage.Concern(
                    text: "Late: \(names.joined(separator: ", "))\(more)", address: "/notifications#expectations"))
        }
        if dead > 0 {
            let count = dead == deadLetters ? "\(dead) messages or more" : Readable.plural(dead, "message")
            concerns.append(
                HomePage.Concern(
                    text: "\(count) could not be delivered", address: "/notifications?state=dead#deliveries"))
        }
        return concerns
    }

    /// When a part is not well, Home is where people look: it shows what it can.
    private func read<Value: Sendable>(
        if mayAsk: Bool, _ ask: () async throws -> Value
    ) async -> (value: Value?, problem: Problem?) {
        guard mayAsk else { return (nil, nil) }
        do {
            return (try await ask(), nil)
        } catch {
            return (nil, Problem(wrapping: error))
        }
    }
}

struct HomePage: Sendable {
    let health: HealthNote
    let runs: [RunRow]
    let dashboards: [DashboardCard]
    /// Nothing was ever cloned.
    let isNew: Bool
    let problem: ProblemNote?
    let concerns: [Concern]
    let may: MayOpen
    /// Why the organization is closed.
    let closed: String?
    let setup: SetupList?

    struct Concern: Sendable {
        let text: String
        let address: String
    }
}

struct HealthNote: Sendable {
    let healthy: Bool
    let version: String
    let summary: String
    let parts: [Part]

    struct Part: Sendable {
        let name: String
        let healthy: Bool
        let detail: String
        /// The detail with its full stop, for a hint to follow.
        let sentence: String
        let hint: String?
    }

    init(_ report: HealthReport) {
        healthy = report.healthy
        version = report.version
        parts = report.parts.map {
            Part(
                name: $0.name, healthy: $0.healthy, detail: $0.detail,
                sentence: $0.detail.hasSuffix(".") ? $0.detail : "\($0.detail).", hint: $0.healthy ? nil : $0.hint)
        }
        let unwell = report.parts.count { !$0.healthy }
        summary = report.healthy ? "All parts are well" : "\(Readable.plural(unwell, "part")) not well"
    }
}

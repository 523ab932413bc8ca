import Access
import Jobs
import Kernel
import Roles
import Warehousing
import Wire

/// Asks of each operation whether its caller may do it, before it is done: for the API, the console and the command line
/// alike, and nowhere else. What a role may is in `Role.permissions`. What changes something, and what takes data out, is
/// entered in the audit with how it went (`audited`).
///
/// What belongs to an environment is asked for in that environment. If only its id is given, it is looked up first:
/// somebody who may not see it is told that it is not there.
struct GuardedOperations: Operations {
    let inner: LiveOperations

    func health() async -> HealthReport { await inner.health() }

    func checkReadiness() async throws { try await inner.checkReadiness() }

    // MARK: - Sources and clones

    func startClone(_ request: CloneRequest, as caller: Caller) async throws -> CloneAccepted {
        try await audited(
            AuditedChange(
                "clones.start", request.auditTarget, after: { CloneAudit(request, run: $0.runID) },
                asked: CloneAudit(request)), as: caller
        ) {
            let environment = try inner.place(
                PlaceRequest(organization: request.organization, environment: request.environment), caller
            ).environment
            // Whoever gives an address makes a source, or moves it.
            try caller.require(request.url == nil ? .clonesStart : .sourcesManage, in: environment)
            return try await inner.startClone(request, as: caller)
        }
    }

    func testSource(_ request: SourceTestRequest, as caller: Caller) async throws -> SourceTestResult {
        try await audited("sources.test", AuditTarget("database", request.url.auditedPlace), as: caller) {
            try caller.requireSomewhere(.sourcesManage)
            return try await inner.testSource(request, as: caller)
        }
    }

    // MARK: - Runs

    func runs(_ filter: RunFilter, as caller: Caller) async throws -> RunList {
        try caller.requireSomewhere(.runsRead)
        var filter = filter
        filter.visible = caller.rights.environments(for: .runsRead)
        return try await inner.runs(filter, as: caller)
    }

    func run(_ id: RunID, as caller: Caller) async throws -> RunDetail {
        try caller.requireSomewhere(.runsRead)
        let found = try await inner.run(id, as: caller)
        guard caller.may(.runsRead, in: found.run.environment) else { throw RunControl.missing(id) }
        return found
    }

    func cancelRun(_ id: RunID, note: String?, as caller: Caller) async throws -> RunDetail {
        try await changeRun("runs.cancel", id, RunAudit(note: note), caller) {
            try await inner.cancelRun(id, note: note, as: caller)
        }
    }

    func retryRun(_ id: RunID, from kind: String?, as caller: Caller) async throws -> RunDetail {
        try await changeRun("runs.retry", id, RunAudit(from: kind), caller) {
            try await inner.retryRun(id, from: kind, as: caller)
        }
    }

    func resolveRun(_ id: RunID, note: String, as caller: Caller) async throws -> RunDetail {
        try await changeRun("runs.resolve", id, RunAudit(note: note), caller) {
            try await inner.resolveRun(id, note: note, as: caller)
        }
    }

    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] {
        try caller.requireSomewhere(.runsManage)
        // One by one, and each by its own right.
        return try await BulkChange(operations: self).make(request, as: caller)
    }

    func log(of id: RunID, _ range: LogRange, limit: Int, as caller: Caller) async throws -> LogPage {
        try await requireRun(id, .runsRead, caller)
        return try await inner.log(of: id, range, limit: limit, as: caller)
    }

    func events(
        of id: RunID, after sequence: Int64, as caller: Caller
    ) async throws -> AsyncThrowingStream<RunEvent, any Error> {
        try await requireRun(id, .runsRead, caller)
        return try await inner.events(of: id, after: sequence, as: caller)
    }

    private func changeRun(
        _ action: String, _ id: RunID, _ asked: RunAudit, _ caller: Caller, _ work: () async throws -> RunDetail
    ) async throws -> RunDetail {
        try await audited(
            AuditedChange(
                action, AuditTarget("run", id.description),
                before: { RunAudit(state: try await inner.run(id, as: caller).run.state) },
                after: { RunAudit(state: $0.run.state, note: asked.note, from: asked.from) }, asked: asked), as: caller
        ) {
            try await requireRun(id, .runsManage, caller)
            return try await work()
        }
    }

    private func requireRun(_ id: RunID, _ permission: Permission, _ caller: Caller) async throws {
        try caller.requireSomewhere(permission)
        try caller.requireSomewhere(.runsRead)
        let environment = try await inner.environment(of: id, as: caller)
        guard caller.may(.runsRead, in: environment) else { throw RunControl.missing(id) }
        try caller.require(permission, in: environment)
    }

    // MARK: - Data

    func query(_ request: QueryRequest, as caller: Caller) async throws -> QueryTable {
        try await audited("data.query", request.auditTarget, as: caller, asked: QueryAudit(request)) {
            try requirePlace(
                PlaceRequest(organization: request.organization, environment: request.environment), .dataRead, caller)
            return try await inner.query(request, as: caller)
        }
    }

    func export(_ request: QueryRequest, as caller: Caller) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        try await audited("data.export", request.auditTarget, as: caller, asked: QueryAudit(request)) {
            try requirePlace(
                PlaceRequest(organization: request.organization, environment: request.environment), .dataRead, caller)
            return try await inner.export(request, as: caller)
        }
    }

    func tables(of place: PlaceRequest, as caller: Caller) async throws -> [SchemaView] {
        try requirePlace(place, .dataRead, caller)
        return try await inner.tables(of: place, as: caller)
    }

    func preview(
        schema: String, table: String, limit: Int, of place: PlaceRequest, as caller: Caller
    ) async throws -> QueryTable {
        try await audited("data.preview", AuditTarget("table", "\(schema).\(table)"), as: caller, asked: place) {
            try requirePlace(place, .dataRead, caller)
            return try await inner.preview(schema: schema, table: table, limit: limit, of: place, as: caller)
        }
    }

    func dashboards(as caller: Caller) async throws -> [DashboardSummary] {
        try caller.requireSomewhere(.dashboardsRead)
        return try await inner.dashboards(as: caller).filter { caller.may(.dashboardsRead, in: $0.environment) }
    }

    func dashboard(_ name: String, of place: PlaceRequest, as caller: Caller) async throws -> DashboardView {
        try requirePlace(place, .dashboardsRead, caller)
        return try await inner.dashboard(name, of: place, as: caller)
    }

    func chart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartData {
        try requirePlace(place, .dashboardsRead, caller)
        return try await inner.chart(chart, of: dashboard, range: range, of: place, as: caller)
    }

    func exportChart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartExport {
        let asked = ChartAudit(place: place, range: range)
        return try await audited("data.export", AuditTarget("chart", "\(dashboard)/\(chart)"), as: caller, asked: asked)
        {
            try requirePlace(place, .dashboardsRead, caller)
            return try await inner.exportChart(chart, of: dashboard, range: range, of: place, as: caller)
        }
    }

    private func requirePlace(_ place: PlaceRequest, _ permission: Permission, _ caller: Caller) throws {
        try caller.require(permission, in: try inner.place(place, caller).environment)
    }

    // MARK: - Who asks

    func caller(token: String) async throws -> Caller { try await inner.caller(token: token) }

    func caller(session: String) async throws -> Caller? { try await inner.caller(session: session) }

    func knownCaller(token: String) -> Caller? { inner.knownCaller(token: token) }

    func knownCaller(session: String) -> Caller? { inner.knownCaller(session: session) }

    func makeSignInCode(as caller: Caller) async throws -> String {
        try await audited("signin.link", nil, as: caller) {
            try caller.require(.accountManage)
            guard caller.isPerson || caller.isLocal else {
                throw Problem(
                    .forbidden, "\(caller.name) is a service: it has tokens, and no browser.",
                    hint: "Sign in as a person.")
            }
            // A session has all rights: a token that is narrowed would widen itself.
            try caller.requireWhole("open a session")
            return try await inner.makeSignInCode(as: caller)
        }
    }

    func openSession(code: String) async throws -> Secret<String> {
        try await auditedSignIn(by: "link") { try await inner.openSession(code: code) }
    }

    func closeSession(_ session: String) async throws {
        guard let caller = try await inner.caller(session: session) else { return }
        try await audited("signin.close", nil, as: caller) { try await inner.closeSession(session) }
    }
}

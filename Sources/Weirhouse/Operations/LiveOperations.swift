import Access
import Connecting
import Foundation
import Ingestion
import Jobs
import Kernel
import Postgres
import Secrets
import Warehousing
import Wire

/// What the faces ask, answered from the metadata database, the query engine and the data folder.
///
/// It runs in the server, into which DuckDB is never loaded: what needs DuckDB is asked of the query engine.
struct LiveOperations: Operations {
    let house: House
    /// Where people reach the server, known once it listens.
    let address: @Sendable () -> String
    let watch: RunWatch
    let gateway: QueryGateway
    let readiness: Readiness
    let callers: KnownCallers
    let changes: ChangeCounts
    let consents = KnownConsents()

    var reader: RunReader { RunReader(pool: house.pool, address: address()) }

    func health() async -> HealthReport {
        await HealthCheck(house: house, gateway: gateway).report()
    }

    func checkReadiness() async throws { try await readiness.check() }

    // MARK: - Runs

    func startClone(_ request: CloneRequest, as caller: Caller) async throws -> CloneAccepted {
        let place = try self.place(
            PlaceRequest(organization: request.organization, environment: request.environment), caller)
        let (source, url) = try sourceName(of: request)
        let order = CloneOrder(
            client: place.slug, environment: place.environment, source: source, tables: request.tables ?? [],
            views: request.views ?? false, day: house.time.now().utcDay)
        let accepted = { (run: RunID, isNew: Bool) in
            CloneAccepted(runID: run.description, runURL: "\(address())/runs/\(run)", isNew: isNew)
        }
        // First of all, so that a request that is sent again touches neither the source nor what is kept of it.
        if let earlier = try await earlierClone(request.idempotencyKey, of: source, in: place) {
            return accepted(earlier, false)
        }
        let secretName = CloneRun.secretName(environment: place.environment, source: source)
        if let url {
            // First, so that an address that leads nowhere leaves nothing behind and replaces none that works.
            if request.source == nil { try await refuseAnotherDatabase(url, named: source, in: place) }
            try await house.checkSource(url, for: order)
            try await metadata {
                try await secretKeeper.keep(Secret(url), named: secretName, of: place.organization, by: caller.name)
            }
        } else if try await house.secrets.get(secretName, of: place.organization) == nil {
            throw Problem(.notFound, "There is no source \(source).", hint: "Give its address.")
        }
        let run = RunID(house.time.makeUUID())
        let jobs = try CloneRun.jobs(for: order, of: place.organization, deadline: house.settings.cloneDeadline)
        let made = try await metadata { [house] in
            try await house.pool.transaction(organization: place.organization) { connection in
                try await connection.query(
                    """
                    INSERT INTO weir.sources (source_id, organization_id, environment, name, kind)
                    VALUES (\(house.time.makeUUID()), \(place.organization), \(place.environment), \(source), 'postgres')
                    ON CONFLICT (organization_id, environment, name) DO NOTHING
                    """)
                try await connection.query(
                    """
                    INSERT INTO weir.warehouses (warehouse_id, organization_id, environment, provider)
                    VALUES (\(house.time.makeUUID()), \(place.organization), \(place.environment), 'ducklake')
                    ON CONFLICT (organization_id, environment) DO NOTHING
                    """)
                return try await house.queue.enqueue(
                    run: run, kind: CloneRun.kind, organization: place.organization, environment: place.environment,
                    source: source, jobs: jobs, idempotencyKey: request.idempotencyKey, time: house.time,
                    on: connection)
            }
        }
        // Two requests at once: the other one was first.
        if made != run { _ = try await earlierClone(request.idempotencyKey, of: source, in: place) }
        return accepted(made, made == run)
    }

    /// The run that an earlier request of the same key has made; nil if there is none, or no key.
    /// - Throws: `conflict` if that was a clone of another source, or into another environment.
    private func earlierClone(_ key: String?, of source: String, in place: WarehousePlace) async throws -> RunID? {
        guard let key else { return nil }
        let rows = try await metadata { [house] in
            try await house.pool.transaction(organization: place.organization) { connection in
                try await connection.query(
                    """
                    SELECT run_id, source, environment FROM weir.runs
                    WHERE organization_id = \(place.organization) AND kind = \(CloneRun.kind) AND idempotency_key = \(key)
                    """)
            }
        }
        guard let row = rows.first else { return nil }
        let (clone, into) = (try row.string("source"), try row.string("environment"))
        guard clone == source, into == place.environment else {
            throw Problem(
                .conflict, "This idempotency key stands for a clone of \(clone) into \(into) already.",
                hint: "Use a new key for each clone.")
        }
        return try row.id("run_id")
    }

    /// A source's name stands for one database: another one whose name is the same by chance would replace its tables.
    private func refuseAnotherDatabase(_ url: String, named source: String, in place: WarehousePlace) async throws {
        let name = CloneRun.secretName(environment: place.environment, source: source)
        let stored = try await metadata { try await house.secrets.get(name, of: place.organization) }
        guard let stored else { return }
        let old = try ConnectionAddress(String(decoding: stored.reveal(), as: UTF8.self))
        let new = try ConnectionAddress(url)
        guard old.place == new.place, old.database == new.database else {
            throw Problem(
                .conflict, "The source \(source) is the database \(old.database) at \(old.place) already.",
                hint: "Name this one with --source; give the same name if that database has moved here.")
        }
    }

    func testSource(_ request: SourceTestRequest, as caller: Caller) async throws -> SourceTestResult {
        let (identity, streams) = try await house.inspectSource(request.url)
        return SourceTestResult(
            product: identity.product, database: identity.database,
            streams: streams.map { found in
                StreamView(
                    name: found.stream.name.description, kind: found.stream.kind.rawValue,
                    columns: found.stream.columns.count, estimatedRows: found.stream.estimatedRows,
                    estimatedBytes: found.stream.estimatedBytes, refusal: found.refusal.map { ProblemView($0.problem) })
            })
    }

    /// The source's name: as given, or the database's in a form that names can have.
    private func sourceName(of request: CloneRequest) throws -> (name: String, url: String?) {
        let address = try request.url.map { try ConnectionAddress($0) }
        guard let name = request.source ?? address.map({ Slug.snakeCase($0.database) }) else {
            throw Problem(.invalidInput, "The address of the source is missing.", hint: "Give it as url.")
        }
        // The form that names of tables are made of: no `__`, which separates the source from the table.
        guard Slug.isValid(name), Slug.snakeCase(name) == name else {
            throw Problem(
                .invalidInput, "\(name) cannot name a source.",
                hint: "Use a to z, digits and _, led by a letter, at most 40.")
        }
        return (name, request.url)
    }

    func runs(_ filter: RunFilter, as caller: Caller) async throws -> RunList {
        guard (1...500).contains(filter.limit) else {
            throw Problem(.invalidInput, "The limit is \(filter.limit).", hint: "Use 1 to 500.")
        }
        return try await metadata { try await reader.list(filter, as: caller) }
    }

    func run(_ id: RunID, as caller: Caller) async throws -> RunDetail {
        let detail = try await metadata { try await reader.detail(id, as: caller) }
        notice(detail, caller)
        return detail
    }

    /// Lists that are asked for from now on are not older than what was told of this run.
    private func notice(_ detail: RunDetail, _ caller: Caller) {
        guard let run = RunID(detail.run.runID) else { return }
        changes.noteRun(run, is: detail.run.state.rawValue, in: caller.organization)
    }

    /// Where a run belongs, without reading what it did.
    /// - Throws: `notFound`.
    func environment(of id: RunID, as caller: Caller) async throws -> String {
        try await metadata { try await reader.environment(of: id, as: caller) }
    }

    func cancelRun(_ id: RunID, note: String?, as caller: Caller) async throws -> RunDetail {
        try await metadata {
            try await control.cancel(id, of: caller.organization, by: caller.name, note: note)
            return try await reader.detail(id, as: caller)
        }
    }

    func retryRun(_ id: RunID, from kind: String?, as caller: Caller) async throws -> RunDetail {
        try await metadata {
            let failed = try await reader.detail(id, as: caller).jobs.first { $0.state == .retryable }
            try await control.retry(
                id, of: caller.organization, by: caller.name, from: kind ?? failed.flatMap(CloneRun.restart(after:)))
            return try await reader.detail(id, as: caller)
        }
    }

    func resolveRun(_ id: RunID, note: String, as caller: Caller) async throws -> RunDetail {
        try await metadata {
            try await control.resolve(id, of: caller.organization, by: caller.name, note: note)
            return try await reader.detail(id, as: caller)
        }
    }

    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome] {
        try await BulkChange(operations: self).make(request, as: caller)
    }

    private var control: RunControl { RunControl(pool: house.pool) }

    func log(of id: RunID, _ range: LogRange, limit: Int, as caller: Caller) async throws -> LogPage {
        guard (1...LogPage.most).contains(limit) else {
            throw Problem(.invalidInput, "The limit is \(limit).", hint: "Use 1 to \(LogPage.most).")
        }
        return try await metadata {
            _ = try await reader.environment(of: id, as: caller)
            return try await reader.log(of: id, range, limit: limit, as: caller)
        }
    }

    func events(
        of id: RunID, after sequence: Int64, as caller: Caller
    ) async throws -> AsyncThrowingStream<RunEvent, any Error> {
        let environment = try await environment(of: id, as: caller)
        return RunFeed(
            id, in: environment, after: sequence, as: caller, reader: reader, signals: watch.signals(of: id),
            noticed: { notice($0, caller) }
        ).events
    }

    // MARK: -

    /// The warehouse that is meant; only the caller's own organization's.
    func place(_ request: PlaceRequest, _ caller: Caller) throws -> WarehousePlace {
        let slug = request.organization ?? caller.slug
        guard slug == caller.slug else {
            throw Problem(
                .forbidden, "You do not belong to an organization \(slug).",
                hint: "Leave it out, or use \(caller.slug).")
        }
        let environment = request.environment ?? "dev"
        guard WarehousePlace.environments.contains(environment) else {
            throw Problem(.invalidInput, "There is no environment \(environment).", hint: "Use dev, stage or prod.")
        }
        return WarehousePlace(organization: caller.organization, slug: slug, environment: environment)
    }

    /// Turns failures of the metadata database into problems.
    func metadata<Value: Sendable>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }
}

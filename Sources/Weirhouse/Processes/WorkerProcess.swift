import DuckDB
import EmbeddedWarehouse
import Foundation
import Ingestion
import Jobs
import Kernel
import Lakehouse
import Loading
import Postgres
import PostgresConnector
import Provisioning
import ServiceLifecycle
import Telemetry
import Warehousing

/// `weir work`: loads, models and publishes.
struct WorkerProcess: Service {
    let house: House
    var scope = WorkScope()

    func run() async throws {
        try await house.telemetry.around {
            let duckDB = try house.duckDB()
            try await duckDB.prepare()
            let chosen = try scope.choose(from: house.settings.timeLimits.applied(to: handlers(duckDB)))
            house.telemetry.metrics.begin(jobKinds: chosen.map(\.kind))
            let worker = Worker(
                queue: house.queue, listener: house.listener("weir_jobs", "weir_cancel"), handlers: chosen,
                name: "\(ProcessInfo.processInfo.hostName)/\(getpid())", version: OwnProgram.version,
                organizations: try await scope.organizations(in: house), slots: 2, observe: house.observe)
            house.observe(.partStarted(part: "worker", detail: "\(getpid())"))
            await cancelWhenGracefulShutdown { await worker.run() }
            house.observe(.partStopped(part: "worker", detail: "all jobs given back"))
        }
    }

    private func handlers(_ duckDB: WorkerDuckDB) -> [any JobHandler] {
        let adapter = house.embedded { try await duckDB.lake.database() }
        let landed = LandedStreams(pool: house.pool)
        let layout = house.layout
        let lakeKey: @Sendable (CloneOrder, ClaimedJob) async throws -> Secret<[UInt8]> = { _, job in
            try await adapter.lakeKey(of: CloneRun.place(of: job))
        }
        return [
            ProvisionJob(adapter: adapter, place: CloneRun.place),
            ExtractJob(
                layout: layout, receipts: house.receipts, parallelism: 2,
                openSource: { [house] order, job in
                    try await house.openSource(order, of: job.organization) { try await duckDB.reading.database() }
                },
                lakeKey: lakeKey,
                knownTables: { order, job in
                    try await landed.tables(of: order.source, in: CloneRun.place(of: job))
                }),
            ValidateJob(
                layout: layout, receipts: house.receipts,
                openValidation: { try Validation(layout: layout, database: try await duckDB.lake.database()) },
                lakeKey: lakeKey),
            LoadJob(
                layout: layout, adapter: adapter, receipts: house.receipts, place: CloneRun.place,
                passed: { context in
                    let passed: ValidateJob.Passed = try await context.result(of: "validate")
                    return passed.places
                },
                remember: { streams, position, job in
                    let order: CloneOrder = try job.payload()
                    try await landed.remember(
                        streams, of: order.source, position: position, in: CloneRun.place(of: job), by: job)
                }),
            ModelJob(
                adapter: adapter, landed: landed, modelsFolder: house.folder.models,
                pythonHome: house.settings.pythonHome, duckDB: duckDB, time: house.time, observe: house.observe,
                timeout: house.settings.timeLimits.limits[ModelJob.kind] ?? ModelJob.usualTimeout),
            PublishJob(
                pool: house.pool, landed: landed, dashboards: DashboardFiles(modelsFolder: house.folder.models)),
            NotifyJob(house: house),
        ]
    }
}

/// Which jobs a worker takes.
struct WorkScope: Sendable {
    /// All if empty.
    var kinds: [String] = []
    /// Slugs; all if empty.
    var organizations: [String] = []

    /// - Throws: `invalidInput` for a kind that there is not.
    func choose(from handlers: [any JobHandler]) throws -> [any JobHandler] {
        let known = handlers.map(\.kind)
        if let unknown = kinds.first(where: { !known.contains($0) }) {
            throw Problem(
                .invalidInput, "There are no \(unknown) jobs.", hint: "There are: \(known.joined(separator: ", ")).")
        }
        return kinds.isEmpty ? handlers : handlers.filter { kinds.contains($0.kind) }
    }

    /// Nil: all.
    /// - Throws: `notFound` for an organization that there is not.
    func organizations(in house: House) async throws -> [OrganizationID]? {
        guard !organizations.isEmpty else { return nil }
        return try await house.pool.withConnection { connection in
            var ids: [OrganizationID] = []
            for slug in organizations {
                let found = try await connection.query("SELECT weir.organization_named(\(slug)) AS id").first
                guard let id = try found?.optional("id").flatMap({ OrganizationID($0) }) else {
                    throw Problem(.notFound, "There is no organization \(slug).", hint: "Check its name.")
                }
                ids.append(id)
            }
            return ids
        }
    }
}

import Foundation
import Ingestion
import Jobs
import Kernel
import Modeling
import Postgres
import Warehousing

/// Publishes the dashboards of the project, then says how the models did.
struct PublishJob: JobHandler {
    static let kind: String = "publish"
    let kind: String = "publish"
    let pool: PGPool
    let landed: LandedStreams
    let dashboards: DashboardFiles

    struct Outcome: Codable, Sendable {
        var dashboard: String?
    }

    var policy: JobPolicy { JobPolicy(timeout: .seconds(15 * 60)) }

    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let order: CloneOrder = try job.payload()
        let place = try CloneRun.place(of: job)
        let build: BuildResult = try await context.result(of: ModelJob.kind)
        let found = try dashboards.all(in: place)
        for dashboard in found {
            let landed = try await landed.verifiedThrough(source: dashboard.source, in: place)
            // Marts that were not built are as old as before, whatever has landed.
            try await publish(dashboard, through: build.problem == nil ? landed : nil, in: place, by: job)
        }
        try await remove(allBut: found.map(\.name), in: place, by: job)
        if let problem = build.problem { throw problem }
        let own = found.first { $0.name == order.source } ?? found.first { $0.source == order.source }
        try await context.report(JobProgress(done: Int64(found.count), total: Int64(found.count), unit: "dashboards"))
        return Outcome(dashboard: own?.name)
    }

    private func publish(
        _ dashboard: Dashboard, through: String?, in place: WarehousePlace, by job: ClaimedJob
    ) async throws {
        try await pool.transaction(organization: place.organization) { connection in
            try await JobQueue.confirm(job, on: connection)
            try await connection.query(
                """
                INSERT INTO weir.dashboards (organization_id, environment, name, title, verified_through)
                VALUES (\(place.organization), \(place.environment), \(dashboard.name), \(dashboard.title),
                  \(through)::timestamptz)
                ON CONFLICT (organization_id, environment, name) DO UPDATE SET
                  title = excluded.title, published_at = now(),
                  verified_through = coalesce(excluded.verified_through, dashboards.verified_through)
                """)
        }
    }

    private func remove(allBut names: [String], in place: WarehousePlace, by job: ClaimedJob) async throws {
        let list = try JSONValue(names)
        try await pool.transaction(organization: place.organization) { connection in
            try await JobQueue.confirm(job, on: connection)
            try await connection.query(
                """
                DELETE FROM weir.dashboards WHERE environment = \(place.environment)
                  AND NOT (\(list)::jsonb ? name)
                """)
        }
    }
}

/// Dashboards as code: `dashboards/*.yml` in the project of a warehouse.
struct DashboardFiles: Sendable {
    let modelsFolder: String

    /// Sorted by file name.
    /// - Throws: `modelsFailed` naming the file that cannot be read.
    func all(in place: WarehousePlace) throws -> [Dashboard] {
        let folder = "\(modelsFolder)/\(place.name)/dashboards"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasSuffix(".yml")
        }
        return try names.sorted().map { name in
            try Self.known.dashboard("\(folder)/\(name)") {
                try Dashboard(yaml: String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8), file: name)
            }
        }
    }

    private static let known = KnownDashboards()

    /// - Throws: `notFound`.
    func dashboard(_ name: String, in place: WarehousePlace) throws -> Dashboard {
        guard let found = try all(in: place).first(where: { $0.name == name }) else {
            throw Problem(
                .notFound, "There is no dashboard \(name).", hint: "The list of dashboards shows those there are.")
        }
        return found
    }
}

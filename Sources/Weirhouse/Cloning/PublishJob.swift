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
        let files = dashboards.all(in: place)
        let found = files.compactMap(\.dashboard)
        for dashboard in found {
            let landed = try await landed.verifiedThrough(source: dashboard.source, in: place)
            // Marts that were not built are as old as before, whatever has landed.
            try await publish(dashboard, through: build.problem == nil ? landed : nil, in: place, by: job)
        }
        // One that cannot be read at the moment is still there, as it was published last.
        let unreadable = files.filter { $0.problem != nil }
        try await remove(allBut: Set(found.map(\.name) + unreadable.map(\.name)), in: place, by: job)
        let problems = unreadable.compactMap(\.problem)
        for problem in problems { try await context.log(.error, problem.detail) }
        if let problem = build.problem ?? problems.first { throw problem }
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

    private func remove(allBut names: Set<String>, in place: WarehousePlace, by job: ClaimedJob) async throws {
        let list = try JSONValue(names.sorted())
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

    struct File {
        /// Without `.yml`.
        let name: String
        /// `invalidInput` if it cannot be read.
        let content: Result<Dashboard, Problem>

        var dashboard: Dashboard? { try? content.get() }
        var problem: Problem? {
            if case .failure(let problem) = content { problem } else { nil }
        }
    }

    /// Sorted by file name.
    func all(in place: WarehousePlace) -> [File] {
        let folder = "\(modelsFolder)/\(place.name)/dashboards"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasSuffix(".yml")
        }
        return names.sorted().map { name in
            let content = Result { () throws(Problem) in try Self.read(name, in: folder) }
            return File(name: String(name.dropLast(4)), content: content)
        }
    }

    private static func read(_ name: String, in folder: String) throws(Problem) -> Dashboard {
        do {
            return try known.dashboard("\(folder)/\(name)") {
                try Dashboard(yaml: String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8), file: name)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(
                .invalidInput, "The dashboard \(name) cannot be read.", hint: "It is to be a file of text in UTF-8.",
                cause: error)
        }
    }

    private static let known = KnownDashboards()

    /// - Throws: `notFound`; `invalidInput` if its file cannot be read.
    func dashboard(_ name: String, in place: WarehousePlace) throws -> Dashboard {
        let files = all(in: place)
        if let found = files.lazy.compactMap(\.dashboard).first(where: { $0.name == name }) {
            return found
        }
        guard let unreadable = files.first(where: { $0.name == name }) else {
            throw Problem(
                .notFound, "There is no dashboard \(name).", hint: "The list of dashboards shows those there are.")
        }
        return try unreadable.content.get()
    }
}

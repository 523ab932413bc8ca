import Ingestion
import Jobs
import Kernel
import Postgres
import Warehousing
import Wire

/// The graph of a clone: provision, extract, validate, load, model, publish, each after the one before.
enum CloneRun {
    static let kind = "clone"
    /// Only one job of all organizations holds it at a time.
    static let provisionKey = "provision"
    /// Of its jobs.
    static let kinds = ["provision", "extract", "validate", "load", ModelJob.kind, PublishJob.kind]

    /// The jobs of one clone, as values.
    /// - Parameter deadline: from now to when all of it must be done.
    static func jobs(
        for order: CloneOrder, of organization: OrganizationID, priority: Int = 0, deadline: Duration
    ) throws -> [JobSpec] {
        let payload = try JSONValue(order)
        let place = "\(order.client)_\(order.environment)"
        let whole = JobLimits.organization(organization)
        let source = JobLimits.source(order.source, environment: order.environment, of: organization)
        let warehouse = JobLimits.warehouse(environment: order.environment, of: organization)
        let jobs = [
            // One at a time: it makes schemas in DuckLake, and DDL on two connections of one process corrupts.
            JobSpec(
                kind: "provision", payload: payload, after: [], exclusiveKey: provisionKey, limits: [whole, warehouse]),
            JobSpec(
                kind: "extract", payload: payload, after: [0], exclusiveKey: "extract/\(place)/\(order.source)",
                limits: [whole, source]),
            JobSpec(kind: "validate", payload: payload, after: [1], limits: [whole]),
            JobSpec(
                kind: "load", payload: payload, after: [2], exclusiveKey: "load/\(place)", limits: [whole, warehouse]),
            // One dbt build per warehouse at a time.
            JobSpec(
                kind: ModelJob.kind, payload: payload, after: [3], exclusiveKey: "build/\(place)",
                limits: [whole, warehouse]),
            JobSpec(kind: PublishJob.kind, payload: payload, after: [4], limits: [whole]),
        ]
        return jobs.map { job in
            var job = job
            job.priority = priority
            job.deadline = deadline
            return job
        }
    }

    /// Where a run has to begin again if that is not where it failed: models are built by one job, and their failures are
    /// told by the next, which publishes what could be built.
    static func restart(after failed: JobView) -> String? {
        failed.kind == PublishJob.kind && failed.problem?.code == Problem.Code.modelsFailed.rawValue
            ? ModelJob.kind : nil
    }

    static func place(of job: ClaimedJob) throws -> WarehousePlace {
        let order: CloneOrder = try job.payload()
        return WarehousePlace(organization: job.organization, slug: order.client, environment: order.environment)
    }

    /// The name of the secret that holds a source's address.
    static func secretName(environment: String, source: String) -> String { "source/\(environment)/\(source)" }
}

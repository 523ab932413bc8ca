import Ingestion
import Jobs
import Kernel
import Postgres
import Warehousing
import Wire

/// The graph of a clone: provision, extract, validate, load, model, publish, each after the one before.
enum CloneRun {
    static let kind = "clone"

    /// The jobs of one clone, as values.
    static func jobs(for order: CloneOrder) throws -> [JobSpec] {
        let payload = try JSONValue(order)
        let place = "\(order.client)_\(order.environment)"
        return [
            // One at a time: it makes schemas in DuckLake, and DDL on two connections of one process corrupts.
            JobSpec(kind: "provision", payload: payload, after: [], exclusiveKey: "provision"),
            JobSpec(kind: "extract", payload: payload, after: [0], exclusiveKey: "extract/\(place)/\(order.source)"),
            JobSpec(kind: "validate", payload: payload, after: [1]),
            JobSpec(kind: "load", payload: payload, after: [2], exclusiveKey: "load/\(place)"),
            // One dbt build per warehouse at a time.
            JobSpec(kind: ModelJob.kind, payload: payload, after: [3], exclusiveKey: "build/\(place)"),
            JobSpec(kind: PublishJob.kind, payload: payload, after: [4]),
        ]
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

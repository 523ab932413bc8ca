package import Jobs
import Kernel
package import Warehousing

/// Makes the warehouse, if there is none yet: plans, then performs step by step. After a crash the next plan holds only
/// what is left.
package struct ProvisionJob: JobHandler {
    package let kind = "provision"
    private let adapter: any WarehouseAdapter
    private let place: @Sendable (ClaimedJob) throws -> WarehousePlace

    package init(adapter: any WarehouseAdapter, place: @escaping @Sendable (ClaimedJob) throws -> WarehousePlace) {
        self.adapter = adapter
        self.place = place
    }

    /// How many steps there were to do.
    package struct Outcome: Sendable, Codable {
        package var steps: Int
    }

    /// Some statements and folders: minutes at most.
    package var policy: JobPolicy { JobPolicy(timeout: .seconds(15 * 60)) }

    package func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let place = try place(job)
        try adapter.validate(place)
        let steps = try await adapter.plan(place)
        for (index, step) in steps.enumerated() {
            try await context.log(step.description)
            try await context.confirmLease()
            try await adapter.perform(step, for: place)
            FaultPoint.pass("provision.\(step.id)")
            try await context.report(
                JobProgress(done: Int64(index + 1), total: Int64(steps.count), unit: "steps", note: step.description))
        }
        return Outcome(steps: steps.count)
    }
}

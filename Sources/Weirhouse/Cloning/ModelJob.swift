import DuckDB
import Foundation
import Ingestion
import Jobs
import Kernel
import Modeling
import Synchronization
import Warehousing

/// Generates the dbt project from what stands in RAW, keeping people's edits, and builds it.
struct ModelJob: JobHandler {
    static let kind: String = "model"
    let kind: String = "model"
    let adapter: any WarehouseAdapter
    let landed: LandedStreams
    /// Holds a repository per warehouse.
    let modelsFolder: String
    let pythonHome: String
    let duckDB: WorkerDuckDB
    let time: TimeSource
    let observe: Observe
    /// Of an attempt; a third of it is for each of its builds, of which there may be two.
    let timeout: Duration

    static let usualTimeout: Duration = .seconds(3 * 3600)

    var policy: JobPolicy { JobPolicy(timeout: timeout) }

    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let order: CloneOrder = try job.payload()
        let place = try CloneRun.place(of: job)
        let input = ModelingInput(
            organization: place.slug, environment: place.environment, database: adapter.capabilities.databaseName,
            sources: try await landed.all(in: place))
        try await generate(input, because: order, in: context)
        FaultPoint.pass("model.generated")
        let (result, began) = try await build(in: place, FencingToken(job.fence), context)
        FaultPoint.pass("model.built")
        try await adapter.checkCatalogue(of: place)
        // Builds wait for one another, so one from before is over or dead by now.
        try await adapter.removeOrphans(of: place, before: began)
        for warning in result.warnings { try await context.log(.warning, warning) }
        for failure in result.failures { try await context.log(.error, "\(failure.node): \(failure.message)") }
        return result
    }

    private func folder(_ place: String) -> String { "\(modelsFolder)/\(place)" }

    private func generate(_ input: ModelingInput, because order: CloneOrder, in context: JobContext) async throws {
        let files = ProjectGenerator.files(for: input)
        let result = try await ProjectRepository(folder: folder(input.project))
            .update(with: files, message: "Generate models from \(order.source)")
        try await context.log("The project has \(files.count) generated files, \(result.changed.count) changed.")
        if !result.kept.isEmpty {
            try await context.log(.warning, "People's edits were kept in \(result.kept.joined(separator: ", ")).")
        }
    }

    /// - Returns: how the last build ended, and when it began.
    private func build(
        in place: WarehousePlace, _ fence: FencingToken, _ context: JobContext
    ) async throws -> (BuildResult, Date) {
        // dbt takes memory of its own: this process gives back what loads have left it with.
        await duckDB.rest()
        let memory = EngineMemory(folder: folder(place.name))
        var began = time.now()
        var result = try await build(in: place, fence, limits: DbtRunner.Limits(engineMemory: memory.wanted), context)
        if result.needsMoreMemory, memory.wanted < EngineMemory.most {
            try await context.log(.warning, "Some models need more memory than usual: building again with 2 GB.")
            try memory.wantMost()
            began = time.now()
            result = try await build(
                in: place, fence, limits: DbtRunner.Limits(engineMemory: EngineMemory.most), context)
        }
        try await duckDB.prepare()
        return (result, began)
    }

    /// Progress comes from dbt's log line by line; a task beside it stores it.
    private func build(
        in place: WarehousePlace, _ fence: FencingToken, limits: DbtRunner.Limits, _ context: JobContext
    ) async throws -> BuildResult {
        try await context.confirmLease()
        let (lines, continuation) = AsyncStream<BuildProgress>.makeStream(bufferingPolicy: .bufferingNewest(64))
        var limits = limits
        limits.threads = adapter.capabilities.buildThreads
        limits.time = timeout / 3
        let runner = DbtRunner(pythonHome: pythonHome, limits: limits)
        let target = try await adapter.modelingTarget(for: place, fence: fence)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await line in lines {
                    try await context.report(
                        JobProgress(done: Int64(line.finished), total: Int64(line.of), unit: "nodes", note: line.node))
                }
            }
            defer { continuation.finish() }
            let result = try await withSpan("dbt build", .client, observe: observe) {
                try await runner.build(folder(place.name), target: target) { continuation.yield($0) }
            }
            continuation.finish()
            try await group.waitForAll()
            return result
        }
    }
}

/// How much memory a project's builds get; one that has needed more gets more from then on.
private struct EngineMemory {
    static let usual = 128 << 20
    static let most = 2 << 30

    private let note: String

    init(folder: String) { note = "\(folder)/target/weirhouse-needs-memory" }

    var wanted: Int { FileManager.default.fileExists(atPath: note) ? Self.most : Self.usual }

    func wantMost() throws {
        try Data("Some models needed more than the usual memory. Remove this file to try with less.\n".utf8)
            .write(to: URL(fileURLWithPath: note))
    }
}

import Foundation
import Kernel
import Logging
import Postgres
import Telemetry

/// All that listens to a process's observations, and what that does beside the work.
struct ProcessTelemetry: Sendable {
    let metrics = ObservationMetrics()
    private let log: ObservationLog
    private let exporter: OTLPExporter?
    private let flush: MetricFlush?
    private let database: PGPool?

    /// - Parameter database: where the sums of all processes are; nil in a process that has nothing to do with it.
    init(_ settings: Settings, part: Weirhouse.Part, database: PGPool?, logger: Logger) {
        let log = ObservationLog(logger: logger)
        self.log = log
        exporter = settings.traces.map { [metrics] traces in
            OTLPExporter(traces, part: part.rawValue, version: OwnProgram.version, count: metrics.count)
        }
        self.database = database
        flush = database.map { [metrics] pool in
            MetricFlush(registry: metrics.shared, pool: pool, observe: log.observe)
        }
    }

    @Sendable func observe(_ observation: Observation) {
        log.observe(observation)
        metrics.observe(observation)
        exporter?.observe(observation)
    }

    /// Runs `work`. Metrics and traces are sent all the while, and once more when it is over.
    func around(_ work: () async throws -> Void) async throws {
        let sending = Task {
            await withDiscardingTaskGroup { group in
                if let flush { group.addTask { await flush.run() } }
                if let exporter { group.addTask { await exporter.run() } }
            }
        }
        let result: Result<Void, any Error>
        do {
            try await work()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        sending.cancel()
        await sending.value
        // After the traces: their fate is counted too.
        if let flush { await flush.last() }
        await database?.close()
        try result.get()
    }
}

import Kernel
import Postgres
import Telemetry

/// Adds what this process has counted to the sums in the metadata database (migration 0010).
///
/// What cannot be stored is kept for the next time. What a process counted in its last seconds is lost if it is killed;
/// if an answer of the database is lost with its connection, one batch may be added twice.
struct MetricFlush: Sendable {
    let registry: MetricRegistry
    let pool: PGPool
    var interval = Duration.seconds(2)
    let observe: Observe

    /// Until the task is cancelled.
    func run() async {
        var isFailing = false
        while !Task.isCancelled {
            do {
                try await flush()
                isFailing = false
            } catch {
                guard !Task.isCancelled else { return }
                // Once, not every two seconds.
                if !isFailing { observe(.partFailed(part: "metrics", problem: Problem(ofMetadata: error))) }
                isFailing = true
            }
            try? await Task.sleep(for: interval)
        }
    }

    /// At the process's end, for at most two seconds.
    func last() async {
        await Weirhouse.within(.seconds(2)) {
            do {
                try await flush()
            } catch {
                observe(.partFailed(part: "metrics", problem: Problem(ofMetadata: error)))
            }
        }
    }

    /// - Throws: `PGError`; then nothing is stored and nothing is lost.
    func flush() async throws {
        let drained = registry.drain()
        guard !drained.deltas.isEmpty else { return }
        do {
            let batch = try JSONValue(drained.deltas.map(Delta.init))
            _ = try await pool.withConnection { connection in
                try await connection.query("SELECT weir.add_metrics(\(batch)::jsonb)")
            }
        } catch {
            registry.restore(drained)
            throw error
        }
    }

    private struct Delta: Encodable {
        let metric: String
        let labels: [String: String]
        let value: Double

        init(_ point: MetricPoint) {
            metric = point.name
            labels = Dictionary(point.labels.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            value = point.value
        }
    }
}

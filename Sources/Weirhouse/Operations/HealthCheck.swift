import Foundation
import Jobs
import Kernel
import Postgres
import Secrets
import Wire

/// Looks at each part and says what to do about one that is not well.
struct HealthCheck: Sendable {
    let house: House
    let gateway: QueryGateway

    func report() async -> HealthReport {
        async let metadata = metadata()
        async let worker = worker()
        async let engine = engine()
        async let secrets = secrets()
        return HealthReport(
            version: OwnProgram.version,
            parts: [await metadata, await worker, await engine, lake(), python()] + (await secrets))
    }

    /// Of a store of secrets elsewhere; in the database they are as well as that.
    private func secrets() async -> [PartHealth] {
        guard house.settings.secrets.place != "local" else { return [] }
        do {
            try await house.secrets.checkHealth()
            return [PartHealth(name: "secrets", healthy: true, detail: house.secrets.place)]
        } catch {
            let problem = Problem(wrapping: error)
            return [PartHealth(name: "secrets", healthy: false, detail: problem.detail, hint: problem.hint)]
        }
    }

    private func metadata() async -> PartHealth {
        do {
            let rows = try await house.pool.withConnection { connection in
                try await connection.query("SELECT current_setting('server_version') AS version")
            }
            let version = try rows.first?.string("version").split(separator: " ").first ?? "?"
            return PartHealth(name: "metadata", healthy: true, detail: "PostgreSQL \(version)")
        } catch {
            return PartHealth(
                name: "metadata", healthy: false, detail: "does not answer",
                hint: "`weir up` starts it again by itself; if that does not help, see \(house.folder.logs).")
        }
    }

    /// Workers say that they live every few seconds, also those on other machines.
    private func worker() async -> PartHealth {
        do {
            let living = try await WorkerRegister(pool: house.pool).living()
            guard living.workers > 0 else {
                return PartHealth(
                    name: "worker", healthy: false, detail: "none is running",
                    hint: "Start one: `weir up`, or `weir work`.")
            }
            let places = living.places == 1 ? "1 place" : "\(living.places) places"
            return PartHealth(name: "worker", healthy: true, detail: "\(living.workers) running, with \(places)")
        } catch {
            return PartHealth(
                name: "worker", healthy: false, detail: "unknown while the metadata database does not answer",
                hint: "`weir workers` lists them when it is back.")
        }
    }

    private func engine() async -> PartHealth {
        do {
            return PartHealth(name: "query engine", healthy: true, detail: try await gateway.health())
        } catch {
            return PartHealth(
                name: "query engine", healthy: false, detail: Problem(wrapping: error).detail,
                hint: "`weir up` starts it again by itself within seconds.")
        }
    }

    private func lake() -> PartHealth {
        do {
            let values = try FileManager.default.attributesOfFileSystem(forPath: house.folder.lake)
            let free = (values[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
            let text = "\(free / 1_000_000_000) GB free in \(house.folder.lake)"
            return free < 500_000_000
                ? PartHealth(name: "lake", healthy: false, detail: text, hint: "Free space on that disk.")
                : PartHealth(name: "lake", healthy: true, detail: text)
        } catch {
            return PartHealth(
                name: "lake", healthy: false, detail: "\(house.folder.lake) cannot be read",
                hint: "Check the folder's rights.")
        }
    }

    private func python() -> PartHealth {
        FileManager.default.isExecutableFile(atPath: "\(house.settings.pythonHome)/bin/dbt")
            ? PartHealth(name: "dbt", healthy: true, detail: house.settings.pythonHome)
            : PartHealth(
                name: "dbt", healthy: false, detail: "not found in \(house.settings.pythonHome)",
                hint: "Run `make bootstrap`.")
    }
}

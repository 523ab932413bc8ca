import API
import AsyncHTTPClient
import Console
import Foundation
import Hummingbird
import Kernel
import Logging
import Postgres
import ServiceLifecycle
import Synchronization
import Telemetry
import Wire

/// `weir serve`: API and console. DuckDB is never loaded into it.
struct ServerProcess: Service {
    let house: House
    let logger: Logger

    func run() async throws {
        try await house.telemetry.around { try await serve() }
    }

    private func serve() async throws {
        try Port.check(house.settings.port)
        let scrape = ScrapeReader(own: house.telemetry.metrics.own, measured: house.pool, database: house.observed)
        let watch = RunWatch(listener: house.listener("weir_runs"), pool: house.pool)
        let listening = Listening(folder: house.folder)
        // The address is known once the port is; links are made after that.
        let callers = KnownCallers(gate: house.gate, listener: house.listener("weir_access"))
        let operations = GuardedOperations(
            inner: LiveOperations(
                house: house, address: { listening.address }, watch: watch, gateway: QueryGateway(house: house),
                readiness: Readiness(pool: house.observed, newest: try Metadata.newestMigration()), callers: callers))
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        // First, so that it stands around all others.
        router.add(middleware: RequestTelemetry(time: house.time, observe: house.observe))
        MetricsRoute(token: house.settings.metricsToken, reader: scrape).add(to: router)
        API(operations: operations, time: house.time, observe: house.observe).addRoutes(to: router)
        try Console(
            operations: operations, assetsFolder: "\(house.settings.pythonHome)/assets", time: house.time,
            observe: house.observe
        ).addRoutes(to: router)
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: house.settings.port), serverName: nil),
            onServerRunning: { channel in listening.announce(port: channel.localAddress?.port ?? 0) },
            logger: logger)
        house.telemetry.metrics.begin()
        let lag = LoopLag(of: HTTPClient.defaultEventLoopGroup) { [own = house.telemetry.metrics.own] seconds in
            own.record(seconds, in: WeirMetrics.loopLag)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await lag.run() }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    await withTaskGroup(of: Void.self) { group in
                        group.addTask { await watch.run() }
                        group.addTask { await callers.run() }
                        group.addTask { await Caretaker(house: house).run() }
                    }
                }
                // The server answers what it has begun to, but nobody can hold it up for longer than this.
                try? await Task.sleep(for: .seconds(3))
            }
            group.addTask {
                do {
                    try await application.run()
                } catch {
                    house.observe(.partFailed(part: "server", problem: Problem(wrapping: error)))
                }
            }
            await group.next()
            group.cancelAll()
        }
        listening.withdraw()
    }
}

/// Where the server listens, told to the other commands in `server.json`.
final class Listening: Sendable {
    private let folder: DataFolder
    private let port = Atomic<Int>(0)

    init(folder: DataFolder) { self.folder = folder }

    var address: String { "http://127.0.0.1:\(port.load(ordering: .acquiring))" }

    func announce(port: Int) {
        self.port.store(port, ordering: .releasing)
        let file = ServerFile(address: address, pid: getpid())
        if let data = try? JSONEncoder().encode(file) { try? folder.write(data, to: folder.serverFile) }
    }

    func withdraw() {
        if let file = try? ServerFile.read(folder.serverFile), file.pid == getpid() {
            try? FileManager.default.removeItem(atPath: folder.serverFile)
        }
    }
}

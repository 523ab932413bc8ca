import API
import Access
import Admission
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
    /// Gets the routes instead of serving them; nil for a server.
    var onlyShow: (@Sendable (Router<ServerContext>, any Operations) throws -> Void)?

    func run() async throws {
        try await house.telemetry.around { try await serve() }
    }

    func serve() async throws {
        let network = house.settings.network
        try Port.check(house.settings.port, at: network.listen)
        let attempts = AttemptLimits()
        let scrape = ScrapeReader(own: house.telemetry.metrics.own, measured: house.pool, database: house.observed)
        let watch = RunWatch(listener: house.listener("weir_runs"), pool: house.pool)
        let listening = Listening(folder: house.folder, settings: house.settings)
        // The address is known once the port is; links are made after that.
        let callers = KnownCallers(gate: house.gate, listener: house.listener("weir_access"))
        let changes = ChangeCounts()
        let gateway = QueryGateway(house: house)
        let operations = GuardedOperations(
            inner: LiveOperations(
                house: house, address: { listening.shownAddress }, watch: watch, gateway: gateway,
                readiness: Readiness(pool: house.observed, newest: try Metadata.newestMigration()), callers: callers,
                changes: changes))
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        // First, so that it stands around all others.
        let log = RequestLog(
            time: house.time,
            spanScheme: house.settings.traces.map { _ in network.tls == nil ? "http" : "https" },
            observe: house.observe)
        router.add(middleware: RequestTelemetry(log: log))
        let doorway = Doorway(network)
        router.add(middleware: Reception(doorway))
        MetricsRoute(token: house.settings.metricsToken, reader: scrape, network: network).add(to: router)
        let api = API(
            operations: operations, attempts: attempts, time: house.time, changes: changes, observe: house.observe)
        api.addRoutes(to: router)
        let console = try Console(
            operations: operations, assetsFolder: "\(house.settings.pythonHome)/assets", attempts: attempts,
            time: house.time, changes: changes, observe: house.observe)
        console.addRoutes(to: router)
        if let onlyShow { return try onlyShow(router, operations) }
        let desk = ReadyDesk(doorway: doorway, log: log, api: api, console: console)
        let admission = try Admission(network, atOnce: desk.answer)
        let application = Application(
            router: router, server: admission.server,
            configuration: ApplicationConfiguration(
                address: .hostname(network.listen.description, port: house.settings.port), serverName: nil,
                // As many as come at once after a deployment: one that finds no place tries again after a second.
                backlog: 4096),
            onServerRunning: { channel in
                // Fails only for a channel that is closed, and then the server ends by itself.
                try? await EagerAccept.add(to: channel)
                listening.announce(port: channel.localAddress?.port ?? 0)
            },
            logger: logger)
        house.telemetry.metrics.begin()
        let lag = LoopLag(of: HTTPClient.defaultEventLoopGroup) { [own = house.telemetry.metrics.own] seconds in
            own.record(seconds, in: WeirMetrics.loopLag)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await lag.run() }
            if let certificate = admission.certificate {
                group.addTask { await certificate.keepFresh(observe: house.observe) }
            }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    await withTaskGroup(of: Void.self) { group in
                        group.addTask { await watch.run() }
                        group.addTask { await callers.run() }
                        group.addTask { await gateway.keepFresh() }
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
    private let settings: Settings
    private let port = Atomic<Int>(0)

    init(folder: DataFolder, settings: Settings) {
        self.folder = folder
        self.settings = settings
    }

    /// What links for people begin with.
    var shownAddress: String { settings.publicURL ?? address }

    /// Where the other commands of this machine reach the server.
    private var address: String {
        let network = settings.network
        let scheme = network.tls == nil ? "http" : "https"
        return "\(scheme)://\(network.localName):\(port.load(ordering: .acquiring))"
    }

    func announce(port: Int) {
        self.port.store(port, ordering: .releasing)
        let file = ServerFile(
            address: address, pid: getpid(), connect: settings.network.tls.map { _ in settings.network.localAddress },
            publicAddress: settings.publicURL)
        if let data = try? JSONEncoder().encode(file) { try? folder.write(data, to: folder.serverFile) }
    }

    func withdraw() {
        if let file = try? ServerFile.read(folder.serverFile), file.pid == getpid() {
            try? FileManager.default.removeItem(atPath: folder.serverFile)
        }
    }
}

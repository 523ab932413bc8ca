import DuckDB
import Foundation
import HTTPTypes
import Hummingbird
package import Kernel
import Logging
import NIOCore
import ServiceLifecycle

/// The process that runs people's SQL: `POST /query` and `GET /health` over HTTP on a unix socket.
///
/// It holds DuckDB so that the server does not have to. A query that cannot be stopped, or that took so much memory that
/// nothing in the process can be relied on, ends the process; whoever started it starts it again.
package final class QueryEngine: Sendable {
    /// Exit status when the process has to be started again.
    package static let restartStatus: Int32 = 75

    private let configuration: EngineConfiguration
    private let turns: QueryTurns
    private let warehouses: OpenWarehouses
    private let guarding: SQLGuard
    private let cap: MemoryCap
    private let observe: Observe
    private let exit: @Sendable (Int32) -> Void
    private let running = RunningQueries()

    /// - Parameters:
    ///   - capsMemory: whether this process gets a hard limit; only for a process that is an engine and nothing else.
    ///   - exit: ends the process at once with a status.
    /// - Throws: `missingDependency`, `internal`.
    package init(
        _ configuration: EngineConfiguration, capsMemory: Bool, observe: @escaping Observe,
        exit: @escaping @Sendable (Int32) -> Void
    ) async throws {
        self.configuration = configuration
        self.observe = observe
        self.exit = exit
        turns = QueryTurns(
            limit: configuration.concurrent, limitPerWarehouse: configuration.concurrentPerWarehouse,
            longestQueue: configuration.waiting)
        warehouses = OpenWarehouses(configuration)
        try? FileManager.default.removeItem(atPath: configuration.folder)
        try FileManager.default.createDirectory(
            atPath: configuration.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        guarding = try await SQLGuard(library: configuration.duckDB.library)
        // Files and socket are for this user alone; a reader that leaves must not end the process.
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        cap = MemoryCap(allowing: capsMemory ? (configuration.memory + configuration.headroom) << 20 : 0)
    }

    /// Serves until the task is cancelled or the process is told to stop.
    /// - Throws: what binding the socket throws.
    package func run() async throws {
        let router = Router()
        router.get("health") { [self] _, _ in try await health() }
        router.post("query") { [self] request, _ in try await answer(request) }
        var logger = Logger(label: "engine")
        logger.logLevel = .error
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: configuration.socket), serverName: nil),
            onServerRunning: { [configuration, observe] _ in
                chmod(configuration.socket, 0o600)
                observe(.partStarted(part: "engine", detail: "on \(configuration.socket)"))
            }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                try await withGracefulShutdownHandler {
                    try await application.run()
                } onGracefulShutdown: {
                    self.stopEverything()
                }
            }
            group.addTask { [warehouses] in
                while true {
                    try await Task.sleep(for: .seconds(30))
                    await warehouses.closeIdle()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// The process is about to end: nobody should wait for long queries.
    private func stopEverything() {
        Task { [turns] in await turns.close() }
        running.stop(QueryTurns.closing)
    }

    private func health() async throws -> Response {
        let health = EngineHealth(
            version: configuration.duckDB.library.version, running: await turns.runningCount,
            waiting: await turns.waitingCount, warehouses: await warehouses.count, memory: MemoryCap.used,
            memoryLimit: cap.limit)
        let status: HTTPResponse.Status = await turns.isClosed ? .serviceUnavailable : .ok
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(health))))
    }

    private func answer(_ request: Request) async throws -> Response {
        guard await !turns.isClosed else { return Response(status: .serviceUnavailable) }
        var request = request
        let body = try await request.collectBody(upTo: 4 << 20)
        guard let query = try? JSONDecoder().decode(EngineRequest.self, from: Data(body.readableBytesView)) else {
            return Response(status: .badRequest)
        }
        let inbound = request.body
        let trace = HTTPField.Name("traceparent").flatMap { request.headers[$0] }.flatMap {
            TraceContext(traceparent: $0)
        }
        return Response(
            status: .ok, headers: [.contentType: "application/octet-stream"],
            body: ResponseBody { [self] writer in
                let channel = FrameChannel()
                let watch = QueryWatch(deadline: query.deadline, grace: configuration.grace)
                TraceContext.$current.withValue(trace) {
                    watch.follow(Task { await perform(query, channel, watch) })
                    Task { await giveUpIfStuck(channel, watch) }
                }
                do {
                    try await inbound.consumeWithInboundCloseHandler { _ in
                        while let frame = await channel.next() {
                            try await writer.write(ByteBuffer(bytes: frame.encoded()))
                        }
                    } onInboundClosed: {
                        self.leave(channel, watch)
                    }
                    try await writer.finish(nil)
                } catch {
                    leave(channel, watch)
                    throw error
                }
            })
    }

    /// Nobody waits for the answer any more.
    private func leave(_ channel: FrameChannel, _ watch: QueryWatch) {
        watch.stop(Problem(.cancelled, "Nobody waited for the answer any more."))
        Task { await channel.close() }
    }

    private func perform(_ query: EngineRequest, _ channel: FrameChannel, _ watch: QueryWatch) async {
        let number = running.add(watch)
        defer { running.remove(number) }
        let memory = "\(configuration.memory) MB"
        do {
            try await turns.begin(query.warehouse)
            do {
                let run = QueryRun(
                    request: query, warehouses: warehouses, guarding: guarding, channel: channel, watch: watch,
                    memory: memory)
                try await withSpan("query", .server, observe: observe) { try await run.perform() }
                await turns.finish(query.warehouse)
            } catch {
                await turns.finish(query.warehouse)
                throw error
            }
            await channel.finish()
        } catch {
            let problem = watch.problem ?? QueryFailure.problem(error, memory: memory)
            if problem.code == .internal || problem.code == .engineUnavailable {
                observe(.partFailed(part: "engine", problem: problem))
            }
            await channel.fail(problem)
            if let error = error as? DuckError, QueryFailure.isFailedAllocation(error) { await startAnew() }
        }
        watch.finish()
        if cap.isNearlyReached { await startAnew() }
    }

    /// Answers for a query that does not stop, then ends the process: DuckDB cannot be stopped from outside.
    private func giveUpIfStuck(_ channel: FrameChannel, _ watch: QueryWatch) async {
        guard await !watch.run() else { return }
        await turns.close()
        await channel.fail(watch.problem ?? QueryTurns.closing)
        observe(.partFailed(part: "engine", problem: watch.problem ?? QueryTurns.closing))
        // The answer is on its way to the socket of the same machine.
        try? await Task.sleep(for: .milliseconds(250))
        exit(QueryEngine.restartStatus)
    }

    /// How long what runs may go on before the process ends: everybody else waits.
    private static let longestFarewell = Duration.seconds(5)

    /// Lets what runs finish, but not for long, then ends the process. Who is stopped before his first row is sent again
    /// by `EngineClient`.
    private func startAnew() async {
        guard cap.limit > 0, await !turns.isClosed else { return }
        await turns.close()
        Task { [turns, running, exit] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await turns.untilIdle() }
                group.addTask { try? await Task.sleep(for: Self.longestFarewell) }
                await group.next()
                running.stop(QueryTurns.closing)
                // Whatever still runs ends with the process.
                try? await Task.sleep(for: .milliseconds(250))
                exit(QueryEngine.restartStatus)
            }
        }
    }
}

import ArgumentParser
import CommandLine
import Foundation
import Kernel
import Logging
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The composition root: the only place where concrete warehouses, connectors and faces meet.
package enum Weirhouse {
    /// The program: `weir`'s own commands and those that run Weirhouse itself.
    package static func main() async {
        await WeirCommandLine.main(
            extra: [UpCommand.self, ServeCommand.self, WorkCommand.self, EngineCommand.self, RoutesCommand.self],
            secrets: [RotateKeysCommand.self], version: OwnProgram.version)
    }

    /// The services of one kind of process.
    /// - Throws: `missingDependency`, `invalidInput`.
    static func build(
        _ part: Part, _ settings: Settings, scope: WorkScope = WorkScope(), logger: Logger
    ) throws -> ServiceGroup {
        let service: any Service =
            switch part {
            case .server:
                ServerProcess(
                    house: try House(settings, part: part, connections: 8, logger: logger), logger: logger)
            case .worker:
                WorkerProcess(
                    house: try House(settings, part: part, connections: 8, logger: logger), scope: scope)
            case .engine: try EngineProcess(settings: settings, logger: logger)
            }
        return ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    }

    enum Part: String { case server, worker, engine }

    /// The logger of this process; what others write is formatted in the same way.
    static func logger(_ part: String, _ settings: LogSettings) -> Logger {
        LoggingSystem.bootstrap { label in settings.handler(label: label) }
        return Logger(label: "weir.\(part)")
    }
}

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run everything on this machine: metadata database, server, worker, query engine.")

    @Option(help: "The data folder (WEIR_DATA; default ~/.weirhouse).") var data: String?
    @Option(help: "The port (WEIR_PORT; default 8080; 0 picks a free one).") var port: Int?

    func run() async throws {
        let settings = try Settings.read(data: data, port: port)
        let up = Up(settings: settings, logger: Weirhouse.logger("up", settings.log)) { address in
            let text = """
                Weirhouse is ready at \(address)
                Sign in with the link that `weir sign-in-link` prints. Stop with Ctrl-C.

                """
            FileHandle.standardOutput.write(Data(text.utf8))
        }
        try await StopSignals.run { try await up.run() }
    }
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Run the API and the console.")

    @Option(help: "The data folder (WEIR_DATA).") var data: String?
    @Option(help: "The port (WEIR_PORT).") var port: Int?

    func run() async throws { try await runPart(.server, data: data, port: port) }
}

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "work", abstract: "Run a worker.")

    @Option(help: "The data folder (WEIR_DATA).") var data: String?
    @Option(help: "Only jobs of these kinds, with commas between: extract,validate.") var kinds: String?
    @Option(help: "Only jobs of these organizations, with commas between.") var organizations: String?

    func run() async throws {
        try await runPart(
            .worker, data: data, port: nil,
            scope: WorkScope(kinds: Self.words(kinds), organizations: Self.words(organizations)))
    }

    private static func words(_ list: String?) -> [String] {
        (list ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}

struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine", abstract: "Run a query engine on a socket in the data folder.")

    @Option(help: "The data folder (WEIR_DATA).") var data: String?

    func run() async throws { try await runPart(.engine, data: data, port: nil) }
}

private func runPart(
    _ part: Weirhouse.Part, data: String?, port: Int?, scope: WorkScope = WorkScope()
) async throws {
    ParentWatch.begin()
    // libpq would take these for every address that people name.
    for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("PG") { unsetenv(name) }
    let settings = try Settings.read(data: data, port: port)
    try await Weirhouse.build(part, settings, scope: scope, logger: Weirhouse.logger(part.rawValue, settings.log)).run()
}

/// Ends `work` in order at Ctrl-C or SIGTERM.
enum StopSignals {
    static func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let task = Task { try await work() }
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { task.cancel() }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        do {
            try await task.value
        } catch is CancellationError {
            return
        }
    }
}

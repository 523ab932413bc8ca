import DuckDB
import Foundation
import Kernel
import Logging
import ServiceLifecycle
import Serving

/// `weir engine`: people's SQL and dashboards, on a socket in the data folder.
struct EngineProcess: Service {
    private let configuration: EngineConfiguration
    private let telemetry: ProcessTelemetry

    /// - Throws: `missingDependency`.
    init(settings: Settings, logger: Logger) throws {
        let folder = DataFolder(settings.data)
        let location = try DuckDBLibrary.Location.find(
            override: settings.duckDBLibrary, pythonHome: settings.pythonHome)
        configuration = EngineConfiguration(
            socket: folder.engineSocket, folder: "\(folder.run)/engine",
            duckDB: DuckEnvironment(
                library: try DuckDBLibrary(at: location), extensionFolder: settings.extensionFolder))
        telemetry = ProcessTelemetry(settings, part: .engine, database: nil, logger: logger)
    }

    func run() async throws {
        try await telemetry.around {
            let engine = try await QueryEngine(configuration, capsMemory: true, observe: telemetry.observe) { status in
                _exit(status)
            }
            telemetry.observe(.partStarted(part: "query engine", detail: configuration.socket))
            try await engine.run()
        }
    }
}

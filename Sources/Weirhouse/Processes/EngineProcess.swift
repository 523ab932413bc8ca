import DuckDB
import Foundation
import Kernel
import Logging
import ServiceLifecycle
import Serving

/// `weir engine`: people's SQL and dashboards, on a socket in the data folder.
struct EngineProcess: Service {
    private let configuration: EngineConfiguration
    private let observe: Observe

    /// - Throws: `missingDependency`.
    init(settings: Settings, logger: Logger) throws {
        let folder = DataFolder(settings.data)
        let location = try DuckDBLibrary.Location.find(
            override: settings.duckDBLibrary, pythonHome: settings.pythonHome)
        configuration = EngineConfiguration(
            socket: folder.engineSocket, folder: "\(folder.run)/engine",
            duckDB: DuckEnvironment(
                library: try DuckDBLibrary(at: location), extensionFolder: settings.extensionFolder))
        observe = ObservationLog(logger: logger).observe
    }

    func run() async throws {
        let engine = try await QueryEngine(configuration, capsMemory: true, observe: observe) { status in _exit(status)
        }
        observe(.partStarted(part: "query engine", detail: configuration.socket))
        try await engine.run()
    }
}

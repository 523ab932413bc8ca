import DuckDB
import Foundation
import Kernel
import Serving
import Testing

/// A query engine in a process of its own, as `weir engine` is: the test program starts itself again for it.
final class EngineInItsOwnProcess: @unchecked Sendable {
    let client: EngineClient
    let socket: String
    private let process = Process()
    private let ended = AsyncStream<Int32>.makeStream()

    /// - Parameters:
    ///   - memory: DuckDB's limit, mebibytes.
    ///   - socket: that of the engine that it follows; nil for one of its own.
    init(_ lake: Lake, memory: Int, patience: Duration = .seconds(20), at socket: String? = nil) throws {
        self.socket = socket ?? "\(lake.folder)/\(UUID().uuidString.prefix(8)).sock"
        client = EngineClient(socket: self.socket, patience: patience)
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--testing-library", "swift-testing", "--filter", "EngineForOthers"]
        var environment = ProcessInfo.processInfo.environment
        environment["WEIR_TEST_ENGINE_SOCKET"] = self.socket
        environment["WEIR_TEST_ENGINE_MEMORY"] = String(memory)
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.terminationHandler = { [ended] process in
            ended.continuation.yield(process.terminationStatus)
            ended.continuation.finish()
        }
        try process.run()
    }

    deinit { process.terminate() }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// The status with which the process ended by itself.
    func status() async -> Int32? {
        for await status in ended.stream { return status }
        return nil
    }
}

@Suite("EngineForOthers")
struct EngineForOthers {
    static let socket = ProcessInfo.processInfo.environment["WEIR_TEST_ENGINE_SOCKET"]

    @Test("serves until its process ends", .enabled(if: socket != nil))
    func serve() async throws {
        let socket = try #require(EngineForOthers.socket)
        let memory = ProcessInfo.processInfo.environment["WEIR_TEST_ENGINE_MEMORY"].flatMap { Int($0) }
        var configuration = EngineConfiguration(socket: socket, folder: "\(socket).d", duckDB: try Lake.environment())
        configuration.memory = memory ?? 256
        configuration.headroom = 512
        configuration.grace = 1
        try await QueryEngine(configuration, capsMemory: true, observe: { _ in }) { _exit($0) }.run()
    }
}

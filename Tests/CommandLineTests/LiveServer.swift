import API
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Kernel
import NIOCore
import Synchronization
import Testing

@testable import CommandLine

/// Runs one command line as a person would; returns the exit status.
func weir(_ arguments: String...) async -> Int32 { await WeirCommandLine.run(arguments) }

/// The real API over real HTTP for a while.
/// - Parameter body: gets a data folder that leads there.
func withServer(
    _ house: LiveHouse = LiveHouse(), _ recorder: Recorder = Recorder(),
    _ body: @Sendable (String) async throws -> Void
) async throws {
    let router = Router()
    router.add(middleware: recorder)
    API(operations: house).addRoutes(to: router)
    let folder = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await Application(router: router).test(.live) { client in
        let port = try #require(client.port)
        let own = ProcessInfo.processInfo.processIdentifier
        try Data(#"{"address": "http://127.0.0.1:\#(port)", "pid": \#(own)}"#.utf8).write(
            to: folder.appending(path: "server.json"))
        try Data("right".utf8).write(to: folder.appending(path: "token"))
        try await body(folder.path())
    }
}

/// Keeps what the commands ask, as it comes over the wire: `PUT /api/v1/schedules/nightly {"source":"shop"}`.
final class Recorder: RouterMiddleware {
    private let requests = Mutex<[String]>([])

    /// What was asked since the last time.
    func take() -> [String] {
        requests.withLock { requests in
            defer { requests = [] }
            return requests
        }
    }

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        var request = request
        let body = String(buffer: try await request.collectBody(upTo: 1 << 20))
        let line = "\(request.method.rawValue) \(request.uri.string)" + (body.isEmpty ? "" : " \(body)")
        requests.withLock { $0.append(line) }
        return try await next(request, context)
    }
}

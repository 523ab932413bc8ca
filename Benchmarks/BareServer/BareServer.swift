import Foundation
import Hummingbird
import Logging

/// The limit that `Benchmarks/run-load` compares the server with: Hummingbird with one route that looks at nothing and
/// answers with a body that was made before.
///
///     bareserver BYTES
///
/// It prints its port and ends when its standard input does.
@main
struct BareServer {
    static func main() async throws {
        let bytes = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes)
        let router = Router()
        router.get("/**") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"], body: ResponseBody(byteBuffer: body))
        }
        var logger = Logger(label: "bareserver")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                FileHandle.standardOutput.write(Data("\(channel.localAddress?.port ?? 0)\n".utf8))
            }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask {
                await withCheckedContinuation { over in
                    Thread.detachNewThread {
                        while readLine() != nil {}
                        over.resume()
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}

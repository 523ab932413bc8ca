import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Kernel
import Logging
import NIOCore
import ServiceLifecycle
import Testing
import Wire

@testable import API

@Suite struct ShutdownTests {
    @Test("a stream of events that is open does not hold up a server that stops", .timeLimit(.minutes(10)))
    func stops() async throws {
        let (asked, ask) = AsyncStream<Void>.makeStream()
        let house = House(events: { _ in
            ask.finish()
            return AsyncThrowingStream { _ in }
        })
        let router = Router()
        API(operations: house).addRoutes(to: router)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let app = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) })
        let group = ServiceGroup(configuration: .init(services: [app], logger: Logger(label: "test")))
        async let serving: Void = group.run()
        let number = try #require(await ports.first { _ in true })
        let path = "/api/v1/runs/\(House.run)/events"
        async let answer = TestClient.withClient(
            host: "127.0.0.1", port: number, eventLoopGroupProvider: .shared(app.eventLoopGroup)
        ) {
            try await $0.get(path, headers: [.authorization: "Bearer \(House.token)"])
        }
        for await _ in asked {}
        await group.triggerGracefulShutdown()
        try await serving
        #expect(try await answer.body.map { String(buffer: $0) } == "retry: 2000\n\n")
    }
}

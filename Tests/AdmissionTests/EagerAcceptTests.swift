import NIOCore
import NIOPosix
import Testing

@testable import Admission

@Suite("Taking in connections")
struct EagerAcceptTests {
    @Test("does not wait for a reader who has other work", .timeLimit(.minutes(10)))
    func takesAllIn() async throws {
        let many = 200
        let (accepted, told) = AsyncStream.makeStream(of: Void.self)
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .bind(host: "127.0.0.1", port: 0) { channel in
                told.yield()
                return channel.eventLoop.makeSucceededVoidFuture()
            }
        try await EagerAccept.add(to: server.channel)
        let address = try #require(server.channel.localAddress)

        // Nobody reads of the server's sequence as yet.
        var clients: [any Channel] = []
        for _ in 0..<many {
            clients.append(
                try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(to: address).get())
        }
        var taken = accepted.makeAsyncIterator()
        for _ in 0..<many { await taken.next() }

        try await server.executeThenClose { connections in
            var reader = connections.makeAsyncIterator()
            for _ in 0..<many { try #require(try await reader.next() != nil) }
        }
        for client in clients { try? await client.close() }
    }
}

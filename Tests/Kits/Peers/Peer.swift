import Foundation

/// Another program that a test talks to: a script of `Tests/Kits/Peers/Scripts`, which says one line of JSON for each
/// thing that happens. It ends when the test ends, however it ends.
package actor Peer {
    private let process = Process()
    private let input = Pipe()
    private let exit: AsyncStream<Void>
    private var lines: AsyncThrowingStream<Data, any Error>.AsyncIterator
    private var first = Data()

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private struct Place: Decodable {
        let port: Int
    }

    /// Starts a script, hands it to `work` once it is ready, and ends it.
    package static func use<Value: Sendable>(
        _ script: String, _ arguments: [String] = [], _ work: @Sendable (Peer) async throws -> Value
    ) async throws -> Value {
        let peer = try Peer(script, arguments)
        do {
            try await peer.becomeReady()
            let value = try await work(peer)
            await peer.end()
            return value
        } catch {
            await peer.end()
            throw error
        }
    }

    private init(_ script: String, _ arguments: [String]) throws {
        let output = Pipe()
        process.executableURL = try Self.python()
        process.arguments = ["-B", "\(Self.repository)/Tests/Kits/Peers/Scripts/\(script)"] + arguments
        process.standardInput = input
        process.standardOutput = output
        let (stream, continuation) = AsyncThrowingStream<Data, any Error>.makeStream()
        lines = stream.makeAsyncIterator()
        let (exit, ended) = AsyncStream<Void>.makeStream()
        self.exit = exit
        process.terminationHandler = { _ in ended.finish() }
        let reading = output.fileHandleForReading
        // A thread of its own, since a read waits. It ends with the script.
        Thread.detachNewThread {
            var rest = Data()
            while true {
                let chunk = reading.availableData
                if chunk.isEmpty { return continuation.finish(throwing: Failure(description: "\(script) has ended.")) }
                rest.append(chunk)
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    continuation.yield(Data(rest[..<end]))
                    rest = Data(rest[(end + 1)...])
                }
            }
        }
        try process.run()
    }

    private static let repository = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized.path

    /// `WEIR_TEST_PYTHON`, or the environment that scripts/bootstrap --tests makes.
    private static func python() throws -> URL {
        let path = ProcessInfo.processInfo.environment["WEIR_TEST_PYTHON"] ?? "\(repository)/.venv-tests/bin/python"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Failure(description: "There is no Python at \(path). Use scripts/bootstrap --tests.")
        }
        return URL(fileURLWithPath: path)
    }

    private func becomeReady() async throws { first = try await line() }

    private func end() async {
        try? input.fileHandleForWriting.close()
        process.terminate()
        for await _ in exit {}
    }

    private func line() async throws -> Data {
        // The iterator moves into the wait and back: an actor's own value cannot be lent to it.
        var iterator = lines
        let next = try await iterator.next(isolation: self)
        lines = iterator
        guard let next else { throw Failure(description: "The peer says no more.") }
        return next
    }

    /// Waits for the next line.
    package func next<Value: Decodable & Sendable>(_: Value.Type = Value.self) async throws -> Value {
        try JSONDecoder().decode(Value.self, from: try await line())
    }

    /// What the first line said.
    package func ready<Value: Decodable & Sendable>(_: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(Value.self, from: first)
    }

    /// Where it listens on 127.0.0.1.
    package var port: Int { get throws { try ready(Place.self).port } }

    /// Writes a line, and waits for the one that it says next.
    package func ask<Answer: Decodable & Sendable>(
        _ question: some Encodable & Sendable, _: Answer.Type = Answer.self
    ) async throws -> Answer {
        try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(question) + Data("\n".utf8))
        return try await next()
    }
}

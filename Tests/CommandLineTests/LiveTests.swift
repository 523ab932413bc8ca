import Foundation
import Kernel
import Synchronization
import Testing
import Wire

@testable import CommandLine

/// The commands against the real API over real HTTP; only what lies behind the API is made up.
@Suite(.serialized) struct LiveTests {
    @Test("clone exits with 0 only if the run is a success and every stream is verified")
    func clone() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            #expect(await weir("clone", "postgresql://u@h/d", "--json", "--data", folder) == 0)
            house.result.withLock { $0 = Sample.failure }
            #expect(await weir("clone", "postgresql://u@h/d", "--tables", "a, s.b", "--data", folder) == 1)
            #expect(await weir("clone", "--source", "chinook", "--detach", "--data", folder) == 0)
        }
        #expect(house.asked.withLock { $0.map(\.tables) } == [nil, ["a", "s.b"], nil])
        #expect(house.asked.withLock { $0.map(\.url) } == ["postgresql://u@h/d", "postgresql://u@h/d", nil])
    }

    @Test("wrong usage exits with 2 and asks no server")
    func usage() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            for arguments in [
                ["clone"], ["clone", "shop"], ["clone", "postgresql://u@h/d", "--tables", ","], ["clone", "a", "b"],
                ["nothing"], ["query"], ["query", "x", "--format", "xml"], ["runs", "1"], ["runs", "--limit", "0"],
            ] {
                #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 2, "\(arguments)")
            }
        }
        #expect(house.asked.withLock { $0.isEmpty })
        #expect(await weir("--help") == 0)
        #expect(await weir("version") == 0)
    }

    @Test("status exits with 1 when a part is not well or nothing runs")
    func status() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            #expect(await weir("status", "--data", folder) == 0)
            house.isWell.withLock { $0 = false }
            #expect(await weir("status", "--json", "--data", folder) == 1)
        }
        #expect(await weir("status", "--data", "/nonexistent") == 1)
    }

    @Test("queries, runs and the sign-in link come through; a refused query exits with 1")
    func others() async throws {
        try await withServer(LiveHouse()) { folder in
            #expect(await weir("query", "SELECT 1", "--data", folder) == 0)
            #expect(await weir("query", "SELECT 1", "--format", "json", "--data", folder) == 0)
            #expect(await weir("query", "SELECT 1", "--format", "csv", "--data", folder) == 0)
            #expect(await weir("query", "DROP", "--data", folder) == 1)
            #expect(await weir("query", "DROP", "--format", "csv", "--data", folder) == 1)
            #expect(await weir("runs", "--data", folder) == 0)
            #expect(await weir("runs", Sample.id, "--follow", "--data", folder) == 0)
            #expect(await weir("sign-in-link", "--data", folder) == 0)
        }
    }

    @Test("runs are cancelled, retried, resolved and watched")
    func control() async throws {
        let house = LiveHouse()
        try await withServer(house) { folder in
            #expect(await weir("runs", "cancel", Sample.id, "--note", "wrong day", "--data", folder) == 0)
            #expect(await weir("runs", "retry", Sample.id, "--data", folder) == 0)
            #expect(await weir("runs", "retry", Sample.id, "--from", "load", "--data", folder) == 0)
            #expect(await weir("runs", "resolve", Sample.id, "--note", "by hand", "--data", folder) == 0)
            #expect(await weir("runs", "resolve", Sample.id, "--data", folder) == 2)
            #expect(await weir("runs", "watch", Sample.id, "--data", folder) == 0)
        }
        #expect(house.changes.withLock { $0 } == ["cancel wrong day", "retry -", "retry load", "resolve by hand"])
    }

    @Test("the API's problems arrive with their code, detail and hint")
    func problems() async throws {
        try await withServer(LiveHouse()) { folder in
            let client = Client(folder: DataFolder(option: folder, environment: [:]))
            do {
                let _: HealthReport = try await client.get("/api/v1/runs/0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8aff")
                Issue.record("it was found")
            } catch let problem as Problem {
                #expect(problem.code == .notFound && problem.description == "There is no such run. List them.")
            }
            let stranger = DataFolder(option: folder, environment: ["WEIR_TOKEN": "wrong"])
            await #expect(throws: Problem.self) {
                let _: HealthReport = try await Client(folder: stranger).get("/api/v1/status")
            }
        }
    }
}

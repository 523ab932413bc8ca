import Foundation
import Kernel
import Testing

@testable import CommandLine

@Suite struct LoginTests {
    private func useFolder(_ work: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try work(folder)
    }

    private let entry = KeptCredentials.Entry(
        token: "t1", organization: "acme", name: "ana", expiresAt: "2027-01-01T00:00:00.000Z")

    @Test(arguments: [
        ("weir.acme.example", "https://weir.acme.example"), ("localhost:8080", "http://localhost:8080"),
        ("127.0.0.1:80", "http://127.0.0.1:80"), ("HTTPS://Weir.Acme.example/", "https://weir.acme.example"),
        ("localhost.evil.example", "https://localhost.evil.example"),
    ])
    func `an address is completed with the scheme that is safe for it`(typed: String, whole: String) {
        #expect(ServerAddress.completed(typed) == whole)
    }

    @Test(arguments: [
        "ftp://a", "https://", "https://user:pw@a", "https://a?b", "http://weir.acme.example", "nonsense",
    ])
    func `what is no address of a server, or not encrypted, is refused`(address: String) {
        #expect(throws: Problem.self) { try ServerAddress.check(address, allowsPlain: false) }
    }

    @Test func `plain addresses are for this machine, or for those who mean it`() throws {
        try ServerAddress.check("http://localhost:8080", allowsPlain: false)
        try ServerAddress.check("http://weir.acme.example", allowsPlain: true)
    }

    @Test func `credentials are kept for each server in a file that only their owner can read`() throws {
        try useFolder { folder in
            let kept = KeptCredentials(environment: ["XDG_CONFIG_HOME": folder, "HOME": "/nowhere"])
            #expect(try kept.current == nil)
            try kept.keep(entry, of: "https://a")
            try kept.keep(entry, of: "https://b")
            #expect(try kept.current == "https://b")
            #expect(try kept.entry(of: "https://a") == entry)
            let rights = try FileManager.default.attributesOfItem(atPath: kept.path)[.posixPermissions] as? Int
            #expect(rights == 0o600)
            try kept.forget("https://b")
            #expect(try kept.current == "https://a")
            #expect(try kept.entry(of: "https://b") == nil)
        }
    }

    @Test func `a relative XDG_CONFIG_HOME is ignored`() {
        let kept = KeptCredentials(environment: ["XDG_CONFIG_HOME": "here", "HOME": "/folder"])
        #expect(kept.path == "/folder/.config/weir/credentials.json")
    }

    @Test func `a server that is named gets its own token, never the data folder's`() throws {
        try useFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data("local".utf8).write(to: URL(fileURLWithPath: "\(folder)/token"))
            let environment = ["XDG_CONFIG_HOME": folder, "HOME": folder, "WEIR_DATA": folder]
            let named = DataFolder(option: nil, server: "https://a", environment: environment)
            #expect(throws: Problem.self) { try named.server() }
            try KeptCredentials(environment: environment).keep(entry, of: "https://a")
            #expect(try named.server() == DataFolder.Server(address: "https://a", token: "t1"))
            let given = environment.merging(["WEIR_TOKEN": "given", "WEIR_SERVER": "https://a/"]) { $1 }
            #expect(
                try DataFolder(option: nil, environment: given).server()
                    == DataFolder.Server(address: "https://a", token: "given"))
        }
    }

    @Test func `where nothing runs and nothing is named, the server that was signed in to last is meant`() throws {
        try useFolder { folder in
            var environment = ["XDG_CONFIG_HOME": folder, "HOME": folder]
            try KeptCredentials(environment: environment).keep(entry, of: "https://a")
            #expect(
                try DataFolder(option: nil, environment: environment).server()
                    == DataFolder.Server(address: "https://a", token: "t1"))
            // A folder that was chosen is meant, running or not.
            environment["WEIR_DATA"] = folder
            #expect(throws: Problem.self) { try DataFolder(option: nil, environment: environment).server() }
        }
    }

    @Test func `tokens, services and sessions are listed, made and ended by their commands`() async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await weir("tokens", "--all", "--data", folder) == 0)
            #expect(recorder.take() == ["GET /api/v1/tokens?whose=all"])
            #expect(await weir("tokens", "create", "x", "--scopes", "runs.read,data.read", "--data", folder) == 0)
            #expect(
                recorder.take() == [#"POST /api/v1/tokens {"days":90,"name":"x","scopes":["runs.read","data.read"]}"#])
            let id = "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a11"
            #expect(await weir("tokens", "rotate", id, "--grace", "2d", "--data", folder) == 0)
            #expect(recorder.take() == [#"POST /api/v1/tokens/\#(id)/rotate {"grace_hours":48}"#])
            #expect(await weir("tokens", "rotate", id, "--grace", "90m", "--data", folder) == 2)
            #expect(await weir("services", "create", "etl", "--role", "engineer:dev", "--data", folder) == 0)
            #expect(
                recorder.take() == [
                    #"POST /api/v1/services {"name":"etl","roles":[{"environment":"dev","role":"engineer"}]}"#
                ])
            #expect(await weir("sessions", "revoke", "--data", folder) == 2)
            #expect(await weir("sessions", "revoke", "--member", "ana", "--data", folder) == 0)
            #expect(recorder.take() == [#"POST /api/v1/sessions/end {"member":"ana"}"#])
            #expect(await weir("whoami", "--data", folder) == 0)
            #expect(await weir("account", "erase", "--confirm", "ana", "--data", folder) == 1)
            #expect(recorder.take().last == #"POST /api/v1/account/erase {"confirm":"ana"}"#)
        }
    }
}

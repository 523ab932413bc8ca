import Foundation
import Testing
import Wire
import WireSamples

@testable import CommandLine

@Suite(.serialized) struct SecretCommandTests {
    private static let name = WireSamples.secret.name

    @Test("secrets are listed, replaced from a file and revoked in the API's words")
    func requests() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data("postgresql://u:p@h/d\n".utf8).write(to: URL(fileURLWithPath: file))
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            for arguments in [
                ["secrets"], ["secrets", "list", "--json"], ["secrets", "put", Self.name, "--file", file],
                ["secrets", "put", Self.name, "--password", "--file", file], ["secrets", "revoke", Self.name, "--yes"],
            ] {
                #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 0, "\(arguments)")
            }
            // The sample's store is not well.
            #expect(await weir("secrets", "status", "--data", folder) == 1)
            #expect(await weir("secrets", "revoke", "no/such", "--yes", "--data", folder) == 1)
            #expect(await weir("secrets", "put", Self.name, "--file", "/nonexistent", "--data", folder) == 1)
        }
        let path = "/api/v1/secrets/source%2Fdev%2Fshop"
        #expect(
            recorder.take() == [
                "GET /api/v1/secrets", "GET /api/v1/secrets", #"PUT \#(path) {"value":"postgresql://u:p@h/d"}"#,
                #"PUT \#(path) {"password":"postgresql://u:p@h/d"}"#, "GET \(path)", "DELETE \(path)",
                "GET /api/v1/secret-store", "GET /api/v1/secrets/no%2Fsuch",
            ])
    }

    @Test(
        "wrong usage exits with 2 and asks nothing, above all a value among the arguments",
        arguments: [
            ["secrets", "put"], ["secrets", "put", "a", "geheim"], ["secrets", "put", "a", "--value", "geheim"],
            ["secrets", "revoke"],
        ])
    func usage(arguments: [String]) async throws {
        let recorder = Recorder()
        try await withServer(LiveHouse(), recorder) { folder in
            #expect(await WeirCommandLine.run(arguments + ["--data", folder]) == 2)
        }
        #expect(recorder.take().isEmpty)
    }

    @Test("lists, warnings and the store's state look as their golden files")
    func rendering() throws {
        let text = SecretText(style: .plain)
        var own = WireSamples.secret
        own.name = "warehouse/dev/lake-key"
        own.changedBy = nil
        own.version = 0
        own.uses = []
        try expectGolden(text.text(of: [WireSamples.secret, own]), "secrets.txt")
        try expectGolden(
            text.warning(of: WireSamples.secret) + "\n" + text.warning(of: own) + "\n", "secret-warning.txt")
        var store = WireSamples.secretStore
        store.masterKeys.append(MasterKeyUse(masterKey: nil, count: 2, seals: false))
        try expectGolden(text.text(of: store), "secret-store.txt")
        #expect(text.text(of: []).contains("weir clone"))
    }
}

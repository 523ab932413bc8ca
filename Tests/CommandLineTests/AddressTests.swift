import ArgumentParser
import Foundation
import Kernel
import Testing

@testable import CommandLine

@Suite struct AddressTests {
    @Test(
        "a source's address may have any of PostgreSQL's forms",
        arguments: [
            "postgresql://u@h/d", "postgres://u:p@h:5432/d?sslmode=require", "postgresql://[::1]:5432/d",
            "postgresql://h/d",
            "postgresql:///d?host=/run/postgresql", "postgresql://u@a:1,b:2/d",
        ])
    func accepted(address: String) throws {
        #expect(try SourceURL(address).text == address)
    }

    @Test(
        "a malformed address is one line that does not repeat it",
        arguments: [
            "", "shop", "mysql://u:secret@h/d", "postgresql://", "postgresql://u:secret@/d", "postgresql://u:secret@h",
            "postgresql://u:secret@h/", "postgresql://u:secret@h:port/d", "postgresql://u:secret@h:0/d",
            "postgresql://u:secret@h:65536/d", "postgresql://u:secret@h:1:2/d",
        ])
    func refused(address: String) {
        do {
            _ = try SourceURL(address)
            Issue.record("it was taken")
        } catch {
            let message = "\(error)"
            #expect(!message.contains("secret") && !message.contains("\n") && message.hasSuffix("."))
        }
    }

    @Test("a password is put into the address in percent code, unless one is there or no user is")
    func passwords() throws {
        let full = try SourceURL("postgresql://u@h:1/d?x=y@z").with(password: "a:b/@c d%é")
        #expect(full == "postgresql://u:a%3Ab%2F%40c%20d%25%C3%A9@h:1/d?x=y@z")
        for address in [
            "postgresql://h/d?x=@", "postgresql://u:p@h/d", "postgresql://u@h/d?password=p", "postgresql://@h/d",
        ] {
            #expect(throws: ValidationError.self) { try SourceURL(address).with(password: "p") }
        }
    }

    @Test("the data folder is --data, else WEIR_DATA, else ~/.weirhouse")
    func folders() {
        let home = ["HOME": "/home/a"]
        #expect(DataFolder(option: nil, environment: home).path == "/home/a/.weirhouse")
        #expect(DataFolder(option: nil, environment: ["WEIR_DATA": "/w", "HOME": "/home/a"]).path == "/w")
        #expect(DataFolder(option: "~/d", environment: ["WEIR_DATA": "/w", "HOME": "/home/a"]).path == "/home/a/d")
    }

    @Test("a running server's address and token are read from the data folder; WEIR_URL and WEIR_TOKEN go before them")
    func servers() throws {
        try withFolder { folder in
            let own = ProcessInfo.processInfo.processIdentifier
            try write(#"{"address": "http://127.0.0.1:8080/", "pid": \#(own)}"#, folder + "/server.json")
            try write("tok\n", folder + "/token")
            let found = try DataFolder(option: folder, environment: [:]).server()
            #expect(found == DataFolder.Server(address: "http://127.0.0.1:8080", token: "tok"))
            let named = ["WEIR_URL": "https://weir.example/", "WEIR_TOKEN": "other"]
            let given = try DataFolder(option: folder, environment: named).server()
            #expect(given == DataFolder.Server(address: "https://weir.example", token: "other"))
        }
    }

    @Test("no server, a server that has died and a broken file all mean that it is not running")
    func notRunning() throws {
        try withFolder { folder in
            for content in [nil, "{", #"{"address": "http://127.0.0.1:8080", "pid": 2147483646}"#] {
                if let content { try write(content, folder + "/server.json") }
                do {
                    _ = try DataFolder(option: folder, environment: [:]).server()
                    Issue.record("a server was found")
                } catch let problem as Problem {
                    #expect(
                        problem.description
                            == "Weirhouse is not running for data folder \(folder). Start it with: weir up --data \(folder)"
                    )
                }
            }
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path())
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
}

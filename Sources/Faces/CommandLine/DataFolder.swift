import ArgumentParser
import Foundation
import Glibc
import Kernel

/// `--data`, which all commands take that talk to the server.
struct DataOptions: ParsableArguments {
    @Option(name: .customLong("data"), help: "The data folder (also WEIR_DATA; ~/.weirhouse if neither is set).")
    var folder: String?
    @Option(help: "The address of another server that you are signed in to (also WEIR_SERVER); see weir login.")
    var server: String?

    /// The client of the server that this folder belongs to, or that WEIR_URL names.
    var client: Client {
        Client(
            folder: DataFolder(option: folder, server: server, environment: ProcessInfo.processInfo.environment))
    }
}

/// Where a running Weirhouse leaves its address and the local admin's token.
struct DataFolder: Sendable {
    let path: String
    /// What a command that is named in a message needs to mean the same folder: ` --data DIR` or nothing.
    let option: String
    private let address: String?
    private let givenToken: String?
    /// Set if the address is of a server that one signs in to: the data folder's token is not for it.
    private let isRemote: Bool
    /// Whether the folder was chosen, so that nothing else is meant.
    private let isChosen: Bool
    private let kept: KeptCredentials

    init(option: String?, server: String? = nil, environment: [String: String]) {
        let home = environment["HOME"] ?? NSHomeDirectory()
        let chosen = option ?? environment["WEIR_DATA"].flatMap { $0.isEmpty ? nil : $0 }
        path = chosen.map { $0.hasPrefix("~/") ? home + $0.dropFirst() : $0 } ?? home + "/.weirhouse"
        self.option = option.map { " --data \($0)" } ?? ""
        func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let remote = server ?? (option == nil ? given("WEIR_SERVER") : nil)
        isRemote = remote != nil
        isChosen = chosen != nil
        address = remote.map { ServerAddress.completed($0) } ?? given("WEIR_URL")
        kept = KeptCredentials(environment: environment)
        givenToken = environment["WEIR_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A server to talk to.
    struct Server: Sendable, Equatable {
        /// Without a slash at its end.
        var address: String
        var token: String
        /// The IP address to connect to; nil: what the name in `address` resolves to.
        var connect: String?
        /// What links for people begin with, if not with `address`.
        var publicAddress: String?
    }

    /// Reads anew on each call: a server that restarts may have another port.
    /// - Throws: `engineUnavailable` if none runs, `unauthenticated` if its token cannot be read.
    func server() throws -> Server {
        if let address, isRemote { return try remote(trimmed(address)) }
        if address == nil, !isChosen, !isRunning, let current = try kept.current { return try remote(current) }
        if let address { return Server(address: trimmed(address), token: try givenToken ?? storedToken()) }
        let running = try running()
        return Server(
            address: trimmed(running.address), token: try givenToken ?? storedToken(), connect: running.connect,
            publicAddress: running.publicAddress)
    }

    /// What to say when the server does not answer.
    var notRunning: Problem {
        if let address {
            return Problem(
                .engineUnavailable, "The server at \(trimmed(address)) cannot be reached.",
                hint:
                    "\(isRemote ? "It was named" : "WEIR_URL names it"): check that it is right and that the server runs."
            )
        }
        if !isChosen, !isRunning, let current = try? kept.current {
            return Problem(
                .engineUnavailable, "The server at \(current) cannot be reached.",
                hint: "You are signed in to it: check that it runs, or start one here with: weir up")
        }
        return Problem(
            .engineUnavailable, "Weirhouse is not running for data folder \(path).",
            hint: "Start it with: weir up\(option)")
    }

    private func remote(_ address: String) throws -> Server {
        if let givenToken { return Server(address: address, token: givenToken) }
        guard let entry = try kept.entry(of: address) else {
            throw Problem(
                .unauthenticated, "You are not signed in to \(address).", hint: "Sign in with: weir login \(address)")
        }
        return Server(address: address, token: entry.token)
    }

    private var isRunning: Bool { runningServer != nil }

    private func running() throws -> Running {
        guard let runningServer else { throw notRunning }
        return runningServer
    }

    /// Nil if none runs.
    private var runningServer: Running? {
        guard let data = FileManager.default.contents(atPath: path + "/server.json"),
            let server = try? JSONDecoder().decode(Running.self, from: data), isAlive(server.pid)
        else { return nil }
        return server
    }

    private func storedToken() throws -> String {
        guard let data = FileManager.default.contents(atPath: path + "/token") else {
            throw Problem(
                .unauthenticated, "The token in \(path)/token cannot be read.",
                hint: "Run as the user who started Weirhouse, or set WEIR_TOKEN.")
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The token must not go to a program that took over the port of a server that is gone.
    private func isAlive(_ pid: Int32) -> Bool { kill(pid, 0) == 0 || errno == EPERM }

    private func trimmed(_ address: String) -> String { address.hasSuffix("/") ? String(address.dropLast()) : address }

    /// `server.json`.
    private struct Running: Decodable {
        let address: String
        let pid: Int32
        let connect: String?
        let publicAddress: String?
    }
}

import ArgumentParser
import Foundation
import Kernel
import Wire

struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Sign in to a server through a browser, here or on another machine.",
        discussion: """
            Prints an address and a short code: open it where you are signed in, compare the code, and say how long and \
            what this machine may. The token is kept in ~/.config/weir/credentials.json, which only you can read.
            """)

    @Argument(help: "The server's address, like https://weir.acme.example.")
    var address: String?
    @Option(help: "What to ask for: read, all, or permissions with commas between. You choose in the browser.")
    var scopes: String?
    @Flag(help: "Also http:// to another machine, where everybody on the way can read the token.")
    var insecure = false
    @OptionGroup var data: DataOptions

    func run() async throws {
        let server = try serverAddress()
        try ServerAddress.check(server, allowsPlain: insecure)
        let signIn = DeviceSignIn(address: server)
        let started = try await signIn.begin(scopes: scopes?.elements)
        Output.standardError.say(
            """
            Open this address in a browser that is signed in to Weirhouse:
              \(started.verificationUriComplete.withoutControls)
            It must show this code: \(started.userCode.withoutControls)
            Waiting for your answer there, at most \(started.expiresIn / 60) minutes. Ctrl-C gives up.
            """)
        let token = try await signIn.token(for: started)
        let end = Date(timeIntervalSinceNow: Double(token.expiresIn)).rfc3339
        try kept.keep(
            KeptCredentials.Entry(
                token: token.accessToken, organization: token.organization, name: token.name, expiresAt: end),
            of: server)
        Output.standardOutput.say(
            "Signed in to \(token.organization.withoutControls) at \(server) as \(token.name.withoutControls), until \(end.minute)."
        )
    }

    private var kept: KeptCredentials { KeptCredentials(environment: ProcessInfo.processInfo.environment) }

    private func serverAddress() throws -> String {
        if let address { return ServerAddress.completed(address) }
        return try data.serverAddress()
    }
}

struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Revoke and forget the token that weir login has kept.")

    @Argument(help: "The server's address; the one that was signed in to last if absent.")
    var address: String?

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let kept = KeptCredentials(environment: environment)
        guard let server = try address.map({ ServerAddress.completed($0) }) ?? kept.current,
            let entry = try kept.entry(of: server)
        else {
            throw Problem(.notFound, "You are not signed in to \(address ?? "any server").", hint: "See: weir login")
        }
        var bare = environment
        bare["WEIR_TOKEN"] = nil
        let client = Client(folder: DataFolder(option: nil, server: server, environment: bare))
        do {
            let account: AccountView = try await client.get(Address.of("account"))
            if let id = account.credentialID { try await client.delete(Address.of("tokens", id)) }
            try kept.forget(server)
            Output.standardOutput.say("Signed out of \(entry.organization.withoutControls) at \(server).")
        } catch let problem as Problem where problem.code == .unauthenticated {
            try kept.forget(server)
            Output.standardOutput.say("Forgotten: the token for \(server) was over already.")
        } catch let problem as Problem {
            // It is forgotten only if it is worth nothing any more.
            throw Problem(
                problem.code, "The token could not be revoked and is kept: \(problem.detail)",
                hint: problem.hint ?? "Try again.")
        }
    }
}

struct WhoamiCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Show who you are to the server, and what you may.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let client = answers.client
        let account: AccountView = try await client.get(Address.of("account"))
        let address = try client.folder.server().address
        try answers.show(account) { _ in AccountText.text(of: account, at: address) }
    }
}

extension DataOptions {
    /// The server that the options and the environment mean.
    func serverAddress() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        if let named = server ?? environment["WEIR_SERVER"] ?? environment["WEIR_URL"], !named.isEmpty {
            return ServerAddress.completed(named)
        }
        return try client.folder.server().address
    }
}

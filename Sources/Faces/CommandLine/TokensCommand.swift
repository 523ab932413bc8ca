import ArgumentParser
import Foundation
import Wire

struct TokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "List, make, rotate and revoke API tokens.",
        subcommands: [
            ListTokensCommand.self, CreateTokenCommand.self, RotateTokenCommand.self, RevokeTokenCommand.self,
        ],
        defaultSubcommand: ListTokensCommand.self)
}

struct ListTokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List tokens, never their secrets.")

    @Flag(help: "Everybody's, for admins.")
    var all = false
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let query = Address.query(["whose": all ? "all" : nil])
        let answer: TokenList = try await answers.client.get(Address.of("tokens") + query)
        try answers.show(answer) { AccountText.text(of: answer.tokens, style: $0) }
    }

    /// `GET /api/v1/tokens`.
    private struct TokenList: Codable {
        let tokens: [TokenView]
    }
}

struct CreateTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a token. It is printed this once.",
        discussion: "It never gives more than its owner's roles do, also later.")

    @Argument(help: "What it is for.")
    var name: String
    @Option(help: "read, all, or permissions with commas between, like data.read,runs.read.")
    var scopes = "read"
    @Option(help: "How many days it lasts, 1 to \(TokenDays.most).")
    var days = TokenDays.usual
    @Option(help: "For a service instead of yourself, for admins.")
    var service: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard (1...TokenDays.most).contains(days) else {
            throw ValidationError("--days must be from 1 to \(TokenDays.most).")
        }
        guard !scopes.elements.isEmpty else { throw ValidationError("--scopes names no scope.") }
    }

    func run() async throws {
        let request = TokenRequest(name: name, scopes: scopes.elements, days: days, service: service)
        let made: TokenMade = try await answers.client.post(Address.of("tokens"), request)
        try answers.show(made) { _ in AccountText.text(of: made) }
    }
}

/// A token's id, and how to print the answer.
struct OneTokenOptions: ParsableArguments {
    @Argument(help: "A token's id; weir tokens lists them.")
    var id: String
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard UUID(uuidString: id) != nil else {
            throw ValidationError("A token's id is a UUID; weir tokens lists them.")
        }
    }
}

struct RotateTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Make a new secret for a token; the old one goes on for a while.")

    @Option(help: "How long the old one goes on, in whole hours up to 7d; 0 ends it at once.")
    var grace = "24h"
    @Option(help: "How many days the new one lasts; as long as the old one was made for if absent.")
    var days: Int?
    @OptionGroup var token: OneTokenOptions

    private var hours: Int? {
        if grace == "0" { return 0 }
        guard let span = try? TimeSpan(typed: grace), span.seconds % 3600 == 0 else { return nil }
        return span.seconds / 3600
    }

    func validate() throws {
        guard let hours, hours <= TokenDays.mostGraceHours else {
            throw ValidationError("--grace takes 0 or whole hours or days up to 7d, like 12h.")
        }
    }

    func run() async throws {
        let request = TokenRotation(graceHours: hours, days: days)
        let made: TokenMade = try await token.answers.client.post(
            Address.of("tokens", token.id.lowercased(), "rotate"), request)
        try token.answers.show(made) { _ in AccountText.text(of: made) }
    }
}

struct RevokeTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "revoke", abstract: "End a token at once.")

    @OptionGroup var token: OneTokenOptions

    func run() async throws {
        try await token.answers.client.delete(Address.of("tokens", token.id.lowercased()))
        token.answers.say("The token opens nothing any more.")
    }
}

struct ServicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "services", abstract: "List, make and remove members that are programs.",
        subcommands: [ListServicesCommand.self, CreateServiceCommand.self, RemoveServiceCommand.self],
        defaultSubcommand: ListServicesCommand.self)
}

struct ListServicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List services.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: ServiceList = try await answers.client.get(Address.of("services"))
        try answers.show(answer) { AccountText.text(of: answer.services, style: $0) }
    }

    /// `GET /api/v1/services`.
    private struct ServiceList: Codable {
        let services: [ServiceView]
    }
}

struct CreateServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a service. Then make it a token.",
        discussion: "For example: weir services create etl --role engineer:dev --role viewer")

    @Argument(help: "Its name.")
    var name: String
    @Option(name: .customLong("role"), help: "ROLE, or ROLE:ENVIRONMENT. More than one may be given.")
    var roles: [String] = []
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard !roles.isEmpty else { throw ValidationError("Give it a role, with --role.") }
    }

    func run() async throws {
        let views = roles.map { text in
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            return PlacedRole(role: parts.first ?? "", environment: parts.count > 1 ? parts[1] : nil)
        }
        let made: ServiceView = try await answers.client.post(
            Address.of("services"), ServiceRequest(name: name, roles: views))
        try answers.show(made) { _ in
            """
            The service \(made.name) is there.
            Make it a token with: weir tokens create NAME --service \(made.name) --scopes all\(answers.client.folder.option)

            """
        }
    }
}

struct RemoveServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a service with its tokens and roles.")

    @Argument(help: "Its name.")
    var name: String
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        try await answers.client.delete(Address.of("services", name))
        answers.say("The service is gone, and its tokens open nothing any more.")
    }
}

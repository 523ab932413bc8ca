import ArgumentParser
import Foundation
import Synchronization
import Wire

struct SecretsCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "secrets", abstract: "List secrets; replace or revoke one; see where they are kept.",
            discussion: "Values are never shown.",
            subcommands: [
                ListSecretsCommand.self, PutSecretCommand.self, RevokeSecretCommand.self, SecretStatusCommand.self,
            ] + WeirCommandLine.settings.withLock { $0.secrets },
            defaultSubcommand: ListSecretsCommand.self)
    }
}

struct ListSecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the names of secrets with what hangs on them.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: SecretList = try await answers.client.get(Address.of("secrets"))
        try answers.show(answer) { SecretText(style: $0).text(of: answer.secrets) }
    }

    /// `GET /api/v1/secrets`.
    private struct SecretList: Codable {
        let secrets: [SecretView]
    }
}

struct PutSecretCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Replace a secret's value; the new one is tried before it is kept.",
        discussion: """
            The value comes from standard input, or from a file: other users of this machine can read a command's \
            arguments. A line break at its end is left out. It is a source's address, a bucket's key as JSON \
            (access_key_id, secret_access_key), or a webhook's whsec_….
            """)

    @Argument(help: "The secret's name; weir secrets lists them.")
    var name: String
    @Option(help: "Read the value from this file.")
    var file: String?
    @Flag(help: "It is only the source's password: the rest of its address stays.")
    var password = false
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let value = try file.map { try SecretInput.read(file: $0) } ?? SecretInput.readStandardInput()
        let request = password ? SecretRequest(password: value) : SecretRequest(value: value)
        let secret: SecretView = try await answers.client.put(Address.of("secrets", name), request)
        try answers.show(secret) { _ in
            "\(secret.name.withoutControls) has a new value (version \(secret.version)). It was tried, and works.\n"
        }
    }
}

struct RevokeSecretCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Remove a secret for good; what stops working is said first.")

    @Argument(help: "The secret's name; weir secrets lists them.")
    var name: String
    @Flag(help: "Do not ask.")
    var yes = false
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let client = answers.client
        let secret: SecretView = try await client.get(Address.of("secrets", name))
        answers.say(SecretText(style: Output.standardOutput.style).warning(of: secret))
        guard try yes || SecretInput.confirm("Revoke it? Type yes: ") else {
            answers.say("It stays.")
            throw ExitCode.failure
        }
        try await client.delete(Address.of("secrets", name))
        answers.say("\(secret.name.withoutControls) is revoked.")
    }
}

struct SecretStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show where secrets are kept, and whether that works.",
        discussion: "It exits with 1 if it does not.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let store: SecretStoreView = try await answers.client.get(Address.of("secret-store"))
        try answers.show(store) { SecretText(style: $0).text(of: store) }
        guard store.healthy else { throw ExitCode.failure }
    }
}

import ArgumentParser
import Foundation
import Kernel
import Wire

struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List and end browsers that are signed in.",
        subcommands: [ListSessionsCommand.self, RevokeSessionsCommand.self],
        defaultSubcommand: ListSessionsCommand.self)
}

struct ListSessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your own sessions.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: SessionList = try await answers.client.get(Address.of("sessions"))
        try answers.show(answer) { AccountText.text(of: answer.sessions, style: $0) }
    }

    /// `GET /api/v1/sessions`.
    private struct SessionList: Codable {
        let sessions: [SessionView]
    }
}

struct RevokeSessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Sign browsers out: one of yours, all of yours, or a member's.")

    @Argument(help: "A session's id; weir sessions lists yours.")
    var id: String?
    @Flag(help: "All of yours.")
    var all = false
    @Option(help: "All of this member's, for admins.")
    var member: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        let said = [id != nil, all, member != nil].filter { $0 }.count
        guard said == 1 else { throw ValidationError("Say which: a session's id, --all, or --member NAME.") }
        guard id == nil || UUID(uuidString: id ?? "") != nil else {
            throw ValidationError("A session's id is a UUID; weir sessions lists them.")
        }
    }

    func run() async throws {
        if let id {
            try await answers.client.delete(Address.of("sessions", id.lowercased()))
            return answers.say("The session is over.")
        }
        let ended: SessionsEnded = try await answers.client.post(
            Address.of("sessions", "end"), SessionEnding(member: member))
        try answers.show(ended) { _ in "\(ended.ended) session\(ended.ended == 1 ? " is" : "s are") over.\n" }
    }
}

struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Export or erase what is known of your own account.",
        subcommands: [ExportAccountCommand.self, EraseAccountCommand.self])
}

struct ExportAccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print all that is known of your account, as JSON.")

    @OptionGroup var data: DataOptions

    func run() async throws {
        let document = try await data.client.bytes(Address.of("account", "export"))
        try Output.standardOutput.write(String(decoding: document, as: UTF8.self) + "\n")
    }
}

struct EraseAccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase your account in all organizations, for good.",
        discussion: "What you did stays, by the name \"erased person\". Export first what you want to keep.")

    @Option(help: "Your own name as weir whoami prints it, to say that it is meant.")
    var confirm: String
    @OptionGroup var data: DataOptions

    func run() async throws {
        try await data.client.postForNothing(Address.of("account", "erase"), AccountErasure(confirm: confirm))
        Output.standardOutput.say("Your account is erased, with its sessions and tokens.")
    }
}

import ArgumentParser
import Foundation
import Kernel
import Wire

struct IssuersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issuers", abstract: "List and set up the OpenID providers that people sign in with.",
        subcommands: [
            ListIssuersCommand.self, AddIssuerCommand.self, RemoveIssuerCommand.self, TestIssuerCommand.self,
        ], defaultSubcommand: ListIssuersCommand.self)
}

struct ListIssuersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List issuers.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: IssuerList = try await answers.client.get(Address.of("issuers"))
        try answers.show(answer) { IssuerText(style: $0).text(of: answer.issuers) }
    }

    /// `GET /api/v1/issuers`.
    private struct IssuerList: Codable {
        let issuers: [IssuerView]
    }
}

struct AddIssuerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Set an issuer up, or change how it is used.",
        discussion: """
            The client secret is read from standard input with --secret-from-stdin, never from an argument. \
            docs/sign-in.md has the steps for Entra ID, Google and Okta.
            """)

    @Argument(help: "A word for addresses and commands, such as entra.")
    var name: String
    @Argument(help: "The issuer identifier, exactly as the provider writes it.")
    var issuer: String
    @Option(help: "The client id that the provider gave.")
    var clientID: String
    @Flag(help: "Read the client secret from standard input.")
    var secretFromStdin = false
    @Option(help: "What the button says.")
    var label: String?
    @Option(help: "client_secret_basic, client_secret_post or none.")
    var authentication: String?
    @Option(help: "Separated by commas.")
    var scopes: String?
    @Option(help: "The claim that lists groups.")
    var groupsClaim: String?
    @Option(help: "Signature algorithms, separated by commas.")
    var algorithms: String?
    @Option(help: "E-mail domains whose addresses need no email_verified, separated by commas.")
    var trustedDomains: String?
    @Option(help: "Google's hd: only accounts of this domain.")
    var hostedDomain: String?
    @Option(help: "Entra ID's tenants that may sign in, separated by commas.")
    var tenants: String?
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let request = IssuerRequest(
            label: label, issuer: issuer, clientID: clientID, clientSecret: try secret(),
            authentication: authentication, scopes: scopes?.elements, groupsClaim: groupsClaim,
            algorithms: algorithms?.elements, trustedDomains: trustedDomains?.elements, hostedDomain: hostedDomain,
            tenants: tenants?.elements)
        let made: IssuerView = try await answers.client.put(Address.of("issuers", name), request)
        try answers.show(made) { IssuerText(style: $0).made(made) }
    }

    private func secret() throws -> String? {
        guard secretFromStdin else { return nil }
        let text = readLine(strippingNewline: true) ?? ""
        guard !text.isEmpty else {
            throw Problem(
                .invalidInput, "There is no client secret on standard input.",
                hint: "Write: weir issuers add … --secret-from-stdin < file")
        }
        return text
    }
}

struct RemoveIssuerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove an issuer with its rules and all roles that they gave.")

    @Argument(help: "The issuer's name.")
    var name: String
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        try await answers.client.delete(Address.of("issuers", name))
        answers.say("The issuer \(name) is removed.")
    }
}

struct TestIssuerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Ask a provider what it says of itself, and for its keys.")

    @Argument(help: "The issuer's name.")
    var name: String
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let check: IssuerCheck = try await answers.client.post(Address.of("issuers", name, "test"))
        try answers.show(check) { _ in
            """
            \(check.issuer.withoutControls) answers, with \(check.keys) usable \(check.keys == 1 ? "key" : "keys").
            People are sent to \(check.authorizationEndpoint.withoutControls)

            """
        }
    }
}

/// Issuers for people.
struct IssuerText {
    let style: Style

    func text(of issuers: [IssuerView]) -> String {
        guard !issuers.isEmpty else {
            return "People sign in with one-time links only. Begin with: weir issuers add NAME ISSUER --client-id ID\n"
        }
        var grid = Grid(
            columns: [.init("name", isWhole: true), .init("issuer"), .init("client id"), .init("for")])
        grid.rows = issuers.map { issuer in
            [
                issuer.name, issuer.issuer.withoutControls, issuer.clientID.withoutControls,
                issuer.isShared ? "all organizations" : "this organization",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    func made(_ issuer: IssuerView) -> String {
        """
        \(issuer.name) is set up. Register at the provider:
          redirect URI              \(issuer.redirectURL)
          back-channel logout URI   \(issuer.backchannelLogoutURL)
        Nobody is let in yet: weir sign-in-rules add \(issuer.name) --domain company.example --role viewer

        """
    }
}

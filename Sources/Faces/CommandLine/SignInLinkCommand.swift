import ArgumentParser

struct SignInLinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-in-link", abstract: "Print a link that signs a browser in once, within 15 minutes.")

    @OptionGroup var data: DataOptions

    func run() async throws {
        let client = data.client
        let code: SignInCode = try await client.post("/api/v1/sign-in-codes")
        try Output.standardOutput.write(try client.absolute(code.urlPath) + "\n")
    }

    /// `POST /api/v1/sign-in-codes`.
    private struct SignInCode: Decodable {
        let code: String
        let urlPath: String
    }
}

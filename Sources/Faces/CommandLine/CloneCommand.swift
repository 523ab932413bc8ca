import ArgumentParser
import Dispatch
import Foundation
import Kernel
import Wire

struct CloneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone",
        abstract: "Clone an application database into a warehouse, model it and publish a dashboard.",
        discussion: """
            The password may stand in the address, in PGPASSWORD, or come with --password-stdin. Other users of this \
            machine can read a running command's arguments: prefer one of the latter two.
            Exit status: 0 only if the run succeeded and every stream is verified; 1 if not; 2 for wrong usage; \
            130 after Ctrl-C, when the run goes on by itself.
            """)

    @Argument(help: "postgresql://user@host:port/database; leave it out to clone the known source --source again.")
    var url: String?
    @Option(help: "The organization.")
    var organization: String?
    @Option(help: "dev, stage or prod.")
    var environment: String?
    @Option(help: "The source's name; the database's name if absent.")
    var source: String?
    @Option(help: "Only these: a,b or schema.a,schema.b. A view named here is cloned too.")
    var tables: String?
    @Flag(help: "Also clone all views.")
    var views = false
    @Flag(help: "Print the result as JSON on standard output.")
    var json = false
    @Flag(help: "Start it and return at once.")
    var detach = false
    @Option(
        help: "A text of your own: of clones with the same key only one is made, also if the command is run again.")
    var idempotencyKey: String?
    @Flag(name: .customLong("password-stdin"), help: "Read the source's password from standard input.")
    var readsPassword = false
    @OptionGroup var data: DataOptions

    func run() async throws {
        let request = try cloneRequest()
        let client = data.client
        let accepted: CloneAccepted = try await client.post("/api/v1/clones", request)
        if detach { return try announce(accepted, client) }
        let display = ProgressDisplay()
        let interrupts = Interrupts {
            display.say("Interrupted. The run goes on; follow it with: \(following(accepted, client))")
        }
        defer { interrupts.stop() }
        let detail = try await client.follower(of: accepted.runID).follow(display.show)
        try report(detail, client)
    }

    private func cloneRequest() throws -> CloneRequest {
        guard url != nil || source != nil else {
            throw ValidationError("Give the source's address, like postgresql://user@host:5432/database.")
        }
        let names = tables?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        if tables != nil, names?.isEmpty ?? true { throw ValidationError("--tables names no table.") }
        return CloneRequest(
            url: try url.map { try address($0) }, organization: organization, environment: environment, source: source,
            tables: names, views: views ? true : nil, idempotencyKey: idempotencyKey)
    }

    /// The address with the password that --password-stdin or PGPASSWORD gives.
    private func address(_ url: String) throws -> String {
        let address = try SourceURL(url)
        if readsPassword {
            guard let password = readLine(strippingNewline: true) else {
                throw ValidationError("--password-stdin found nothing on standard input.")
            }
            return try address.with(password: password)
        }
        // Like psql: PGPASSWORD is for an address that leaves the password open.
        guard let password = ProcessInfo.processInfo.environment["PGPASSWORD"], !password.isEmpty, address.namesUser,
            !address.holdsPassword
        else { return url }
        return try address.with(password: password)
    }

    private func announce(_ accepted: CloneAccepted, _ client: Client) throws {
        var known = accepted
        known.runURL = try client.absolute(accepted.runURL)
        if json { return try Output.standardOutput.write(answer: known) }
        let begun = accepted.isNew ? "has begun" : "was begun by an earlier request of this key"
        Output.standardOutput.say("Run \(accepted.runID) \(begun): \(known.runURL)")
        Output.standardOutput.say("Follow it with: \(following(accepted, client))")
    }

    private func following(_ accepted: CloneAccepted, _ client: Client) -> String {
        "weir runs \(accepted.runID) --follow\(client.folder.option)"
    }

    private func report(_ detail: RunDetail, _ client: Client) throws {
        let dashboard = try detail.dashboardURL.map { try client.absolute($0) }
        if json {
            let result = CloneResult(detail: detail, dashboard: dashboard)
            try Output.standardOutput.write(String(decoding: try WireJSON.encode(result), as: UTF8.self) + "\n")
        } else {
            let text = ReceiptsText(style: Output.standardOutput.style).text(of: detail, dashboard: dashboard)
            try Output.standardOutput.write("\n" + text)
        }
        guard CloneResult.isVerified(detail) else { throw ExitCode.failure }
    }
}

/// Ctrl-C while a run is followed: says something, then ends the process with status 130.
struct Interrupts {
    private let source: any DispatchSourceSignal

    init(_ say: @escaping @Sendable () -> Void) {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler {
            say()
            exit(130)
        }
        source.resume()
    }

    /// Ctrl-C ends the process at once again.
    func stop() {
        source.cancel()
        signal(SIGINT, SIG_DFL)
    }
}

extension Client {
    /// Follows a run over this client, trying once a second while the server is away.
    func follower(of run: String) -> RunFollower {
        RunFollower(
            connect: { try await events(of: run, after: $0) },
            pause: { try await Task.sleep(for: .seconds(1)) })
    }
}

import ArgumentParser
import Kernel
import Wire

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Who did what: list, show, export; verify that no line was changed or removed.",
        subcommands: [
            ListAuditCommand.self, ShowAuditCommand.self, ExportAuditCommand.self, VerifyAuditCommand.self,
            AuditHeadCommand.self, KeepAuditCommand.self,
        ],
        defaultSubcommand: ListAuditCommand.self)
}

struct ListAuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List lines, the newest first (what `weir audit` does).")

    @OptionGroup(title: "Which lines") var choice: AuditChoiceOptions
    @Option(help: "How many at most, 1 to 500.")
    var limit = 50
    @Option(help: "Only lines before this one: as the page before says.")
    var before: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard (1...500).contains(limit) else { throw ValidationError("--limit must be from 1 to 500.") }
    }

    func run() async throws {
        let query = Address.query(choice.fields(["limit": String(limit), "before": before]))
        let page: AuditPage = try await answers.client.get(Address.of("audit") + query)
        try answers.show(page) { style in
            let more = page.next.map { "More: \(choice.command("list", before: $0, answers))\n" } ?? ""
            return AuditText(style: style).text(of: page.lines) + more
        }
    }
}

struct ShowAuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one line with what changed.")

    @Argument(help: "The line's number.")
    var sequence: Int
    @OptionGroup var chain: AuditChainOptions
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let line: AuditLine = try await answers.client.get(
            Address.of("audit", "lines", String(sequence)) + Address.query(["chain": chain.word]))
        try answers.show(line) { AuditText(style: $0).whole(line) }
    }
}

struct ExportAuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write all lines that match to standard output, the oldest first.",
        discussion: "jsonl holds all that a verifier needs (docs/audit.md); csv is for spreadsheets.")

    @Option(help: "jsonl or csv.")
    var format = AuditFormat.jsonl
    @OptionGroup(title: "Which lines") var choice: AuditChoiceOptions
    @OptionGroup var data: DataOptions

    func run() async throws {
        let query = Address.query(choice.fields(["format": format.rawValue]))
        try await Output.standardOutput.copy(try await data.client.stream(Address.of("audit", "export") + query))
    }
}

struct VerifyAuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Walk the whole chain; say which lines were changed, removed or put in.",
        discussion: "Exit status 1 if anything is wrong.")

    @Option(help: "A head that was kept elsewhere (weir audit head): its line must be there as it was.")
    var sinceHead: String?
    @OptionGroup var chain: AuditChainOptions
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let found: AuditVerification = try await answers.client.get(
            Address.of("audit", "verification") + Address.query(["since_head": sinceHead, "chain": chain.word]),
            minutes: 60)
        try answers.show(found) { AuditText(style: $0).text(of: found) }
        if !found.isWhole { throw ExitCode.failure }
    }
}

struct AuditHeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "head", abstract: "Print the chain's head, to be kept elsewhere.",
        discussion: "With it `weir audit verify --since-head` finds even a chain that was written anew as a whole.")

    @OptionGroup var chain: AuditChainOptions
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let head: AuditHeadView = try await answers.client.get(
            Address.of("audit", "head") + Address.query(["chain": chain.word]))
        try answers.show(head) { _ in head.head + "\n" }
    }
}

struct KeepAuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keep", abstract: "Say how long lines are kept; older ones are cut once a day.")

    @Argument(help: "Days, 90 to 36500.")
    var days: Int
    @OptionGroup var chain: AuditChainOptions
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        guard (90...36_500).contains(days) else { throw ValidationError("The days must be from 90 to 36500.") }
    }

    func run() async throws {
        let head: AuditHeadView = try await answers.client.put(
            Address.of("audit", "retention") + Address.query(["chain": chain.word]),
            AuditRetentionRequest(keepDays: days))
        try answers.show(head) { _ in "Lines of the audit are kept for \(head.keepDays) days.\n" }
    }
}

extension AuditFormat: ExpressibleByArgument {}

struct AuditChainOptions: ParsableArguments {
    @Flag(help: "The house's, of what belongs to no organization; for local admins.")
    var house = false

    /// As the API names it; nil: the organization's own.
    var word: String? { house ? AuditChain.house.rawValue : nil }
}

/// Which lines.
struct AuditChoiceOptions: ParsableArguments {
    @Option(help: "A part of a name, or an id.")
    var who: String?
    @Option(help: "schedules.put, or its first part: schedules.")
    var action: String?
    @Option(help: "A part of what it was done to.")
    var target: String?
    @Option(help: "done, refused or failed.")
    var outcome: String?
    @Option(help: "From then on: 2026-11-25 or 2026-11-25T08:00:00Z.")
    var from: String?
    @Option(help: "Until then; a day until its end.")
    var until: String?
    @Option(help: "A part of any of its texts.")
    var text: String?
    @OptionGroup var chain: AuditChainOptions

    func validate() throws {
        guard let outcome, !["done", "refused", "failed"].contains(outcome) else { return }
        throw ValidationError("--outcome takes done, refused or failed.")
    }

    private var all: [(name: String, value: String?)] {
        [
            ("who", who), ("action", action), ("target", target), ("outcome", outcome), ("from", from),
            ("until", until), ("text", text),
        ]
    }

    /// The query of the API.
    func fields(_ more: KeyValuePairs<String, String?>) -> [(name: String, value: String?)] {
        more.map { ($0.key, $0.value) } + all + [("chain", chain.word)]
    }

    /// The same list from there on.
    func command(_ name: String, before next: String, _ answers: AnswerOptions) -> String {
        let words = (all + [("before", next)]).compactMap { name, value in value.map { " --\(name) \($0.shellWord)" } }
        return "weir audit \(name)" + words.joined() + (chain.house ? " --house" : "") + answers.client.folder.option
    }
}

extension Address {
    /// `?a=1&b=2` of those that have a value; nothing if none has.
    static func query(_ values: [(name: String, value: String?)]) -> String {
        let parts = values.map { query([$0.name: $0.value]).dropFirst() }.filter { !$0.isEmpty }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}

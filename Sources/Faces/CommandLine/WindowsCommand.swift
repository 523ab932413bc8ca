import ArgumentParser
import Wire

struct WindowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windows", abstract: "List maintenance windows, times in which no job of a key starts; make one.",
        subcommands: [ListWindowsCommand.self, SetWindowCommand.self, DeleteWindowCommand.self],
        defaultSubcommand: ListWindowsCommand.self)
}

struct ListWindowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List maintenance windows.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: WindowList = try await answers.client.get(Address.of("maintenance-windows"))
        try answers.show(answer) { WindowText(style: $0).text(of: answer.windows) }
    }

    /// `GET /api/v1/maintenance-windows`.
    private struct WindowList: Codable {
        let windows: [WindowView]
    }
}

struct SetWindowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Make a maintenance window, or change it as a whole.")

    @Argument(help: "The window's name.")
    var name: String
    @Option(help: "organization, source/{environment}/{name} or warehouse/{environment}.")
    var key: String
    @Option(help: "When it opens, in cron's five fields: \"0 2 * * 6\".")
    var cron: String
    @Option(help: "The time zone of --cron, such as Europe/Berlin; UTC if absent.")
    var timeZone: String?
    @Option(name: .customLong("for"), help: "How long it stays open: 30m, 4h.", transform: TimeSpan.init(typed:))
    var span: TimeSpan
    @Option(help: "Why, for others.")
    var because: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws { _ = try span.minutes(of: "--for") }

    func run() async throws {
        let request = WindowRequest(
            key: key, expression: cron, timeZone: timeZone, minutes: try span.minutes(of: "--for"), because: because)
        let window: WindowView = try await answers.client.put(Address.of("maintenance-windows", name), request)
        try answers.show(window) { WindowText(style: $0).text(of: [window]) }
    }
}

struct DeleteWindowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a maintenance window.")

    @Argument(help: "The window's name; weir windows lists them.")
    var name: String
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        try await answers.client.delete(Address.of("maintenance-windows", name))
        answers.say("The window \(name) is deleted.")
    }
}

/// Maintenance windows for people.
struct WindowText {
    let style: Style

    func text(of windows: [WindowView]) -> String {
        guard !windows.isEmpty else {
            return """
                There are no maintenance windows yet. Make one with: \
                weir windows set NAME --key warehouse/dev --cron "0 2 * * 6" --for 4h

                """
        }
        var grid = Grid(columns: ["name", "key", "when", "state", "why"].map { .init($0) })
        grid.rows = windows.map { window in
            let state = window.openUntil.map { "open until \($0.minute)" } ?? "opens \(window.next.minute)"
            return [
                window.name, window.key, window.words.withoutControls, state, window.because?.withoutControls ?? "-",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }
}

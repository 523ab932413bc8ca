import ArgumentParser
import Foundation
import Wire

struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules", abstract: "List schedules; make, change, pause, run or delete one.",
        subcommands: [
            ListSchedulesCommand.self, SetScheduleCommand.self, PreviewScheduleCommand.self, ShowScheduleCommand.self,
            PauseScheduleCommand.self, ResumeScheduleCommand.self, RunScheduleCommand.self,
            BackfillScheduleCommand.self, DeleteScheduleCommand.self,
        ],
        defaultSubcommand: ListSchedulesCommand.self)
}

struct ListSchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List schedules.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: ScheduleList = try await answers.client.get(Address.of("schedules"))
        try answers.show(answer) { ScheduleText(style: $0).text(of: answer.schedules) }
    }

    /// `GET /api/v1/schedules`.
    private struct ScheduleList: Codable {
        let schedules: [ScheduleView]
    }
}

struct SetScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Make a schedule, or change it as a whole.",
        discussion: """
            For a location in S3 the access key comes from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
            AWS_SESSION_TOKEN. It is kept encrypted; one that is kept stays if they are not set.
            """)

    @Argument(help: "The schedule's name.")
    var name: String
    @Option(help: "The source to clone: one that has been cloned before.")
    var source: String
    @OptionGroup(title: "When") var when: TriggerOptions
    @Option(help: "dev, stage or prod.")
    var environment: String?
    @Option(help: "Only these: a,b or schema.a,schema.b.")
    var tables: String?
    @Flag(help: "Also clone all views.")
    var views = false
    @Option(help: "What becomes of runs that were missed: latest, all or none.")
    var catchUp: String?
    @OptionGroup var answers: AnswerOptions

    func validate() throws {
        if let tables, tables.elements.isEmpty { throw ValidationError("--tables names no table.") }
    }

    func run() async throws {
        let request = ScheduleRequest(
            source: source, environment: environment, trigger: try when.trigger(), catchUp: catchUp,
            tables: tables?.elements, views: views ? true : nil,
            credentials: try when.credentials(from: ProcessInfo.processInfo.environment))
        let schedule: ScheduleView = try await answers.client.put(Address.of("schedules", name), request)
        try answers.show(schedule) { ScheduleText(style: $0).text(of: schedule) }
    }
}

struct PreviewScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "What a trigger means, in words and in its next five times. Keeps nothing.")

    @OptionGroup(title: "When") var when: TriggerOptions
    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let trigger = try when.trigger()
        let preview: TriggerPreview = try await answers.client.post(Address.of("schedules", "preview"), trigger)
        try answers.show(preview) { ScheduleText(style: $0).text(of: preview, zone: trigger.timeZone) }
    }
}

/// A schedule's name, and how to print the answer.
struct ScheduleOptions: ParsableArguments {
    @Argument(help: "The schedule's name; weir schedules lists them.")
    var name: String
    @OptionGroup var answers: AnswerOptions

    func address(_ action: String) -> String { Address.of("schedules", name, action) }

    func show(_ schedule: ScheduleView) throws {
        try answers.show(schedule) { ScheduleText(style: $0).text(of: schedule) }
    }
}

struct ShowScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a schedule with its next five times.")

    @OptionGroup var schedule: ScheduleOptions

    func run() async throws {
        try schedule.show(await schedule.answers.client.get(Address.of("schedules", schedule.name)))
    }
}

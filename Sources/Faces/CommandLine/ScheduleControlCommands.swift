import ArgumentParser
import Foundation
import Wire

struct PauseScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Make no runs until it is resumed. What runs goes on.")

    @OptionGroup var schedule: ScheduleOptions
    @Option(help: "Why, for others.")
    var because: String?

    func run() async throws {
        try schedule.show(
            await schedule.answers.client.post(schedule.address("pause"), PauseRequest(because: because)))
    }
}

struct ResumeScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on from now, by the catch-up policy.")

    @OptionGroup var schedule: ScheduleOptions

    func run() async throws { try schedule.show(await schedule.answers.client.post(schedule.address("resume"))) }
}

struct RunScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Begin a run at once, also while the schedule is paused.",
        discussion: "With --follow exit status 0 only if the run succeeds and every stream is verified.")

    @OptionGroup var schedule: ScheduleOptions
    @Flag(help: "Follow the run to its end.")
    var follow = false

    func run() async throws {
        let answers = schedule.answers
        var accepted: CloneAccepted = try await answers.client.post(schedule.address("run"))
        if follow { return try await OneRun(id: accepted.runID, answers: answers).showAtEnd() }
        accepted.runURL = try answers.client.absolute(accepted.runURL)
        try answers.show(accepted) { [accepted] _ in
            """
            Run \(accepted.runID) has begun: \(accepted.runURL)
            Follow it with: weir runs watch \(accepted.runID)\(answers.client.folder.option)

            """
        }
    }
}

struct BackfillScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill", abstract: "Begin a run for each time of the schedule in some days that has none yet.")

    @OptionGroup var schedule: ScheduleOptions
    @Option(help: "The first day, YYYY-MM-DD, in the schedule's time zone.")
    var from: String
    @Option(help: "The last day, YYYY-MM-DD.")
    var through: String

    func validate() throws {
        guard [from, through].allSatisfy({ $0.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil }) else {
            throw ValidationError("Days are written as YYYY-MM-DD, like 2026-11-24.")
        }
        guard from <= through else { throw ValidationError("The day of --from lies after that of --through.") }
    }

    func run() async throws {
        let accepted: BackfillAccepted = try await schedule.answers.client.post(
            schedule.address("backfill"), BackfillRequest(from: from, through: through))
        let list = "weir runs --schedule \(schedule.name.shellWord)\(schedule.answers.client.folder.option)"
        try schedule.answers.show(accepted) { ScheduleText(style: $0).text(of: accepted, list: list) }
    }
}

struct DeleteScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a schedule. Its runs stay.")

    @OptionGroup var schedule: ScheduleOptions

    func run() async throws {
        try await schedule.answers.client.delete(Address.of("schedules", schedule.name))
        schedule.answers.say("The schedule \(schedule.name) is deleted. Its runs stay.")
    }
}

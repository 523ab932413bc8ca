import Foundation
import Kernel
import Wire

struct SchedulesPage: Sendable {
    let schedules: [ScheduleRow]
    /// Whether anything was cloned that could be put on a schedule.
    let hasPipelines: Bool
}

/// One schedule with its times, its runs and what can be done about it.
struct SchedulePage: Sendable {
    let schedule: ScheduleRow
    let runs: [RunRow]
    let backfill: Backfill

    /// The form for the past, with what became of it.
    struct Backfill: Sendable {
        var from = ""
        var through = ""
        var problem: ProblemNote?
        var outcome: String?
    }

    init(_ schedule: ScheduleView, runs: [RunSummary], now: Date, backfill: Backfill = Backfill()) {
        self.schedule = ScheduleRow(schedule, now: now)
        // All of them are its own: that need not be said in each row.
        self.runs = runs.map { run in
            var run = run
            run.schedule = nil
            return RunRow(run, now: now)
        }
        self.backfill = backfill
    }
}

/// The form of a new schedule, or of one that is there.
struct ScheduleFormPage: Sendable {
    let title: String
    /// Where it is saved, and where to go if not.
    let action: String
    let back: String
    let isNew: Bool
    let name: String
    let pipelines: [Choice]
    let isEvery: Bool
    let isCron: Bool
    let isFile: Bool
    let isAfter: Bool
    let count: String
    let units: [Choice]
    let expression: String
    let timeZone: String
    let zones = ScheduleFormPage.zoneNames
    let location: String
    let follows: [Choice]
    let catchUps: [CatchUpChoice]
    let tables: String
    let views: Bool
    let preview: PreviewNote?
    let problem: ProblemNote?

    struct CatchUpChoice: Sendable {
        let value: String
        let label: String
        let help: String
        let isChosen: Bool
    }

    /// - Parameter name: of the schedule that is changed; nil for a new one.
    init(
        _ form: ScheduleForm, changing name: String?, pipelines: KnownPipelines, preview: PreviewNote? = nil,
        problem: Problem? = nil
    ) {
        isNew = name == nil
        self.name = name ?? form.name
        title = name.map { "Change \($0)" } ?? "New schedule"
        action = name.map { Address.schedule($0) } ?? "/schedules"
        back = name.map { Address.schedule($0) } ?? "/schedules"
        self.pipelines = pipelines.choices(chosen: form.pipeline)
        isEvery = form.kind == "every"
        isCron = form.kind == "cron"
        isFile = form.kind == "file"
        isAfter = form.kind == "after"
        count = form.count
        units = ScheduleForm.units.map { Choice(value: $0.0, label: $0.0, isChosen: $0.0 == form.unit) }
        expression = form.expression
        timeZone = form.timeZone
        location = form.location
        follows = pipelines.sourceChoices(chosen: form.follows.isEmpty ? nil : form.follows, none: "Choose one")
        catchUps = CatchUp.allCases.map {
            CatchUpChoice(value: $0.rawValue, label: $0.label, help: $0.help, isChosen: $0.rawValue == form.catchUp)
        }
        tables = form.tables
        views = form.views
        self.preview = preview
        self.problem = problem.map { ProblemNote($0) }
    }

    /// Zones to choose from; any other of the tz database can be typed.
    private static let zoneNames = [
        "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires",
        "America/Bogota", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Mexico_City",
        "America/New_York", "America/Sao_Paulo", "America/Toronto", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta",
        "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore",
        "Asia/Tokyo", "Australia/Sydney", "Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Dublin",
        "Europe/Helsinki", "Europe/Istanbul", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Paris",
        "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland",
        "UTC",
    ]
}

/// What a trigger means, before it is kept.
struct PreviewNote: Sendable {
    let words: String
    let times: [Upcoming]

    init(_ preview: TriggerPreview, zone: String?, now: Date) {
        words = preview.words.capitalizedFirst
        times = preview.next.map { Upcoming($0, zone: zone, now: now) }
    }
}

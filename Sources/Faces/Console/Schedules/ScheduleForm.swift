import Foundation
import Kernel
import Wire

/// The form of a schedule as it was sent, or as a schedule fills it.
struct ScheduleForm: Sendable {
    static let units = [("minutes", 1), ("hours", 60), ("days", 1440)]

    var name = ""
    var pipeline: Pipeline?
    var kind = "every"
    var count = "6"
    var unit = "hours"
    var expression = ""
    var timeZone = ""
    var location = ""
    var follows = ""
    var catchUp = CatchUp.latest.rawValue
    /// One in a line.
    var tables = ""
    var views = false

    /// An empty form is a new schedule's.
    init(_ form: Form) {
        name = form["name"] ?? ""
        pipeline = form["pipeline"].flatMap { Pipeline($0) }
        kind = form["trigger"] ?? kind
        count = form["count"] ?? (form.raw("count") == nil ? count : "")
        unit = form["unit"] ?? unit
        expression = form["expression"] ?? ""
        timeZone = form["timeZone"] ?? ""
        location = form["location"] ?? ""
        follows = form["follows"] ?? ""
        catchUp = form["catchUp"] ?? catchUp
        tables = form["tables"] ?? ""
        views = form["views"] != nil
    }

    init(_ schedule: ScheduleView) {
        name = schedule.name
        pipeline = Pipeline(environment: schedule.environment, source: schedule.source)
        kind = schedule.trigger.kind
        if let minutes = schedule.trigger.minutes {
            let fits = Self.units.last { minutes > 0 && minutes.isMultiple(of: $0.1) } ?? Self.units[0]
            (count, unit) = (String(minutes / fits.1), fits.0)
        }
        expression = schedule.trigger.expression ?? ""
        timeZone = schedule.trigger.timeZone ?? ""
        location = schedule.trigger.location ?? ""
        follows = schedule.trigger.source ?? ""
        catchUp = schedule.catchUp
        tables = schedule.tables.joined(separator: "\n")
        views = schedule.views
    }

    /// - Throws: `invalidInput` for what the form alone can tell; the rest is told by who takes the trigger.
    func trigger() throws -> TriggerView {
        switch kind {
        case "every": TriggerView(kind: kind, minutes: try minutes())
        case "cron":
            TriggerView(
                kind: kind, expression: try filled(expression, "The cron expression is missing.", "Try 0 6 * * *."),
                timeZone: timeZone.isEmpty ? nil : timeZone)
        case "file":
            TriggerView(
                kind: kind,
                location: try filled(location, "The folder is missing.", "Name a folder, or s3://bucket/prefix."))
        case "after":
            TriggerView(
                kind: kind, source: try filled(follows, "It is not said after which pipeline.", "Choose one."))
        default:
            throw Problem(.invalidInput, "It is not said when it is to run.", hint: "Choose one of the four.")
        }
    }

    /// - Throws: as `trigger`.
    func request() throws -> ScheduleRequest {
        guard let pipeline else {
            throw Problem(.invalidInput, "No pipeline is chosen.", hint: "Clone a source first, then choose it here.")
        }
        let names = tables.split(whereSeparator: { $0.isNewline || $0 == "," })
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        return ScheduleRequest(
            source: pipeline.source, environment: pipeline.environment, trigger: try trigger(), catchUp: catchUp,
            tables: names.isEmpty ? nil : names, views: views)
    }

    /// - Throws: `invalidInput` if it is no name of a schedule.
    func checkedName() throws -> String {
        // `/schedules/new` is the form.
        guard Slug.isValid(name), name != "new" else {
            throw Problem(
                .invalidInput, "A schedule's name holds a-z, digits and _ only, begins with a letter, and is not new.",
                hint: name.isEmpty ? "Try nightly." : "Try \(Slug.snakeCase("\(name) schedule")).")
        }
        return name
    }

    private func minutes() throws -> Int {
        guard let number = Int(count), number > 0, number <= 100_000,
            let factor = Self.units.first(where: { $0.0 == unit })?.1
        else {
            throw Problem(.invalidInput, "How often it is to run is no whole number.", hint: "Try 6 hours.")
        }
        return number * factor
    }

    private func filled(_ text: String, _ sentence: String, _ hint: String) throws -> String {
        guard !text.isEmpty else { throw Problem(.invalidInput, sentence, hint: hint) }
        return text
    }
}

import Foundation
import Wire

/// Schedules for people.
struct ScheduleText {
    let style: Style

    func text(of schedules: [ScheduleView]) -> String {
        guard !schedules.isEmpty else {
            return "There are no schedules yet. Make one with: weir schedules set NAME --source SOURCE --every 6h\n"
        }
        var grid = Grid(columns: ["name", "pipeline", "when", "next", "last run", "state"].map { .init($0) })
        grid.rows = schedules.map { schedule in
            [
                schedule.name, pipeline(of: schedule), schedule.words.withoutControls,
                schedule.next.first?.minute ?? "-", lastRun(of: schedule) ?? "-", state(of: schedule),
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    /// One schedule, a fact in each line.
    func text(of schedule: ScheduleView) -> String {
        let tables = schedule.tables.isEmpty ? "all" : schedule.tables.joined(separator: ", ")
        var facts = [
            ("schedule", schedule.name), ("pipeline", pipeline(of: schedule)), ("when", schedule.words),
            ("state", state(of: schedule)), ("tables", tables + (schedule.views ? ", and all views" : "")),
            ("catch up", schedule.catchUp), ("made by", schedule.createdBy),
        ]
        if let last = lastRun(of: schedule) {
            facts.append(("last run", [last, schedule.lastRunID].compactMap(\.self).joined(separator: "  ")))
        }
        facts += times(schedule.next, schedule.trigger.timeZone)
        return lines(facts)
    }

    /// - Parameter zone: the trigger's time zone; UTC if nil.
    func text(of preview: TriggerPreview, zone: String?) -> String {
        lines([("when", preview.words)] + times(preview.next, zone))
    }

    /// - Parameter list: the command that lists the schedule's runs.
    func text(of accepted: BackfillAccepted, list: String) -> String {
        let there = accepted.alreadyThere
        let before = there == 0 ? "" : " \(Figures.count(there, "time")) had a run already."
        guard !accepted.runIDs.isEmpty else {
            return there == 0 ? "The schedule has no time in these days.\n" : "Nothing is to be done.\(before)\n"
        }
        let begun = Figures.count(accepted.runIDs.count, "run") + (accepted.runIDs.count == 1 ? " has" : " have")
        return "\(begun) begun.\(before)\nSee them with: \(list)\n"
    }

    private func pipeline(of schedule: ScheduleView) -> String { "\(schedule.source) \(schedule.environment)" }

    private func lastRun(of schedule: ScheduleView) -> String? {
        guard schedule.lastRunState != nil || schedule.lastFiredAt != nil else { return nil }
        return [schedule.lastRunState?.rawValue, schedule.lastFiredAt?.minute].compactMap(\.self).joined(separator: " ")
    }

    private func state(of schedule: ScheduleView) -> String {
        if schedule.isPaused {
            let person = schedule.pausedBy.map { " by \($0)" } ?? ""
            return "paused\(person)\(schedule.pausedBecause.map { ": \($0)" } ?? "")".withoutControls
        }
        if let problem = schedule.problem { return "not well: \(problem.line)" }
        return schedule.waiting.map { "waits: \($0)".withoutControls } ?? "on"
    }

    /// In UTC and, where that is another, in the schedule's own time zone.
    private func times(_ next: [String], _ name: String?) -> [(String, String)] {
        let zone = name == "UTC" ? nil : name.flatMap { TimeZone(identifier: $0) }
        return next.enumerated().map { index, time in
            let own = zone.flatMap { zone in Moment(time).map { "\($0.text(in: zone)) (\(zone.identifier))" } }
            return (index == 0 ? "next" : "", [time.minute, own].compactMap(\.self).joined(separator: "  "))
        }
    }

    private func lines(_ facts: [(String, String)]) -> String {
        facts.map { "\($0.0.padded(to: 8))  \($0.1.withoutControls)\n" }.joined()
    }
}

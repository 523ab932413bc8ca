import Foundation
import Ingestion
import Jobs
import Kernel
import Postgres
import Warehousing
import Wire

extension LiveOperations {
    private var book: ScheduleBook { ScheduleBook(pool: house.pool, time: house.time) }

    func schedules(as caller: Caller) async throws -> [ScheduleView] {
        try await metadata {
            let found = try await book.all(of: caller.organization)
            let states = try await reader.states(of: found.compactMap(\.lastRun), as: caller)
            return found.map { view($0, states) }
        }
    }

    func schedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        try await metadata {
            let found = try await book.find(name, of: caller.organization)
            return view(found, try await reader.states(of: found.lastRun.map { [$0] } ?? [], as: caller))
        }
    }

    func putSchedule(
        _ name: String, _ request: ScheduleRequest, as caller: Caller
    ) async throws -> ScheduleView {
        try Self.checkName(name, of: "schedule")
        let place = try place(PlaceRequest(environment: request.environment), caller)
        let trigger = try Self.trigger(request.trigger)
        try trigger.check()
        try await requireSource(request.source, in: place.environment, as: caller)
        if case .after(let before) = trigger {
            try await requireSource(before, in: place.environment, as: caller)
        }
        let plan = Schedule.Plan(
            environment: place.environment, source: request.source, trigger: trigger,
            catchUp: try Self.catchUp(request.catchUp), tables: request.tables ?? [], views: request.views ?? false)
        let markers = MarkerPlace(house: house)
        var marks: [ScheduleMark] = []
        if case .file(let location) = trigger {
            marks = try await markers.firstLook(
                at: location, with: request.credentials, for: name, of: caller.organization, slug: caller.slug,
                by: caller.name)
        }
        try await metadata {
            try await book.put(name, plan, marks: marks, of: caller.organization, by: caller.name)
        }
        return try await schedule(name, as: caller)
    }

    func deleteSchedule(_ name: String, as caller: Caller) async throws {
        try await metadata {
            try await book.remove(name, of: caller.organization)
            try await secretKeeper.remove(MarkerPlace.secretName(of: name), of: caller.organization)
        }
    }

    func pauseSchedule(_ name: String, because: String?, as caller: Caller) async throws -> ScheduleView {
        try await metadata {
            try await book.pause(name, of: caller.organization, by: caller.name, because: because)
        }
        return try await schedule(name, as: caller)
    }

    func resumeSchedule(_ name: String, as caller: Caller) async throws -> ScheduleView {
        try await metadata { try await book.resume(name, of: caller.organization) }
        return try await schedule(name, as: caller)
    }

    func runSchedule(_ name: String, as caller: Caller) async throws -> CloneAccepted {
        let scheduler = ScheduledClones(house: house).scheduler
        let run = try await metadata {
            let schedule = try await book.find(name, of: caller.organization)
            let firing = Firing(
                instant: nil, key: "now/\(house.time.makeUUID())", cause: "schedule \(name), now, by \(caller.name)",
                priority: 10)
            return try await house.pool.transaction(organization: caller.organization) { connection in
                try await scheduler.fire(schedule, firing, on: connection).id
            }
        }
        return CloneAccepted(runID: run.description, runURL: "\(address())/runs/\(run)")
    }

    func backfill(
        _ name: String, _ request: BackfillRequest, as caller: Caller
    ) async throws -> BackfillAccepted {
        let scheduler = ScheduledClones(house: house).scheduler
        return try await metadata {
            let schedule = try await book.find(name, of: caller.organization)
            let range = try DaySpan(from: request.from, through: request.through, in: schedule.plan.trigger.zone)
            let through = min(range.end, house.time.now())
            guard range.begin <= through else {
                throw Problem(
                    .invalidInput, "These days are still to come.", hint: "A backfill is for days that are past.")
            }
            let instants = try schedule.clock.instants(
                from: range.begin, through: through, limit: Self.mostBackfilled)
            return try await house.pool.transaction(organization: caller.organization) { connection in
                var made: [String] = []
                for instant in instants {
                    let firing = Firing(
                        instant: instant, key: instant.rfc3339,
                        cause: "backfill of schedule \(name), by \(caller.name)",
                        priority: -10)
                    let run = try await scheduler.fire(schedule, firing, on: connection)
                    if run.isNew { made.append(run.id.description) }
                }
                return BackfillAccepted(runIDs: made, alreadyThere: instants.count - made.count)
            }
        }
    }

    func preview(_ trigger: TriggerView, as caller: Caller) async throws -> TriggerPreview {
        let trigger = try Self.trigger(trigger)
        let now = house.time.now()
        let clock = try ScheduleClock(trigger, anchor: now)
        return TriggerPreview(words: trigger.words, next: clock.upcoming(Self.shown, after: now).map(\.rfc3339))
    }

    // MARK: -

    /// Times that a page shows.
    private static let shown = 5
    private static let mostBackfilled = 400

    static func checkName(_ name: String, of what: String) throws {
        guard Slug.isValid(name) else {
            throw Problem(
                .invalidInput, "\(name.prefix(60)) cannot name a \(what).",
                hint: "Use a to z, digits and _, led by a letter, at most 40.")
        }
    }

    /// - Throws: `notFound` unless that source was cloned there, or is being cloned.
    func requireSource(_ source: String, in environment: String, as caller: Caller) async throws {
        let found = try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query(
                    "SELECT FROM weir.sources WHERE environment = \(environment) AND name = \(source)")
            }
        }
        guard !found.isEmpty else {
            throw Problem(
                .notFound, "There is no source \(source.prefix(60)) in \(environment).",
                hint: "Clone it once with `weir clone`; then it has a pipeline.")
        }
    }

    private static func trigger(_ view: TriggerView) throws -> ScheduleTrigger {
        var view = view
        if view.kind == "cron", view.timeZone == nil { view.timeZone = "UTC" }
        return try JSONDecoder().decode(ScheduleTrigger.self, from: WireJSON.encode(view))
    }

    private static func catchUp(_ word: String?) throws -> CatchUp {
        guard let word else { return .latest }
        guard let found = CatchUp(rawValue: word) else {
            throw Problem(
                .invalidInput, "There is no catch-up policy \(word.prefix(40)).", hint: "Use latest, all or none.")
        }
        return found
    }

    private func view(_ schedule: Schedule, _ states: [RunID: StateWord]) -> ScheduleView {
        let plan = schedule.plan
        let isPaused = schedule.pause != nil
        let clock = try? schedule.clock
        var next: [Date] = []
        if let due = schedule.nextAt, let clock, !isPaused {
            next = [due] + clock.upcoming(Self.shown - 1, after: due)
        }
        return ScheduleView(
            name: schedule.name, source: plan.source, environment: plan.environment, trigger: TriggerView(plan.trigger),
            words: plan.trigger.words, catchUp: plan.catchUp.rawValue, tables: plan.tables, views: plan.views,
            isPaused: isPaused, pausedBy: schedule.pause?.by, pausedBecause: schedule.pause?.because,
            next: next.map(\.rfc3339), waiting: isPaused ? nil : schedule.waiting,
            problem: schedule.problem.map { ProblemView($0.problem) }, lastRunID: schedule.lastRun?.description,
            lastRunState: schedule.lastRun.flatMap { states[$0] }, lastFiredAt: schedule.lastFiredAt?.rfc3339,
            createdBy: schedule.createdBy)
    }
}

extension TriggerView {
    init(_ trigger: ScheduleTrigger) {
        switch trigger {
        case .every(let minutes): self.init(kind: "every", minutes: minutes)
        case .cron(let expression, let zone): self.init(kind: "cron", expression: expression, timeZone: zone)
        case .file(let location): self.init(kind: "file", location: location)
        case .after(let source): self.init(kind: "after", source: source)
        }
    }
}

/// Whole days in a time zone.
private struct DaySpan {
    let begin: Date
    /// The last second.
    let end: Date

    /// - Throws: `invalidInput`.
    init(from first: String, through last: String, in zone: TimeZone) throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        func day(_ text: String) throws -> Date {
            let parts = text.split(separator: "-", omittingEmptySubsequences: false).compactMap { Int($0) }
            let components =
                parts.count == 3 && text.count == 10
                ? DateComponents(calendar: calendar, year: parts[0], month: parts[1], day: parts[2]) : nil
            guard let components, components.isValidDate, let date = calendar.date(from: components) else {
                throw Problem(
                    .invalidInput, "\(text.prefix(40)) is no day.", hint: "Write days like 2026-11-24.")
            }
            return date
        }
        begin = try day(first)
        guard let next = calendar.date(byAdding: .day, value: 1, to: try day(last)), begin < next else {
            throw Problem(.invalidInput, "The range ends before it begins.", hint: "Give the earlier day first.")
        }
        end = next.addingTimeInterval(-1)
    }
}

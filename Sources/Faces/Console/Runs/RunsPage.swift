import Foundation
import Kernel
import Wire

/// The list of runs with its filter.
struct RunsPage: Sendable {
    let list: RunListView
    let filter: RunFilterView
    /// What became of the runs that were to be changed; nil if none were.
    let outcome: BulkNote?
    let problem: ProblemNote?

    init(
        _ runs: RunList, choice: RunChoice, now: Date, outcome: BulkNote? = nil, problem: ProblemNote? = nil,
        selected: Set<String> = []
    ) {
        list = RunListView(runs, choice: choice, now: now, selected: selected)
        filter = RunFilterView(choice, runs: runs.runs)
        self.outcome = outcome
        self.problem = problem
    }
}

/// The part of the list that changes by itself.
struct RunListView: Sendable {
    let runs: [RunRow]
    let isSelectable = true
    let summary: String
    /// Nothing has run at all.
    let isNew: Bool
    /// There are runs, but none like these.
    let nothingMatches: Bool
    /// Behind the last run.
    let isPastEnd: Bool
    let older: String?
    let newest: String?
    /// Set while runs of this page go on: the browser asks again after so many seconds.
    let refresh: Int?
    /// The list without its filter.
    let all = "/runs"

    init(_ list: RunList, choice: RunChoice, now: Date, selected: Set<String>) {
        runs = list.runs.map { RunRow($0, now: now, isSelected: selected.contains($0.runID)) }
        isNew = runs.isEmpty && !choice.isFiltered && choice.before == nil
        isPastEnd = runs.isEmpty && choice.before != nil
        nothingMatches = runs.isEmpty && choice.isFiltered && choice.before == nil
        let count = Readable.plural(runs.count, "run")
        summary = list.next == nil && choice.before == nil ? count : "\(count) on this page"
        older = list.next.map { next in choice.changed { $0.before = next }.address }
        newest = choice.before == nil ? nil : choice.changed { _ in }.address
        refresh = list.runs.contains { !$0.state.isOver } ? 5 : nil
    }
}

/// The form above the list, and what of it is in force.
struct RunFilterView: Sendable {
    let states: [Link]
    /// The states again, for the form to carry along.
    let carried: [String]
    let search: String
    let source: String
    let schedule: String
    let environments: [Choice]
    let kinds: [Choice]
    /// Names to choose from; others can be typed.
    let sources: [String]
    let schedules: [String]
    /// Whether the fields that are folded away hold something.
    let isOpen: Bool
    /// Each leads to the list without it.
    let active: [Link]
    /// What the list's own form carries, to come back here.
    let query: String

    struct Link: Sendable {
        let label: String
        let address: String
        let isChosen: Bool
    }

    init(_ choice: RunChoice, runs: [RunSummary]) {
        states = StateChoice.allCases.map { state in
            let isChosen = choice.states.contains(state)
            let other = choice.changed { changed in
                if isChosen { changed.states.removeAll { $0 == state } } else { changed.states.append(state) }
            }
            return Link(label: state.label, address: other.address, isChosen: isChosen)
        }
        carried = choice.states.map(\.rawValue)
        search = choice.search ?? ""
        source = choice.source ?? ""
        schedule = choice.schedule ?? ""
        environments = Self.choices(Place.names.map { ($0, $0) }, all: "All", chosen: choice.environment)
        kinds = Self.choices(
            RunChoice.kinds.sorted { $0.key < $1.key }, all: "All but messages", chosen: choice.kind)
        sources = Set(runs.map(\.source)).filter { !$0.isEmpty }.sorted()
        schedules = Set(runs.compactMap(\.schedule)).sorted()
        isOpen = [choice.source, choice.environment, choice.kind, choice.schedule].contains { $0 != nil }
        active = Self.active(choice)
        query = choice.query
    }

    private static func choices(
        _ values: [(key: String, value: String)], all: String, chosen: String?
    ) -> [Choice] {
        [Choice(value: "", label: all, isChosen: chosen == nil)]
            + values.map { Choice(value: $0.key, label: $0.value, isChosen: $0.key == chosen) }
    }

    private static func active(_ choice: RunChoice) -> [Link] {
        func link(_ label: String, _ value: String?, _ change: (inout RunChoice) -> Void) -> Link? {
            value.map { Link(label: "\(label): \($0)", address: choice.changed(change).address, isChosen: true) }
        }
        let states = choice.states.compactMap { state in
            link("State", state.label) { $0.states.removeAll { $0 == state } }
        }
        let others = [
            link("Source", choice.source) { $0.source = nil },
            link("Environment", choice.environment) { $0.environment = nil },
            link("Kind", choice.kind.flatMap { RunChoice.kinds[$0] }) { $0.kind = nil },
            link("Schedule", choice.schedule) { $0.schedule = nil },
            link("Search", choice.search) { $0.search = nil },
        ]
        return states + others.compactMap(\.self)
    }
}

/// A run in a list.
struct RunRow: Sendable {
    let id: String
    let address: String
    let title: String
    let environment: String
    let state: StateBadge
    let created: Moment
    let duration: String
    /// Set while it goes on: the browser counts on from there.
    let since: String?
    let problem: ProblemNote?
    let note: String?
    let schedule: ScheduleLink?
    let isSelected: Bool

    init(_ run: RunSummary, now: Date, isSelected: Bool = false) {
        id = run.runID
        address = Address.run(run.runID)
        title = Self.title(of: run)
        environment = run.environment
        state = StateBadge(run.state)
        created = Moment(run.createdAt, now: now)
        duration = Readable.duration(run.seconds)
        since = run.state.isOver ? nil : run.createdAt
        // Who resolved a run said what became of its problem.
        problem = run.state == .resolved && run.note != nil ? nil : run.problem.map { ProblemNote($0) }
        note = run.note
        schedule = run.schedule.map { ScheduleLink(name: $0, address: Address.schedule($0)) }
        self.isSelected = isSelected
    }

    /// `Clone of shop`.
    static func title(of run: RunSummary) -> String {
        switch (run.kind, run.source.isEmpty) {
        case ("notify", true): "Message"
        case ("notify", false): "Message about \(run.source)"
        default: "\(run.kind.capitalized) of \(run.source)"
        }
    }
}

/// Where the schedule that made a run is.
struct ScheduleLink: Sendable {
    let name: String
    let address: String
}

import Kernel
import Wire

/// Which runs the list shows, as its address names them. All of it is optional.
struct RunChoice: Sendable, Equatable {
    static let pageRuns = 50
    static let kinds = ["clone": "Clones", "notify": "Messages"]

    var states: [StateChoice]
    var source: String?
    var environment: String?
    var kind: String?
    var schedule: String?
    var search: String?
    /// The cursor of an older page.
    var before: String?

    /// - Throws: `invalidInput` for a state, environment or kind that does not exist.
    init(_ form: Form) throws {
        states = try form.all("state").filter { !$0.isEmpty }.map { word in
            guard let state = StateChoice(rawValue: word) else {
                throw Problem(.invalidInput, "There is no such state of a run.", hint: "See all runs under Runs.")
            }
            return state
        }
        source = form["source"]
        environment = try form["environment"].map { try Place(named: $0).environment }
        kind = form["kind"]
        if let kind, Self.kinds[kind] == nil {
            throw Problem(.invalidInput, "There is no such kind of run.", hint: "See all runs under Runs.")
        }
        schedule = form["schedule"]
        search = form["search"]
        before = form["before"]
    }

    var filter: RunFilter {
        var seen: Set<StateWord> = []
        let words = states.flatMap(\.words).filter { seen.insert($0).inserted }
        return RunFilter(
            limit: Self.pageRuns, before: before, states: words, kind: kind, source: source, environment: environment,
            schedule: schedule, search: search)
    }

    /// Whether it leaves out any runs but those of other pages.
    var isFiltered: Bool { !states.isEmpty || [source, environment, kind, schedule, search].contains { $0 != nil } }

    var address: String { Address.make("/runs", fields) }
    /// The address's part after `?`.
    var query: String { Address.query(fields) }

    private var fields: [Address.Field] {
        states.map { ("state", $0.rawValue) } + [
            ("source", source), ("environment", environment), ("kind", kind), ("schedule", schedule),
            ("search", search), ("before", before),
        ]
    }

    /// The same from its first page on.
    func changed(_ change: (inout RunChoice) -> Void) -> RunChoice {
        var other = self
        other.before = nil
        change(&other)
        return other
    }
}

/// States as people choose among them: `failed` is both of those that pages call so.
enum StateChoice: String, Sendable, CaseIterable {
    case pending
    case running
    case success
    case failed
    case retryable
    case resolved
    case cancelled

    var label: String {
        switch self {
        case .retryable: "Can be rescued"
        default: StateBadge(words[0]).word
        }
    }

    var words: [StateWord] {
        switch self {
        case .pending: [.pending]
        case .running: [.running]
        case .success: [.success]
        case .failed: [.failed, .retryable]
        case .retryable: [.retryable]
        case .resolved: [.resolved]
        case .cancelled: [.cancelled]
        }
    }
}

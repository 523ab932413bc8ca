/// `GET /api/v1/runs`: which runs, the newest first.
package struct RunFilter: Sendable, Hashable {
    /// 1 to 500.
    package var limit: Int
    /// Only runs before this one in the list: the `next` of the page before.
    package var before: String?
    /// Any of these; all if empty.
    package var states: [StateWord]
    /// `clone`, `notify`; all but `notify` if nil.
    package var kind: String?
    package var source: String?
    package var environment: String?
    /// Those that the caller may see; nil: all. Set by the guard, not by the caller.
    package var visible: Set<String>?
    /// The name of a schedule.
    package var schedule: String?
    /// Part of a source's name, of a run's id, of its problem or its note, in any case.
    package var search: String?

    package init(
        limit: Int = 50, before: String? = nil, states: [StateWord] = [], kind: String? = nil, source: String? = nil,
        environment: String? = nil, schedule: String? = nil, search: String? = nil
    ) {
        self.limit = limit
        self.before = before
        self.states = states
        self.kind = kind
        self.source = source
        self.environment = environment
        self.schedule = schedule
        self.search = search
    }
}

package struct RunList: Sendable, Codable {
    package var runs: [RunSummary]
    /// Give it as `before` to get the next page; nil if this is the last.
    package var next: String?

    package init(runs: [RunSummary], next: String?) {
        self.runs = runs
        self.next = next
    }
}

/// `POST /api/v1/runs/actions`: the same for several runs, each by itself.
package struct BulkRequest: Sendable, Codable {
    /// `cancel`, `retry` or `resolve`.
    package var action: String
    /// At most 200.
    package var runIDs: [String]
    /// Why, or how it was resolved.
    package var note: String?

    package init(action: String, runIDs: [String], note: String? = nil) {
        self.action = action
        self.runIDs = runIDs
        self.note = note
    }
}

package struct BulkOutcome: Sendable, Codable {
    package var runID: String
    /// How it stands now; nil if it could not be done.
    package var state: StateWord?
    package var problem: ProblemView?

    package init(runID: String, state: StateWord?, problem: ProblemView?) {
        self.runID = runID
        self.state = state
        self.problem = problem
    }
}

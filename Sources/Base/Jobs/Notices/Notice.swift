package import Foundation
package import Kernel

/// What people can be told of.
package enum NoticeEvent: String, Sendable, Codable, CaseIterable {
    /// A run has failed.
    case failure
    /// A pipeline whose last run had failed is well again, or a person has taken care of it.
    case recovery
    /// What is in the warehouse is older than expected.
    case late
    /// It is not any more.
    case fresh
    /// Somebody tries a subscription.
    case test
}

/// Something that has happened, once. `key` is its own within the organization: the same event is never told twice.
package struct Notice: Sendable {
    package var key: String
    package var event: NoticeEvent
    package var environment: String?
    package var source: String?
    /// The run that it tells of.
    package var run: RunID?
    package var at: Date
    /// `shop failed in dev`.
    package var title: String
    package var body: Body

    /// What a message says beside its title. No row values, no secrets.
    package struct Body: Sendable, Codable {
        /// The run's state, as docs/jobs.md has it.
        package var state: String?
        /// The kind of run: `clone`.
        package var kind: String?
        package var problem: StoredProblem?
        /// What a person said who resolved it.
        package var note: String?
        /// `late`, `fresh`: the table, if the expectation is of one.
        package var table: String?
        package var freshWithinMinutes: Int?
        /// When what is in the warehouse was taken; RFC 3339; nil if there is nothing.
        package var freshAt: String?

        package init(
            state: String? = nil, kind: String? = nil, problem: StoredProblem? = nil, note: String? = nil,
            table: String? = nil, freshWithinMinutes: Int? = nil, freshAt: String? = nil
        ) {
            self.state = state
            self.kind = kind
            self.problem = problem
            self.note = note
            self.table = table
            self.freshWithinMinutes = freshWithinMinutes
            self.freshAt = freshAt
        }
    }

    package init(
        key: String, event: NoticeEvent, environment: String?, source: String?, run: RunID?, at: Date, title: String,
        body: Body
    ) {
        self.key = key
        self.event = event
        self.environment = environment
        self.source = source
        self.run = run
        self.at = at
        self.title = title
        self.body = body
    }
}

/// How a subscription is reached.
package enum NoticeChannel: String, Sendable, Codable, CaseIterable {
    case email, webhook
}

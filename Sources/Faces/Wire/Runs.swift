package import Kernel

/// `POST /api/v1/clones`: clone a source into a warehouse.
package struct CloneRequest: Sendable, Codable {
    /// `postgresql://user:password@host:port/dbname`, or nil with `source` naming one that is known.
    package var url: String?
    package var organization: String?
    /// `dev` (default), `stage` or `prod`.
    package var environment: String?
    /// The source's name; the database's name if nil.
    package var source: String?
    /// `table` or `schema.table`; all tables if nil or empty. A view is cloned when it is named here.
    package var tables: [String]?
    /// Also clone all views.
    package var views: Bool?
    /// Of clones of an organization with the same key only one is made: 1 to 200 printable ASCII characters. The header
    /// `Idempotency-Key` goes before it.
    package var idempotencyKey: String?

    package init(
        url: String?, organization: String? = nil, environment: String? = nil, source: String? = nil,
        tables: [String]? = nil, views: Bool? = nil, idempotencyKey: String? = nil
    ) {
        self.url = url
        self.organization = organization
        self.environment = environment
        self.source = source
        self.tables = tables
        self.views = views
        self.idempotencyKey = idempotencyKey
    }
}

package struct CloneAccepted: Sendable, Codable {
    package var runID: String
    /// The run's page.
    package var runURL: String
    /// Whether this request made the run; `false` if an earlier one of the same idempotency key did.
    package var isNew: Bool

    package init(runID: String, runURL: String, isNew: Bool = true) {
        self.runID = runID
        self.runURL = runURL
        self.isNew = isNew
    }
}

/// The states that the mission names (docs/jobs.md). A run's follows from its jobs': RETRYABLE or FAILED if any of them
/// is and nothing can go on, SUCCESS if all are.
package enum StateWord: String, Sendable, Codable, CaseIterable {
    case pending = "PENDING"
    case running = "RUNNING"
    case success = "SUCCESS"
    case failed = "FAILED"
    /// Failed, and a person can take it up again or resolve it.
    case retryable = "RETRYABLE"
    case resolved = "RESOLVED"
    case cancelled = "CANCELLED"

    /// Whether it goes no further by itself.
    package var isOver: Bool { self != .pending && self != .running }
    package var hasFailed: Bool { self == .failed || self == .retryable }
}

/// A problem as the API shows it inside other answers; as a whole answer it is RFC 9457 `application/problem+json`.
package struct ProblemView: Sendable, Codable, Hashable {
    package var code: String
    package var title: String
    package var detail: String
    package var hint: String?

    package init(_ problem: Problem) {
        code = problem.code.rawValue
        title = problem.code.title
        detail = problem.detail
        hint = problem.hint
    }
}

/// `POST /api/v1/runs/{id}/cancel`.
package struct CancelRequest: Sendable, Codable {
    /// Why, for others.
    package var note: String?

    package init(note: String? = nil) { self.note = note }
}

/// `POST /api/v1/runs/{id}/retry`.
package struct RetryRequest: Sendable, Codable {
    /// The kind of job to begin again with; the jobs that failed if nil.
    package var from: String?

    package init(from: String? = nil) { self.from = from }
}

/// `POST /api/v1/runs/{id}/resolve`.
package struct ResolveRequest: Sendable, Codable {
    /// How it was resolved.
    package var note: String

    package init(note: String) { self.note = note }
}

package struct RunSummary: Sendable, Codable {
    package var runID: String
    package var kind: String
    package var organization: String
    package var environment: String
    package var source: String
    package var state: StateWord
    /// RFC 3339.
    package var createdAt: String
    package var finishedAt: String?
    /// From creation to the end, or to now.
    package var seconds: Double
    package var problem: ProblemView?
    /// The schedule that made it; nil if a person did.
    package var schedule: String?
    /// The time of the schedule that it stands for; RFC 3339.
    package var scheduledFor: String?
    /// What a person said who cancelled or resolved it.
    package var note: String?
    /// The trace that it belongs to: in logs, and in the answer that made it.
    package var correlationID: String?

    package init(
        runID: String, kind: String, organization: String, environment: String, source: String, state: StateWord,
        createdAt: String, finishedAt: String?, seconds: Double, problem: ProblemView?, schedule: String? = nil,
        scheduledFor: String? = nil, note: String? = nil, correlationID: String? = nil
    ) {
        self.runID = runID
        self.kind = kind
        self.organization = organization
        self.environment = environment
        self.source = source
        self.state = state
        self.createdAt = createdAt
        self.finishedAt = finishedAt
        self.seconds = seconds
        self.problem = problem
        self.schedule = schedule
        self.scheduledFor = scheduledFor
        self.note = note
        self.correlationID = correlationID
    }
}

package struct RunDetail: Sendable, Codable {
    package var run: RunSummary
    /// In the order of the journey: provision, extract, validate, load, model, publish.
    package var jobs: [JobView]
    /// One per stream, known from the extraction on.
    package var streams: [StreamReceipt]
    package var models: ModelsReceipt?
    package var dashboardURL: String?
    /// Extract, validate and load, without models. Nil until loaded.
    package var loadSeconds: Double?

    package init(
        run: RunSummary, jobs: [JobView], streams: [StreamReceipt], models: ModelsReceipt?, dashboardURL: String?,
        loadSeconds: Double?
    ) {
        self.run = run
        self.jobs = jobs
        self.streams = streams
        self.models = models
        self.dashboardURL = dashboardURL
        self.loadSeconds = loadSeconds
    }
}

package struct JobView: Sendable, Codable {
    package var jobID: String
    /// `provision`, `extract`, `validate`, `load`, `model`, `publish`.
    package var kind: String
    package var state: StateWord
    package var attempt: Int
    package var progress: ProgressView?
    package var startedAt: String?
    package var finishedAt: String?
    package var problem: ProblemView?
    /// Why it is not running, for a pending job: `waiting for extract`, `waiting because load failed: …`.
    package var waiting: String?
    /// Ids of the jobs that it comes after.
    package var after: [String]
    /// When it could first have been taken up by a worker: created, and all before it done. RFC 3339; nil if not yet.
    package var readyAt: String?
    /// Who has it, or had it last: `host/pid`.
    package var worker: String?

    package init(
        jobID: String, kind: String, state: StateWord, attempt: Int, progress: ProgressView?, startedAt: String?,
        finishedAt: String?, problem: ProblemView?, waiting: String?, after: [String] = [], readyAt: String? = nil,
        worker: String? = nil
    ) {
        self.jobID = jobID
        self.kind = kind
        self.state = state
        self.attempt = attempt
        self.progress = progress
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.problem = problem
        self.waiting = waiting
        self.after = after
        self.readyAt = readyAt
        self.worker = worker
    }
}

/// How far a job is: `done` of `total` (if known) in `unit`, and, for data, rows and bytes so far.
package struct ProgressView: Sendable, Codable, Hashable {
    package var done: Int64
    package var total: Int64?
    package var unit: String
    package var rows: Int64?
    package var bytes: Int64?
    /// What it is at: `orders`.
    package var note: String?
    /// `done` per second since the job began, and how long the rest takes at that rate; nil if not known.
    package var perSecond: Double?
    package var secondsLeft: Double?

    package init(
        done: Int64, total: Int64?, unit: String, rows: Int64? = nil, bytes: Int64? = nil, note: String? = nil,
        perSecond: Double? = nil, secondsLeft: Double? = nil
    ) {
        self.done = done
        self.total = total
        self.unit = unit
        self.rows = rows
        self.bytes = bytes
        self.note = note
        self.perSecond = perSecond
        self.secondsLeft = secondsLeft
    }
}

/// Rows at the source in the snapshot, rows in the warehouse, and whether they are equal.
package struct StreamReceipt: Sendable, Codable {
    package var name: String
    /// The table in RAW.
    package var table: String
    package var sourceRows: Int64?
    package var loadedRows: Int64?
    package var verified: Bool
    /// What went wrong with this stream: not readable, quarantined.
    package var problem: ProblemView?

    package init(
        name: String, table: String, sourceRows: Int64?, loadedRows: Int64?, verified: Bool, problem: ProblemView?
    ) {
        self.name = name
        self.table = table
        self.sourceRows = sourceRows
        self.loadedRows = loadedRows
        self.verified = verified
        self.problem = problem
    }
}

package struct ModelsReceipt: Sendable, Codable {
    package var built: Int
    package var testsPassed: Int
    package var testsFailed: Int

    package init(built: Int, testsPassed: Int, testsFailed: Int) {
        self.built = built
        self.testsPassed = testsPassed
        self.testsFailed = testsFailed
    }
}

/// One line of a run's log.
package struct LogLine: Sendable, Codable {
    /// Grows along a run.
    package var sequence: Int64
    package var at: String
    package var job: String
    /// `info`, `warning` or `error`.
    package var level: String
    package var text: String

    package init(sequence: Int64, at: String, job: String, level: String, text: String) {
        self.sequence = sequence
        self.at = at
        self.job = job
        self.level = level
        self.text = text
    }
}

/// Where in a run's log a page lies.
package enum LogRange: Sendable, Hashable {
    /// The lines that follow this sequence; 0 is before the first.
    case after(Int64)
    /// The lines that lead up to this sequence; nil: up to the newest.
    case before(Int64?)
}

/// Some lines of a run's log, in order.
package struct LogPage: Sendable, Codable {
    /// The most lines of one page.
    package static let most = 1000

    package var lines: [LogLine]
    /// The sequence to go on from in the same direction; nil if there are no more lines there.
    package var next: Int64?

    package init(lines: [LogLine], next: Int64?) {
        self.lines = lines
        self.next = next
    }
}

/// What a run's stream of server-sent events carries: `event: run` with a `RunDetail`, `event: log` with a `LogLine`.
/// The stream ends after the `run` event whose state is over.
package enum RunEvent: Sendable {
    case run(RunDetail)
    case log(LogLine)
}

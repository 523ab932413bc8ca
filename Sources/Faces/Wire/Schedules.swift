/// When a schedule makes a run; which other fields are set follows from `kind`.
package struct TriggerView: Sendable, Codable, Hashable {
    /// `every`, `cron`, `file` or `after`.
    package var kind: String
    /// `every`: minutes between two runs.
    package var minutes: Int?
    /// `cron`: five fields.
    package var expression: String?
    /// `cron`: of the tz database, such as `Europe/Berlin`; UTC if nil.
    package var timeZone: String?
    /// `file`: a folder of the lake's raw zone, or `s3://bucket/prefix`, under which `_SUCCESS` markers arrive.
    package var location: String?
    /// `after`: the pipeline whose successful runs it follows.
    package var source: String?

    package init(
        kind: String, minutes: Int? = nil, expression: String? = nil, timeZone: String? = nil, location: String? = nil,
        source: String? = nil
    ) {
        self.kind = kind
        self.minutes = minutes
        self.expression = expression
        self.timeZone = timeZone
        self.location = location
        self.source = source
    }
}

/// `PUT /api/v1/schedules/{name}`: makes a schedule, or changes it as a whole.
package struct ScheduleRequest: Sendable, Codable {
    /// The pipeline: a source that has been cloned into that environment.
    package var source: String
    /// `dev` if nil.
    package var environment: String?
    package var trigger: TriggerView
    /// `latest` (default), `all` or `none`: what becomes of runs that were missed.
    package var catchUp: String?
    /// Which tables; as `CloneRequest.tables`.
    package var tables: [String]?
    package var views: Bool?
    /// `file` in a bucket: who may list it. They are kept encrypted and never shown; those that are kept stay if nil.
    package var credentials: BucketCredentials?

    package init(
        source: String, environment: String? = nil, trigger: TriggerView, catchUp: String? = nil,
        tables: [String]? = nil, views: Bool? = nil, credentials: BucketCredentials? = nil
    ) {
        self.source = source
        self.environment = environment
        self.trigger = trigger
        self.catchUp = catchUp
        self.tables = tables
        self.views = views
        self.credentials = credentials
    }
}

/// An access key of an S3 bucket. Listing below the location is all that it has to allow.
package struct BucketCredentials: Sendable, Codable {
    package var accessKeyID: String
    package var secretAccessKey: String
    package var sessionToken: String?

    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}

package struct ScheduleView: Sendable, Codable {
    package var name: String
    package var source: String
    package var environment: String
    package var trigger: TriggerView
    /// `every 6 hours`, `At 06:00 (Europe/Berlin)`.
    package var words: String
    package var catchUp: String
    package var tables: [String]
    package var views: Bool
    package var isPaused: Bool
    /// Who paused it, and why.
    package var pausedBy: String?
    package var pausedBecause: String?
    /// The next five times, RFC 3339; empty while it is paused and for triggers that are no times.
    package var next: [String]
    /// Why it has not fired although it was due, or what keeps it from firing: the run before it goes on, the location
    /// cannot be read.
    package var waiting: String?
    package var problem: ProblemView?
    package var lastRunID: String?
    package var lastRunState: StateWord?
    package var lastFiredAt: String?
    package var createdBy: String

    package init(
        name: String, source: String, environment: String, trigger: TriggerView, words: String, catchUp: String,
        tables: [String], views: Bool, isPaused: Bool, pausedBy: String?, pausedBecause: String?, next: [String],
        waiting: String?, problem: ProblemView?, lastRunID: String?, lastRunState: StateWord?, lastFiredAt: String?,
        createdBy: String
    ) {
        self.name = name
        self.source = source
        self.environment = environment
        self.trigger = trigger
        self.words = words
        self.catchUp = catchUp
        self.tables = tables
        self.views = views
        self.isPaused = isPaused
        self.pausedBy = pausedBy
        self.pausedBecause = pausedBecause
        self.next = next
        self.waiting = waiting
        self.problem = problem
        self.lastRunID = lastRunID
        self.lastRunState = lastRunState
        self.lastFiredAt = lastFiredAt
        self.createdBy = createdBy
    }
}

/// `POST /api/v1/schedules/preview`: what a trigger means, before it is kept.
package struct TriggerPreview: Sendable, Codable {
    package var words: String
    /// The next five times, RFC 3339; empty for triggers that are no times.
    package var next: [String]

    package init(words: String, next: [String]) {
        self.words = words
        self.next = next
    }
}

/// `POST /api/v1/schedules/{name}/pause`.
package struct PauseRequest: Sendable, Codable {
    /// Why, for others.
    package var because: String?

    package init(because: String? = nil) { self.because = because }
}

/// `POST /api/v1/schedules/{name}/backfill`: one run for each time of the schedule in a range of days, both included,
/// in the schedule's time zone.
package struct BackfillRequest: Sendable, Codable {
    /// `YYYY-MM-DD`.
    package var from: String
    package var through: String

    package init(from: String, through: String) {
        self.from = from
        self.through = through
    }
}

package struct BackfillAccepted: Sendable, Codable {
    /// Those that are new, oldest first.
    package var runIDs: [String]
    /// Times that had their run already.
    package var alreadyThere: Int

    package init(runIDs: [String], alreadyThere: Int) {
        self.runIDs = runIDs
        self.alreadyThere = alreadyThere
    }
}

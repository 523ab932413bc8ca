/// A worker that has been heard of in the last hour.
package struct WorkerView: Sendable, Codable {
    /// `host/pid`.
    package var name: String
    package var version: String
    /// Kinds of jobs that it takes.
    package var kinds: [String]
    /// Whether it takes jobs of the caller's organization alone or of some (`true`), or of all (`false`).
    package var isLimited: Bool
    package var slots: Int
    package var isAlive: Bool
    /// RFC 3339.
    package var startedAt: String
    package var seenAt: String
    /// What it does for the caller's organization now.
    package var jobs: [WorkerJob]

    package init(
        name: String, version: String, kinds: [String], isLimited: Bool, slots: Int, isAlive: Bool, startedAt: String,
        seenAt: String, jobs: [WorkerJob]
    ) {
        self.name = name
        self.version = version
        self.kinds = kinds
        self.isLimited = isLimited
        self.slots = slots
        self.isAlive = isAlive
        self.startedAt = startedAt
        self.seenAt = seenAt
        self.jobs = jobs
    }
}

package struct WorkerJob: Sendable, Codable {
    package var runID: String
    package var kind: String
    package var source: String
    package var seconds: Double

    package init(runID: String, kind: String, source: String, seconds: Double) {
        self.runID = runID
        self.kind = kind
        self.source = source
        self.seconds = seconds
    }
}

/// `PUT /api/v1/limits`: how many jobs of a key may run at once, and how often one may start.
package struct LimitRequest: Sendable, Codable {
    /// `organization`, `source/{environment}/{name}` or `warehouse/{environment}`.
    package var key: String
    /// At once; nil for as many as there are places.
    package var most: Int?
    /// Between two starts; nil for none.
    package var secondsBetweenStarts: Double?

    package init(key: String, most: Int?, secondsBetweenStarts: Double? = nil) {
        self.key = key
        self.most = most
        self.secondsBetweenStarts = secondsBetweenStarts
    }
}

/// `POST /api/v1/limits/pause`: no job of a key starts before then; what runs goes on.
package struct LimitPauseRequest: Sendable, Codable {
    package var key: String
    /// From now; nil until somebody resumes it.
    package var minutes: Int?
    package var because: String?

    package init(key: String, minutes: Int? = nil, because: String? = nil) {
        self.key = key
        self.minutes = minutes
        self.because = because
    }
}

/// `POST /api/v1/limits/resume`.
package struct LimitResumeRequest: Sendable, Codable {
    package var key: String

    package init(key: String) { self.key = key }
}

package struct LimitView: Sendable, Codable {
    package var key: String
    package var most: Int?
    package var secondsBetweenStarts: Double?
    /// Jobs that count under it now.
    package var running: Int
    /// Jobs that wait for it.
    package var waiting: Int
    /// RFC 3339, or `further notice`.
    package var pausedUntil: String?
    package var pausedBecause: String?

    package init(
        key: String, most: Int?, secondsBetweenStarts: Double?, running: Int, waiting: Int, pausedUntil: String?,
        pausedBecause: String?
    ) {
        self.key = key
        self.most = most
        self.secondsBetweenStarts = secondsBetweenStarts
        self.running = running
        self.waiting = waiting
        self.pausedUntil = pausedUntil
        self.pausedBecause = pausedBecause
    }
}

/// `PUT /api/v1/maintenance-windows/{name}`: no job of a key starts in these times.
package struct WindowRequest: Sendable, Codable {
    /// As `LimitRequest.key`.
    package var key: String
    /// When it opens: cron, five fields.
    package var expression: String
    /// UTC if nil.
    package var timeZone: String?
    /// How long it stays open.
    package var minutes: Int
    package var because: String?

    package init(key: String, expression: String, timeZone: String? = nil, minutes: Int, because: String? = nil) {
        self.key = key
        self.expression = expression
        self.timeZone = timeZone
        self.minutes = minutes
        self.because = because
    }
}

package struct WindowView: Sendable, Codable {
    package var name: String
    package var key: String
    package var expression: String
    package var timeZone: String
    package var minutes: Int
    package var because: String?
    /// `At 02:00 on Saturday (Europe/Berlin), for 4 hours`.
    package var words: String
    /// Nil while it is closed; RFC 3339.
    package var openUntil: String?
    /// When it opens next.
    package var next: String

    package init(
        name: String, key: String, expression: String, timeZone: String, minutes: Int, because: String?, words: String,
        openUntil: String?, next: String
    ) {
        self.name = name
        self.key = key
        self.expression = expression
        self.timeZone = timeZone
        self.minutes = minutes
        self.because = because
        self.words = words
        self.openUntil = openUntil
        self.next = next
    }
}

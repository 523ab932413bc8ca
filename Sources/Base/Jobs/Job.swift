import Foundation
package import Kernel
package import Postgres

package enum JobState: String, Sendable, Codable {
    case pending = "PENDING"
    case running = "RUNNING"
    case success = "SUCCESS"
    case failed = "FAILED"
    case cancelled = "CANCELLED"
}

/// A job to be made, as part of a run.
package struct JobSpec: Sendable {
    package let kind: String
    /// JSON.
    package let payload: JSONValue
    /// Positions, in the same list, of the jobs that must succeed first.
    package let after: [Int]
    /// Jobs that share a key never run at once; nil for no such limit.
    package let exclusiveKey: String?

    package init(kind: String, payload: JSONValue, after: [Int], exclusiveKey: String? = nil) {
        self.kind = kind
        self.payload = payload
        self.after = after
        self.exclusiveKey = exclusiveKey
    }
}

/// A job that this worker holds, until `leaseLost` is thrown or it is completed.
package struct ClaimedJob: Sendable {
    package let id: JobID
    package let organization: OrganizationID
    package let run: RunID
    package let kind: String
    /// Starts at 1.
    package let attempt: Int
    /// Grows with each claim of any job. Carry it to every outside effect.
    package let fence: Int64
    let payloadText: String

    init(_ row: PGRow) throws {
        id = try row.id("job_id")
        organization = try row.id("organization_id")
        run = try row.id("run_id")
        kind = try row.string("kind")
        attempt = try Int(row.int("attempt"))
        fence = try row.int("fence")
        payloadText = try row.string("payload")
    }

    package func payload<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(payloadText.utf8))
    }
}

/// How far a job is.
package struct JobProgress: Sendable, Codable, Hashable {
    package var done: Int64
    package var total: Int64?
    /// `tables`, `streams`, `nodes`.
    package var unit: String
    package var rows: Int64?
    package var bytes: Int64?
    /// What it is at.
    package var note: String?

    package init(done: Int64, total: Int64?, unit: String, rows: Int64? = nil, bytes: Int64? = nil, note: String? = nil)
    {
        self.done = done
        self.total = total
        self.unit = unit
        self.rows = rows
        self.bytes = bytes
        self.note = note
    }
}

package enum LogLevel: String, Sendable {
    case info, warning, error
}

/// A problem as it is stored with a job or run.
package struct StoredProblem: Sendable, Codable, Hashable {
    package var code: String
    package var detail: String
    package var hint: String?

    package init(_ problem: Problem) {
        code = problem.code.rawValue
        detail = problem.detail
        hint = problem.hint
    }

    package var problem: Problem {
        Problem(Problem.Code(rawValue: code) ?? .internal, detail, hint: hint)
    }
}

/// Work of one kind.
package protocol JobHandler: Sendable {
    var kind: String { get }

    /// Does the job. It may have been done in part before, by a worker that died: what is there must be found and used
    /// or cleared away, never doubled. It is cancelled when the lease is lost.
    /// - Returns: what later jobs of the run may read with `JobContext.result`.
    /// - Throws: a `Problem`, whose code decides in the retry table what comes next.
    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable
}

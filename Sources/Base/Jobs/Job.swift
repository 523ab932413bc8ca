import Foundation
package import Kernel
package import Postgres

package enum JobState: String, Sendable, Codable, CaseIterable {
    case pending = "PENDING"
    case running = "RUNNING"
    case success = "SUCCESS"
    /// It failed, and nobody can rescue it (any more).
    case failed = "FAILED"
    /// It failed, and a person can take it up again or resolve it.
    case retryable = "RETRYABLE"
    /// It failed, and a person has taken care of it otherwise.
    case resolved = "RESOLVED"
    case cancelled = "CANCELLED"
}

/// A job to be made, as part of a run.
package struct JobSpec: Sendable {
    package var kind: String
    /// JSON.
    package var payload: JSONValue
    /// Positions, in the same list, of the jobs that must succeed first.
    package var after: [Int]
    /// Jobs that share a key never run at once; nil for no such limit.
    package var exclusiveKey: String?
    /// Keys of limits that it is held to, where such limits are set (`JobLimits`).
    package var limits: [String]
    /// -100 to 100; higher first.
    package var priority: Int
    /// Of the payload, from 1: workers that know only older ones leave the job to others.
    package var version: Int
    /// From when it is made, or taken up again by a person, to when it must be done; nil for as long as it takes. A job
    /// that has not begun by then fails, one that runs is stopped.
    package var deadline: Duration?

    package init(
        kind: String, payload: JSONValue, after: [Int], exclusiveKey: String? = nil, limits: [String] = [],
        priority: Int = 0, version: Int = 1, deadline: Duration? = nil
    ) {
        self.kind = kind
        self.payload = payload
        self.after = after
        self.exclusiveKey = exclusiveKey
        self.limits = limits
        self.priority = priority
        self.version = version
        self.deadline = deadline
    }

    /// All keys that it is counted under while it runs.
    var limitKeys: [String] { (exclusiveKey.map { [JobLimits.one($0)] } ?? []) + limits }
}

/// A job that this worker holds, until `leaseLost` is thrown or it is completed.
package struct ClaimedJob: Sendable {
    package let id: JobID
    package let organization: OrganizationID
    package let run: RunID
    package let kind: String
    /// Of its payload.
    package let version: Int
    /// The number of this claim, from 1.
    package let attempt: Int
    /// Earlier claims that ended with a failure, or with a lost lease.
    let failures: Int
    let losses: Int
    /// Grows with each claim of any job. Carry it to every outside effect.
    package let fence: Int64
    let payloadText: String
    /// Of whoever made it.
    let trace: TraceContext?
    /// From when it could run to this claim.
    package let waited: Duration
    /// To its deadline, from this claim; negative if it is past.
    package let timeLeft: Duration?

    /// - Parameter row: a `weir.answer`.
    init(_ row: PGRow) throws {
        id = try row.id("job_id")
        organization = try row.id("organization_id")
        run = try row.id("run_id")
        kind = try row.string("kind")
        version = try Int(row.int("version"))
        attempt = try Int(row.int("attempt"))
        failures = try Int(row.int("failures"))
        losses = try Int(row.int("losses"))
        fence = try row.int("fence")
        payloadText = try row.string("payload")
        trace = try row.optional("trace").flatMap(TraceContext.init(traceparent:))
        waited = .seconds(max(0, try row.double("waited")))
        timeLeft = try row.optionalDouble("time_left").map { .seconds($0) }
    }

    /// It was never begun, and its deadline was past when it was claimed.
    var isTooLate: Bool { attempt == 1 && (timeLeft ?? .seconds(1)) <= .zero }

    var facts: JobFacts { JobFacts(state: .running, failures: failures, losses: losses) }

    /// - Throws: `invalidInput` if this program does not understand it.
    package func payload<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(payloadText.utf8))
        } catch let error as DecodingError {
            throw Problem(
                .invalidInput,
                "The payload of this \(kind) job, version \(version), cannot be read\(Self.place(of: error)).",
                hint: "It was made by another version of weir, or by hand: make the run again.", cause: error)
        }
    }

    /// Where in the payload, without any of its values.
    private static func place(of error: DecodingError) -> String {
        let (missing, context): (String?, DecodingError.Context) =
            switch error {
            case .keyNotFound(let key, let context): (key.stringValue, context)
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (nil, context)
            @unknown default: (nil, .init(codingPath: [], debugDescription: ""))
            }
        let path = (context.codingPath.map(\.stringValue) + [missing].compactMap(\.self)).joined(separator: ".")
        return path.isEmpty ? "" : " at \(path)"
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
    var policy: JobPolicy { get }
    /// The newest version of the payload that it understands, and all before it; 1 unless it says otherwise.
    var payloadVersion: Int { get }

    /// Does the job. It may have been done in part before, by a worker that died: what is there must be found and used
    /// or cleared away, never doubled. It is cancelled when the lease is lost.
    /// - Returns: what later jobs of the run may read with `JobContext.result`.
    /// - Throws: a `Problem`, whose code decides in the retry table what comes next.
    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable
}

extension JobHandler {
    package var policy: JobPolicy { JobPolicy() }
    package var payloadVersion: Int { 1 }
}

import Jobs
import Kernel

/// How long one attempt of a job may take, where that is not what its kind says: `WEIR_TIME_LIMITS`, such as
/// `extract=48h,model=30m`.
struct TimeLimits: Sendable, Equatable {
    private static let kinds = CloneRun.kinds + [NoticeBook.runKind]

    /// By kind.
    private(set) var limits: [String: Duration] = [:]

    init() {}

    /// - Throws: `invalidInput`.
    init(_ text: String) throws {
        for part in text.split(separator: ",") {
            let words = part.filter { $0 != " " }.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count == 2, let limit = Self.duration(words[1]) else {
                throw Problem(
                    .invalidInput, "WEIR_TIME_LIMITS says '\(part)'.",
                    hint: "Write it like extract=48h,model=30m: a kind of job, and 1s to 720h.")
            }
            let kind = String(words[0])
            guard Self.kinds.contains(kind) else {
                throw Problem(
                    .invalidInput, "WEIR_TIME_LIMITS: there are no '\(kind)' jobs.",
                    hint: "There are: \(Self.kinds.joined(separator: ", ")).")
            }
            guard limits.updateValue(limit, forKey: kind) == nil else {
                throw Problem(.invalidInput, "WEIR_TIME_LIMITS names \(kind) twice.", hint: "Leave one of them.")
            }
        }
    }

    /// `90s`, `30m`, `48h`: 1 second to 30 days.
    private static func duration(_ text: Substring) -> Duration? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()), count > 0 else {
            return nil
        }
        let (seconds, isTooMuch) = count.multipliedReportingOverflow(by: unit)
        return isTooMuch || seconds > 30 * 86_400 ? nil : .seconds(seconds)
    }

    /// The same handlers with these limits.
    func applied(to handlers: [any JobHandler]) -> [any JobHandler] {
        handlers.map { handler in limits[handler.kind].map { Limited(handler: handler, timeout: $0) } ?? handler }
    }

    /// A handler with another limit than its kind's.
    private struct Limited: JobHandler {
        let handler: any JobHandler
        let timeout: Duration

        var kind: String { handler.kind }
        var payloadVersion: Int { handler.payloadVersion }
        var policy: JobPolicy {
            var policy = handler.policy
            policy.timeout = timeout
            return policy
        }

        func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
            try await handler.perform(job, in: context)
        }
    }
}

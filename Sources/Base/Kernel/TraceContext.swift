package import Foundation

/// Which request, schedule or person's word a piece of work goes back to, across processes and jobs
/// (W3C Trace Context, level 1).
package struct TraceContext: Sendable, Hashable {
    /// The trace's id, 16 bytes: as a UUID it is the correlation id that people see.
    package let trace: UUID
    /// The span that goes on, never 0.
    package let span: UInt64

    package init(trace: UUID, span: UInt64) {
        self.trace = trace
        self.span = span == 0 ? 1 : span
    }

    /// Of this task: set by whoever begins a piece of work. Subscribers of observations may read it.
    @TaskLocal package static var current: TraceContext?

    /// A trace of its own.
    package static func begin(_ trace: UUID = UUID()) -> TraceContext {
        TraceContext(trace: trace, span: .random(in: 1 ... .max))
    }

    /// Another span of the same trace.
    package func child() -> TraceContext { TraceContext(trace: trace, span: .random(in: 1 ... .max)) }

    /// Lower-case, with hyphens, as `X-Correlation-Id` carries it.
    package var correlation: String { trace.uuidString.lowercased() }

    /// 32 lower-case hexadecimal digits.
    package var traceHex: String { correlation.filter { $0 != "-" } }

    /// 16 lower-case hexadecimal digits.
    package static func hex(_ span: UInt64) -> String {
        let digits = String(span, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The header `traceparent` (section 3.2), sampled.
    package var traceparent: String { "00-\(traceHex)-\(Self.hex(span))-01" }

    /// Nil if the text is no `traceparent` of version 00, or one of zeros. Its digits are lower-case (section 3.2.2).
    package init?(traceparent: String) {
        let isDigit = { (byte: UInt8) in (48...57).contains(byte) || (97...102).contains(byte) }
        guard traceparent.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "-") }) else { return nil }
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "00", parts[1].count == 32, parts[2].count == 16, parts[3].count == 2,
            parts[1].contains(where: { $0 != "0" }), let span = UInt64(parts[2], radix: 16), span != 0
        else { return nil }
        let digits = Array(parts[1])
        let groups = [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
        guard let trace = UUID(uuidString: groups.map { String($0) }.joined(separator: "-")) else { return nil }
        self.init(trace: trace, span: span)
    }
}

/// A piece of work that is over, as traces show it.
package struct Span: Sendable {
    /// What the other end of the span is to this process (OpenTelemetry, "Span Kind").
    package enum Role: Sendable {
        case inside
        /// It answers somebody's request.
        case server
        /// It asks another system.
        case client
        /// It takes up what another process has put into the queue.
        case consumer
    }

    /// Low in cardinality: `job extract`, `POST /api/v1/clones`.
    package let name: String
    package let role: Role
    package let context: TraceContext
    /// The span that it is a part of.
    package let parent: UInt64?
    package let began: Date
    package let ended: Date
    /// No row values, no secrets.
    package let attributes: [String: String]
    /// How it failed; nil if it went well.
    package let problem: Problem.Code?

    package init(
        name: String, role: Role, context: TraceContext, parent: UInt64?, began: Date, ended: Date,
        attributes: [String: String], problem: Problem.Code?
    ) {
        self.name = name
        self.role = role
        self.context = context
        self.parent = parent
        self.began = began
        self.ended = ended
        self.attributes = attributes
        self.problem = problem
    }
}

/// Runs `work` as a span of the current trace (of a new one if there is none), and tells `observe` when it is over.
/// - Throws: what `work` throws.
package func withSpan<Value: Sendable>(
    _ name: String, _ role: Span.Role = .inside, _ attributes: [String: String] = [:], observe: Observe,
    isolation: isolated (any Actor)? = #isolation, _ work: () async throws -> Value
) async throws -> Value {
    let parent = TraceContext.current
    let context = parent?.child() ?? .begin()
    let began = Date()
    func end(_ problem: Problem.Code?) {
        observe(
            .spanEnded(
                Span(
                    name: name, role: role, context: context, parent: parent?.span, began: began, ended: Date(),
                    attributes: attributes, problem: problem)))
    }
    do {
        let value = try await TraceContext.$current.withValue(context) { try await work() }
        end(nil)
        return value
    } catch {
        end(Problem(wrapping: error).code)
        throw error
    }
}

import Foundation
import Kernel

/// Spans as `ExportTraceServiceRequest` of OTLP 1.x. Field numbers are those of opentelemetry-proto's
/// `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`, `common/v1/common.proto`, `resource/v1/resource.proto`.
enum TraceMessage {
    /// - Parameter resource: what is the same for all spans of this process.
    static func encode(_ spans: [Span], resource: [String: String], version: String) -> [UInt8] {
        var request = ProtobufWriter()
        // ExportTraceServiceRequest.resource_spans = 1
        request.message(1) { resourceSpans in
            // ResourceSpans.resource = 1; Resource.attributes = 1
            resourceSpans.message(1) { attributes(resource, field: 1, of: &$0) }
            // ResourceSpans.scope_spans = 2
            resourceSpans.message(2) { scopeSpans in
                // ScopeSpans.scope = 1; InstrumentationScope.name = 1, version = 2
                scopeSpans.message(1) { scope in
                    scope.text(1, "weirhouse")
                    scope.text(2, version)
                }
                // ScopeSpans.spans = 2
                for span in spans { scopeSpans.message(2) { write(span, to: &$0) } }
            }
        }
        return request.bytes
    }

    /// Span: trace_id = 1, span_id = 2, parent_span_id = 4, name = 5, kind = 6, start_time_unix_nano = 7,
    /// end_time_unix_nano = 8, attributes = 9, status = 15, flags = 16.
    private static func write(_ span: Span, to writer: inout ProtobufWriter) {
        writer.data(1, withUnsafeBytes(of: span.context.trace.uuid) { Array($0) })
        writer.data(2, bigEndian(span.context.span))
        if let parent = span.parent { writer.data(4, bigEndian(parent)) }
        writer.text(5, span.name)
        writer.varint(6, kind(span.role))
        writer.fixed64(7, nanoseconds(span.began))
        writer.fixed64(8, nanoseconds(max(span.ended, span.began)))
        var all = span.attributes
        if let problem = span.problem { all[errorType] = problem.rawValue }
        attributes(all, field: 9, of: &writer)
        if all[errorType] != nil {
            // Status.message = 2, code = 3; STATUS_CODE_ERROR = 2
            writer.message(15) { status in
                status.text(2, span.problem?.title ?? "")
                status.varint(3, 2)
            }
        }
        // The trace flag "sampled" (W3C Trace Context, section 3.2.2.5.1).
        writer.fixed32(16, 1)
    }

    /// "error.type" of OpenTelemetry's semantic conventions: what it names has failed.
    private static let errorType = "error.type"

    /// Attributes that the semantic conventions want as numbers.
    private static let numbers: Set<String> = ["http.response.status_code", "process.pid", "weir.job.attempt"]

    /// KeyValue: key = 1, value = 2. AnyValue: string_value = 1, int_value = 3.
    private static func attributes(_ values: [String: String], field: UInt64, of writer: inout ProtobufWriter) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            writer.message(field) { pair in
                pair.text(1, name)
                pair.message(2) { any in
                    if numbers.contains(name), let number = Int(value) {
                        any.varint(3, number)
                    } else {
                        any.text(1, value)
                    }
                }
            }
        }
    }

    /// SpanKind: INTERNAL 1, SERVER 2, CLIENT 3, CONSUMER 5.
    private static func kind(_ role: Span.Role) -> Int {
        switch role {
        case .inside: 1
        case .server: 2
        case .client: 3
        case .consumer: 5
        }
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func nanoseconds(_ date: Date) -> UInt64 { UInt64(max(0, date.timeIntervalSince1970) * 1e9) }
}

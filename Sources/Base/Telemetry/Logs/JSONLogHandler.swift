import Foundation
import Kernel
import Logging

/// Log lines for programs: one JSON object each (RFC 8259).
///
/// Its members are `time` (RFC 3339 with milliseconds), `level`, `part`, `message`; `correlation_id` and `span_id` of the
/// task that logs; and the line's metadata.
struct JSONLogHandler: LogHandler {
    let part: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let write: @Sendable (String) -> Void

    init(label: String, logLevel: Logger.Level, write: @escaping @Sendable (String) -> Void) {
        part = label.hasPrefix("weir.") ? String(label.dropFirst(5)) : label
        self.logLevel = logLevel
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var members: [(String, Logger.MetadataValue)] = [
            ("time", "\(Date().rfc3339)"), ("level", "\(event.level)"), ("part", "\(part)"),
            ("message", "\(event.message)"),
        ]
        var rest = all(event.metadata)
        if let trace = TraceContext.current {
            members.append(("correlation_id", "\(trace.correlation)"))
            members.append(("span_id", "\(TraceContext.hex(trace.span))"))
        }
        // What the line says of itself never takes the place of what every line has.
        for (name, _) in members { rest[name] = nil }
        members += rest.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        write("{\(members.map { "\(JSONText.string($0.0)):\(JSONText.value($0.1))" }.joined(separator: ","))}\n")
    }
}

/// Values of log lines as JSON.
enum JSONText {
    static func value(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): return string(text)
        case .stringConvertible(let number as Int): return String(number)
        case .stringConvertible(let number as Double) where number.isFinite: return "\(number)"
        case .stringConvertible(let other): return string(other.description)
        case .array(let values): return "[\(values.map(Self.value).joined(separator: ","))]"
        case .dictionary(let members):
            let inside = members.sorted { $0.key < $1.key }.map { "\(string($0.key)):\(Self.value($0.value))" }
            return "{\(inside.joined(separator: ","))}"
        }
    }

    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

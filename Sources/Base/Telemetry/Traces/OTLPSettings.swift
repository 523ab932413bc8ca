import Foundation
package import Kernel

/// Where traces go, by OpenTelemetry's standard variables ("OTLP Exporter Configuration").
package struct OTLPSettings: Sendable {
    /// The whole address, such as `http://127.0.0.1:4318/v1/traces`.
    package let address: String
    /// They may carry a key.
    package let headers: [(name: String, value: Secret<String>)]
    package let service: String
    /// For one request.
    package let timeout: Duration

    package init(
        address: String, headers: [(name: String, value: Secret<String>)] = [], service: String = "weirhouse",
        timeout: Duration = .seconds(10)
    ) {
        self.address = address
        self.headers = headers
        self.service = service
        self.timeout = timeout
    }

    /// - Parameter variable: the value of an environment variable.
    /// - Returns: nil if no address is set or traces are turned off.
    /// - Throws: `invalidInput`, which names the variable.
    package static func read(_ variable: (String) -> String?) throws -> OTLPSettings? {
        func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        let isOff = value("OTEL_SDK_DISABLED")?.lowercased() == "true" || value("OTEL_TRACES_EXPORTER") == "none"
        guard !isOff, let address = try address(value) else { return nil }
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            guard let wanted = value(name), wanted != "http/protobuf" else { continue }
            throw Problem(.invalidInput, "\(name) is \(wanted).", hint: "Weirhouse speaks http/protobuf: leave it out.")
        }
        let name =
            value("OTEL_EXPORTER_OTLP_TRACES_HEADERS") == nil
            ? "OTEL_EXPORTER_OTLP_HEADERS" : "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
        return OTLPSettings(
            address: address, headers: try headers(value(name) ?? "", named: name),
            service: value("OTEL_SERVICE_NAME") ?? "weirhouse", timeout: try timeout(value))
    }

    /// That of traces is taken as it is, the general one gets `/v1/traces`.
    private static func address(_ value: (String) -> String?) throws -> String? {
        for (name, path) in [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""), ("OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/traces")]
        {
            guard let given = value(name) else { continue }
            guard let url = URL(string: given), ["http", "https"].contains(url.scheme ?? ""), url.host != nil else {
                throw Problem(
                    .invalidInput, "\(name) is no address of a receiver.", hint: "Give it as http://host:4318.")
            }
            return path.isEmpty ? given : (given.hasSuffix("/") ? String(given.dropLast()) : given) + path
        }
        return nil
    }

    /// `name=value,name=value`, values percent-encoded (W3C Baggage, section 3.3.1).
    private static func headers(
        _ list: String, named variable: String
    ) throws -> [(name: String, value: Secret<String>)] {
        try list.split(separator: ",").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, !parts[0].isEmpty, let value = parts[1].removingPercentEncoding else {
                // Not its value: it may hold a key.
                throw Problem(
                    .invalidInput, "\(variable) is no list of headers.", hint: "Write it as name=value,name=value.")
            }
            return (parts[0], Secret(value))
        }
    }

    private static func timeout(_ value: (String) -> String?) throws -> Duration {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"] {
            guard let given = value(name) else { continue }
            guard let milliseconds = Int(given), milliseconds > 0 else {
                throw Problem(.invalidInput, "\(name) is \(given).", hint: "Give it in milliseconds.")
            }
            return .milliseconds(milliseconds)
        }
        return .seconds(10)
    }
}
